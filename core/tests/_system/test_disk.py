from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from damlink._content import Content, Spool
from damlink._plugin.errors import translate
from damlink._system.disk import cure_of, describe_error, is_file_error, naming, translating
from damlink.errors import PluginBugError, StateError, TransientError


def error_of(number: int, *path: str) -> OSError:
    return OSError(number, os.strerror(number), *path)


@pytest.mark.parametrize("name", ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EPERM", "EMFILE", "EISDIR"])
def test_error_of_a_file_when_described_names_file_cause_and_cure(name: str) -> None:
    error = error_of(getattr(errno, name), "damlink.key")
    assert describe_error(error) == f"damlink.key: {error.strerror}"
    assert is_file_error(error)
    assert cure_of(error)


@pytest.mark.parametrize(
    "error", [error_of(errno.ECONNREFUSED, "a"), error_of(errno.ENOSPC), ValueError("a")], ids=repr
)
def test_error_when_it_is_no_file_s_is_left_alone(error: Exception) -> None:
    assert not is_file_error(error)
    with pytest.raises(type(error)), translating():
        raise error


def test_cure_when_the_disk_is_at_fault_comes_before_that_of_the_caller() -> None:
    assert cure_of(error_of(errno.ENOSPC), "name another file").startswith("make room on its disk")
    assert cure_of(error_of(errno.EISDIR), "name another file") == "name another file"


def test_naming_when_the_system_has_named_the_file_keeps_that_name() -> None:
    with pytest.raises(OSError, match="'first'"), naming("second"):
        raise error_of(errno.EIO, "first")


def test_translating_when_a_file_fails_raises_what_stops_the_connector() -> None:
    said = "^pace.db: Read-only file system; its disk is mounted read-only"
    with pytest.raises(StateError, match=said), translating(), naming("pace.db"):
        raise error_of(errno.EROFS)


@pytest.mark.parametrize(
    ("error", "kind"),
    [(error_of(errno.ENOSPC, "spool"), TransientError), (error_of(errno.ENOSPC), PluginBugError)],
    ids=["of a file", "of nothing"],
)
def test_hook_when_the_disk_refuses_it_fails_for_a_while_and_is_no_bug(
    error: OSError, kind: type[Exception]
) -> None:
    assert type(translate(error, "shelf's push")) is kind


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("arguments", [["--help"], ["plugins"], ["--version"]], ids=" ".join)
def test_output_when_the_disk_is_full_says_so_in_a_line(arguments: list[str]) -> None:
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        command = [sys.executable, "-m", "damlink", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=110)
    said = "damlink: standard output: No space left on device; make room on its disk, then run again\n"
    assert (done.returncode, done.stderr) == (3, said)


def refusing(number: int) -> Callable[[int], list[bytes]]:
    def open_(_offset: int) -> list[bytes]:
        raise error_of(number)

    return open_


def test_spool_when_its_source_fails_does_not_blame_the_disk() -> None:
    with pytest.raises(OSError, match="timed out") as caught:
        Spool(Content("a.jpg", refusing(errno.ETIMEDOUT)).open())
    assert caught.value.filename is None
