"""What every test of the core stands on: folders of its own, no network but loopback, plugins to install."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.configuration
import pytest
from canaries import KEY
from scripted_server import Server

from damlink._http.client import Client, open_client
from damlink._http.retry import no_waiting

CHILDREN = Path(__file__).parent / "children"
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    if cache := getattr(config, "cache", None):  # there is none with `-p no:cacheprovider`
        hypothesis.configuration.set_hypothesis_home_dir(cache.mkdir("hypothesis"))
    shared = [hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("damlink", deadline=None, suppress_health_check=shared)
    hypothesis.settings.load_profile("damlink")


@pytest.fixture(autouse=True)
def _own_folders(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The person's own state, config, key and proxies are none of a test's business."""
    own = "tmp_path" in request.fixturenames  # few tests need a folder that is there; making one takes time
    unmade = tmp_path_factory.getbasetemp() / f"unmade-{next(_numbers)}"
    tmp_path = request.getfixturevalue("tmp_path") if own else unmade
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.delenv("DAMLINK_CONFIG", raising=False)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """A connection to anywhere but this machine fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise AssertionError(f"a test reached out to {address}")
        return connect(self, address)

    return guarded


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program of `children/` with arguments; whatever still runs at the end is killed."""
    with contextlib.ExitStack() as running:

        def start(name: str, *arguments: object) -> subprocess.Popen[str]:
            command = [sys.executable, str(CHILDREN / f"{name}.py"), *map(str, arguments)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            running.enter_context(process)
            running.callback(process.kill)
            return process

        yield start


# --- the other side --------------------------------------------------------------------------------


@pytest.fixture
def hurried() -> Iterator[None]:
    """Requests are repeated at once."""
    with no_waiting():
        yield


@pytest.fixture
def partner(server: Server, hurried: None) -> Iterator[Client]:
    """A client of the partner's, which repeats at once."""
    with open_client(server.url) as client:
        yield client


# --- plugins ---------------------------------------------------------------------------------------


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Install a distribution with one module and one plugin, in a folder of its own on the path."""
    made = []

    def installed(
        name: str,
        source: str | None = "",
        *,
        distribution: str = "",
        module: str = "",
        requires: str = "damlink",
        group: str = "damlink",
        attribute: str = "",
    ) -> Path:
        distribution, module = distribution or f"damlink-{name}", module or f"damlink_{name}_plugin"
        folder = tmp_path / "site" / distribution
        facts = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        facts.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\nSummary: The {name} plugin.\n"
        (facts / "METADATA").write_text(f"{metadata}Requires-Dist: {requires}\n")
        (facts / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}{attribute}\n")
        if source is not None:
            (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(str(folder))
        made.append(module)
        return folder

    yield installed
    for module in made:
        sys.modules.pop(module, None)
