"""The client of clamd, against a stand-in that speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clamd import VIRUS, Clamd

from damlink.errors import TransientError
from damlink_clamav.daemon import Daemon
from damlink_clamav.extension import ClamAV


@pytest.fixture
def daemon(clamd: Clamd) -> Daemon:
    return Daemon(clamd.address, 60)


def test_scan_of_a_clean_file_returns_nothing_and_sends_it_whole(clamd: Clamd, daemon: Daemon) -> None:
    assert daemon.scan([b"a", b"", b"b" * 100_000], "a.jpg") == ""
    assert clamd.scanned == [b"a" + b"b" * 100_000]


def test_scan_of_a_file_with_a_virus_returns_its_name(daemon: Daemon) -> None:
    assert daemon.scan([b"x", VIRUS], "a.jpg") == "Test.Signature"


def test_scan_when_the_file_is_too_large_says_what_to_raise(clamd: Clamd, daemon: Daemon) -> None:
    clamd.limit = 1000

    with pytest.raises(TransientError, match=r"a\.jpg: INSTREAM size limit exceeded.*StreamMaxLength"):
        daemon.scan([b"x" * 999_999] * 50, "a.jpg")


@pytest.mark.parametrize("answer", [b"", b"stream: Out of memory ERROR\0", b"\xff\xfe\0", b"OK\0"])
def test_scan_when_the_answer_is_no_verdict_fails(clamd: Clamd, daemon: Daemon, answer: bytes) -> None:
    clamd.answer = answer

    with pytest.raises(TransientError):
        daemon.scan([b"x"], "a.jpg")


def test_scan_when_the_source_fails_raises_its_error(daemon: Daemon) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x"
        raise TransientError("the source broke")

    with pytest.raises(TransientError, match="the source broke"):
        daemon.scan(broken(), "a.jpg")


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "/nowhere/clamd.ctl"])
def test_version_when_nothing_listens_names_the_address(address: str) -> None:
    with pytest.raises(TransientError, match=f"clamd at {address} does not answer"):
        Daemon(address, 60).version()


def test_version_returns_what_clamd_says(daemon: Daemon) -> None:
    assert daemon.version() == "ClamAV 1.4"


def test_check_when_nothing_listens_shows_the_cause() -> None:
    (finding,) = ClamAV(address="127.0.0.1:1").check(None)  # type: ignore[arg-type]

    assert (finding.ok, finding.detail[:44]) == (False, "clamd at 127.0.0.1:1 does not answer: [Errno")
