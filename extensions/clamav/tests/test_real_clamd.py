"""The extension against a real clamd, with a signature of the tests' own: none is downloaded."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from clamd import VIRUS
from loopback import until

from damlink.errors import TransientError
from damlink.testing import ConnectorContract
from damlink_clamav.daemon import Daemon

CLAMD: Final = shutil.which("clamd", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not CLAMD, reason="clamd is missing: install clamav-daemon"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The socket of a clamd that accepts a megabyte."""
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.ndb").write_text(f"Test.Signature:0:*:{VIRUS.hex()}\n")
    config, path = folder / "clamd.conf", folder / "clamd.ctl"
    config.write_text(f"LocalSocket {path}\nDatabaseDirectory {folder}\nForeground yes\nStreamMaxLength 1M\n")
    with (folder / "log").open("w") as log:
        child = subprocess.Popen([CLAMD, "--config-file", str(config)], stdout=log, stderr=log)
    try:
        until(lambda: path.exists() or child.poll() is not None)
        assert child.poll() is None, Path(folder, "log").read_text()
        yield str(path)
    finally:
        child.terminate()
        child.wait()


@pytest.fixture
def daemon(address: str) -> Daemon:
    return Daemon(address, 60)


def test_version_names_clamav(daemon: Daemon) -> None:
    assert daemon.version().startswith("ClamAV ")


def test_scan_of_a_clean_file_returns_nothing(daemon: Daemon) -> None:
    assert daemon.scan([b"a" * 1000, b"", b"b" * 100_000], "a.jpg") == ""


def test_scan_of_a_file_with_the_signature_across_two_pieces_returns_its_name(daemon: Daemon) -> None:
    half = len(VIRUS) // 2
    assert daemon.scan([b"x" * 10, VIRUS[:half], VIRUS[half:]], "a.jpg") == "Test.Signature.UNOFFICIAL"


def test_scan_when_the_file_is_larger_than_clamd_takes_says_what_to_raise(daemon: Daemon) -> None:
    with pytest.raises(TransientError, match="StreamMaxLength"):
        daemon.scan([b"x" * 100_000] * 50, "a.jpg")


class TestIStockWithClamAV(ConnectorContract):
    plugin = "istock"
    acts = r"^POST /v3/downloads/"

    @pytest.fixture
    def settings(self, address: str) -> Mapping[str, Any]:
        return {"repeat_unclear_downloads": False, "extensions": {"clamav": {"address": address}}}
