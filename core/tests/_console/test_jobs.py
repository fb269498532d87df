"""Runs and plans that are started on a page, each in a process of its own."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from loopback import until

from damlink.errors import RunActiveError

STARTS = {
    "/run": ({"connector": "stock"}, "damlink run stock"),
    "/run?full=yes": ({"connector": "stock"}, "damlink run stock --full"),
    "/make-plan": ({"connector": "stock"}, "damlink plan stock --save"),
    "/approve": ({"id": "known"}, "damlink run stock --plan known"),
}


def latest(shown: Any) -> dict[str, Any]:
    return shown.json("/connector?connector=stock")["jobs"][0]


@pytest.mark.parametrize(("path", "given"), STARTS.items(), ids=list(STARTS))
def test_command_when_started_on_a_page_shows_its_last_lines_and_its_end(
    shown: Any, path: str, given: tuple[dict[str, str], str]
) -> None:
    form, command = given
    answer = shown.post(path, **form)
    assert answer.status_code == 303
    assert httpx.URL(answer.headers["location"]).params["connector"] == "stock"
    until(lambda: latest(shown)["exit_code"] is not None)
    job = latest(shown)
    assert (job["command"], job["exit_code"]) == (command, 3)
    assert "missing" in job["lines"][-1]


def test_command_when_the_last_one_runs_is_refused_and_can_be_stopped(shown: Any) -> None:
    shown.console.jobs.start("busy", "console", "--no-browser", "--listen", "127.0.0.1:0")
    with pytest.raises(RunActiveError, match="`damlink console .*` has not ended; wait for it, or stop it"):
        shown.console.jobs.start("busy", "run", "busy")
    until(lambda: shown.console.jobs.latest("busy", 1)[0].lines)
    assert shown.console.jobs.stop("busy")
    until(lambda: shown.console.jobs.latest("busy", 1)[0].exit_code is not None)
    assert not shown.console.jobs.stop("busy")


@pytest.mark.parametrize("form", [{"connector": "nobody"}, {"connector": "stock", "full": "maybe"}])
def test_run_when_asked_for_wrongly_is_not_started(shown: Any, form: dict[str, str]) -> None:
    before = shown.json("/connector?connector=stock")["jobs"]
    assert shown.post("/run", **form).status_code in (400, 409)
    assert shown.json("/connector?connector=stock")["jobs"] == before
