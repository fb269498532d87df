"""All assets of a filter at once: exactly those, with a result for each, and saved as a table."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from ledger_rows import claim

from damlink._model import SourceAsset
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed

ODD = "=HYPERLINK(1)"


@pytest.fixture
def many(shown: Any) -> Iterator[Ledger]:
    """One failed, one rejected, one uncertain and one due row of the shelf, as long as the test runs."""
    items = [SourceAsset(f"many-{number}", "v1", ODD) for number in range(4)]
    with Lease(shown.session.database, "shelf") as lease:
        ledger = Ledger(shown.session.database, "shelf", lease.epoch)
        ledger.record(Listed(items), "all")
        ledger.mark_failed(claim(ledger), "no answer for many-0")
        ledger.mark_rejected(claim(ledger), "too large")
        ledger.mark_uncertain(claim(ledger), "it may have arrived")
    yield Ledger(shown.session.database, "shelf")
    with Lease(shown.session.database, "shelf") as lease:
        Ledger(shown.session.database, "shelf", lease.epoch).forget()


def bulk(shown: Any, **query: str) -> dict[str, Any]:
    address = f"/bulk?{httpx.QueryParams({'connector': 'shelf'} | query)}"
    headers = {"Origin": shown.url, "Accept": "application/json"}
    answer = shown.client.post(address, data={"button": ""}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def states(ledger: Ledger) -> dict[str, str]:
    return {row.source_id: row.state.value for row in ledger.rows()}


@pytest.mark.parametrize(
    ("query", "changed"),
    [
        ({"act": "retry"}, {"many-0": "due", "many-1": "due"}),
        ({"act": "retry", "state": "failed"}, {"many-0": "due"}),
        ({"act": "skip"}, {"many-0": "skipped", "many-1": "skipped", "many-3": "skipped"}),
        ({"act": "skip", "cause": "no answer for …"}, {"many-0": "skipped"}),
        ({"act": "arrived"}, {"many-2": "pushed"}),
        ({"act": "again", "search": "MANY"}, {"many-2": "due"}),
        ({"act": "retry", "since": "2999-01-01"}, {}),
        ({"act": "retry", "since": "2020-01-01", "until": "2999-12-31"}, {"many-0": "due", "many-1": "due"}),
    ],
    ids=["retry", "of-a-state", "skip", "of-a-cause", "arrived", "again", "of-no-day", "of-days"],
)
def test_assets_when_changed_together_are_exactly_those_of_the_filter(
    shown: Any, many: Ledger, query: dict[str, str], changed: dict[str, str]
) -> None:
    before = states(many)
    found = bulk(shown, **query)
    assert states(many) == before | changed
    done = [each["source_id"] for each in found["results"] if each["is_changed"]]
    assert done == list(changed)
    assert sum(found["counts"].values()) == len(found["results"])


def test_assets_when_left_as_they_are_say_why(shown: Any, many: Ledger) -> None:
    results = {each["source_id"]: each["result"] for each in bulk(shown, act="retry")["results"]}
    assert results["many-2"] == "left: decide first whether it has arrived"
    assert results["many-3"] == "left: it is due"


def test_assets_when_a_run_is_active_are_changed_but_for_what_it_carries(shown: Any, many: Ledger) -> None:
    with Lease(shown.session.database, "shelf") as lease:
        claim(Ledger(shown.session.database, "shelf", lease.epoch))
        results = {each["source_id"]: each["result"] for each in bulk(shown, act="retry")["results"]}
    assert results["many-3"] == "left: it is being carried"
    assert (results["many-0"], results["many-1"]) == ("due", "due")


def test_act_when_unknown_is_refused(shown: Any, many: Ledger) -> None:
    assert shown.post("/bulk?connector=shelf&act=drop", button="").status_code == 400


def test_table_when_saved_has_the_rows_of_the_filter_and_no_formula(shown: Any, many: Ledger) -> None:
    answer = shown.client.get("/export?connector=shelf&state=failed")
    assert answer.headers["content-type"].startswith("text/csv")
    (row,) = csv.DictReader(answer.text.splitlines())
    assert (row["source_id"], row["title"], row["last_error"]) == (
        "many-0",
        f"'{ODD}",
        "no answer for many-0",
    )


def test_search_when_for_a_whole_id_shows_it_first(shown: Any, many: Ledger) -> None:
    found = shown.json("/assets?connector=shelf&search=many-3")
    assert [each["source_id"] for each in found["assets"]] == ["many-3"]
    assert found["after"] is None
