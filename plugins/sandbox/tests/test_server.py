from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from ports import free_port

from damlink_sandbox import Part, Sandbox, World

SERVE = """
from damlink_sandbox import Sandbox, wait_for_signal
with Sandbox([]) as sandbox:
    print(sandbox.origins["portal"], flush=True)
    wait_for_signal()
"""


class Acme:
    """A partner's part with one service."""

    name = "acme"

    def __init__(self, world: World) -> None:
        self.world = world

    def services(self) -> dict[str, Any]:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"acme"})

        return {"acme": app}

    def state(self) -> Any:
        return {"folder": str(self.world.folder)}

    def control(self, action: str, body: Any) -> Any:
        raise KeyError(action)

    def connector(self) -> dict[str, Any]:
        return {"api_url": self.world.origins["acme"]}

    def secrets(self) -> tuple[str, ...]:
        return ()


def test_sandbox_when_a_part_is_given_serves_it_beside_the_portal(tmp_path: Path) -> None:
    with Sandbox([Acme], folder=tmp_path, media=[]) as sandbox:
        assert list(sandbox.origins) == ["portal", "s3", "control", "acme"]
        assert httpx.get(sandbox.part("acme").connector()["api_url"], trust_env=False).text == "acme"
        assert sandbox.world.counts["requests:acme"] == 1


def test_sandbox_when_a_port_is_given_counts_up_from_it() -> None:
    first = free_port(3)
    with Sandbox([], port=first) as sandbox:
        ports = [int(origin.rpartition(":")[2]) for origin in sandbox.origins.values()]
    assert ports == [first, first + 1, first + 2]


def test_sandbox_when_left_closes_its_ports() -> None:
    with Sandbox([]) as sandbox:
        origin = sandbox.origins["portal"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(origin, trust_env=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_when_signalled_ends_cleanly(number: signal.Signals) -> None:
    command = [sys.executable, "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        origin = process.stdout.readline().strip()
        assert httpx.get(origin, trust_env=False).status_code == 404
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


class Furnished(Acme):
    """A partner whose connector works with an asset of the portal."""

    def furnish(self, parts: Mapping[str, Part]) -> None:
        parts["bynder"].control("add_asset", {"name": "Poster", "tags": ["Acme"], "size": 10})


def test_sandbox_when_furnished_lets_each_part_put_its_things_in_place(tmp_path: Path) -> None:
    with Sandbox([Furnished], folder=tmp_path, media=[]) as sandbox:
        sandbox.furnish()
        assert [asset["tags"] for asset in sandbox.part("bynder").state()["assets"]] == [["Acme"]]
