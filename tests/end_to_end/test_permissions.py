"""Whatever Damlink makes is its user's alone, even where the umask is 0; what others can open is said."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback import Site

from damlink._checkpoint import FileCheckpoint
from damlink._config.edit import ConfigFile
from damlink._http.pace import Pace
from damlink._secrets.crypto import new_key
from damlink._secrets.key import find_key
from damlink._state.database import Database
from damlink._state.lease import Lease
from damlink._state.values import Values


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """The worst case: without care everybody could read and write everything."""
    before = os.umask(0)
    yield
    os.umask(before)


def found(folder: Path) -> dict[str, int]:
    """Every file and folder, with what others may do."""
    paths = folder.rglob("*")
    return {str(path.relative_to(folder)): stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in paths}


# --- all that a command writes ---------------------------------------------------------------------


def test_commands_when_the_umask_is_open_leave_nothing_to_others(site: Site) -> None:
    (site.folder / "damlink.toml").unlink()
    (site.folder / "small.jpg").write_bytes(b"a small picture")
    before = found(site.folder)
    entered(site, "", "init", "--set", f"url={site.sandbox.origins['portal']}", "--set", "token=env:TOKEN")
    entered(site, "a-kept-secret", "secret", "set", "kept")
    entered(
        site, "", "bynder", "brand", "raw", "GET", "/api/v4/users/", "--response", "bytes", "--output", "body"
    )
    entered(site, "", "bynder", "brand", "uploads", "file", "--file", "small.jpg", "--notes", "notes")
    after = found(site.folder)
    assert {"damlink.toml", "damlink.db", "damlink.key", "pace.db", "body"} <= after.keys()
    assert {
        path: mode
        for path, mode in after.items()
        if mode and path not in before and not path.startswith("world/")
    } == {}


def entered(site: Site, text: str, *arguments: str) -> None:
    child = site.start(*arguments, stdin=-1, umask=0)
    _, err = child.communicate(text, timeout=60)
    assert child.returncode == 0, err


# --- each thing that is made, without the command line ---------------------------------------------


def a_database(folder: Path) -> contextlib.AbstractContextManager[object]:
    database = Database("sqlite:///damlink.db", folder)
    Values(database, "stock").put("key", "value")  # with its journal beside it
    return contextlib.closing(database)


def a_pace(folder: Path) -> contextlib.AbstractContextManager[object]:
    return contextlib.closing(Pace(folder / "state" / "below" / "pace.db"))


@contextlib.contextmanager
def a_lease(folder: Path) -> Iterator[None]:
    with contextlib.closing(Database("sqlite:///damlink.db", folder)) as database, Lease(database, "stock"):
        yield


def a_key(folder: Path) -> contextlib.AbstractContextManager[object]:
    return contextlib.nullcontext(find_key(folder, new_key))


def a_config(folder: Path) -> contextlib.AbstractContextManager[object]:
    return contextlib.nullcontext(ConfigFile(folder / "damlink.toml").write())


def notes(folder: Path) -> contextlib.AbstractContextManager[object]:
    return contextlib.nullcontext(FileCheckpoint(folder / "notes").put(part=1))


@pytest.mark.usefixtures("_open_umask")
@pytest.mark.parametrize("make", [a_database, a_pace, a_lease, a_key, a_config, notes])
def test_thing_when_made_is_its_users_alone(
    make: Callable[[Path], contextlib.AbstractContextManager[object]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAMLINK_KEY", raising=False)
    with make(tmp_path):
        made = found(tmp_path)
    assert made
    assert {path: mode for path, mode in made.items() if mode} == {}


# --- what was made by others -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["damlink.db", "damlink.key"])
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602], ids=["all read", "group reads", "all write"])
def test_file_when_others_can_open_it_is_warned_of_with_the_cure(
    tmp_path: Path, name: str, mode: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("DAMLINK_KEY", raising=False)
    make = {"damlink.db": lambda: a_database(tmp_path), "damlink.key": lambda: a_key(tmp_path)}[name]
    file = tmp_path / name
    file.touch()
    file.chmod(mode)
    with make(), make():
        warnings = caplog.messages
    assert warnings == [f"{file} is open to other users: run `chmod 600 {file}`"]
