"""A folder of a real OpenSSH server, on loopback, with keys of the test's own."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from loopback import until
from ports import free_port

from damlink import Secret, TransientError
from damlink_folder.opening import open_folder
from damlink_folder.settings import FolderSettings

SSHD: Final = shutil.which("sshd", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""
PHRASE: Final = "made-up-phrase"
KINDS: Final = ("ed25519", "ecdsa", "rsa")

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(not SSHD, reason="sshd is missing: install openssh-server"),
]

CONFIG: Final = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
PermitRootLogin yes
MaxStartups 100
Subsystem sftp internal-sftp
"""


@attrs.frozen
class Server:
    port: int
    folder: Path

    def settings(self, path: Path, kind: str = "ed25519", **changes: Any) -> dict[str, Any]:
        return {
            "address": f"sftp://{getpass.getuser()}@127.0.0.1:{self.port}{path}",
            "known_hosts": str(self.folder / "known_hosts"),
            "key_file": str(self.folder / kind),
            "key_passphrase": PHRASE,
            **changes,
        }


def make_key(path: Path, kind: str, phrase: str) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("sshd"), free_port()
    host = make_key(folder / "host", "ed25519", "")
    (folder / "authorized").write_text("".join(make_key(folder / kind, kind, PHRASE) for kind in KINDS))
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host}")
    (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
    # Only a server of root's needs it, and Debian makes it when the service starts.
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port))
        yield Server(port, folder)
    finally:
        process.terminate()
        process.wait(60)


def test_files_arrive_once_with_their_metadata_and_move(hot: Any, server: Server) -> None:
    big = os.urandom(1024 * 1024) * 24
    hot.put("in/big file.bin", big)
    hot.put("in/big file.json", '{"name": "From OpenSSH"}')
    for number in range(5):
        hot.put(f"in/small {number}.jpg", b"s")
    trial = hot.open(**server.settings(hot.path, move=True, report="json"))
    assert (trial.run(), trial.run()) == ({"pushed": 6}, {})
    assert hot.asset("From OpenSSH")["size"] == len(big)
    assert [name for name in hot.names() if not name.startswith("done/in/")] == []
    assert len(hot.names()) == 13


@pytest.mark.parametrize("kind", KINDS)
def test_key_of_each_kind_signs_in(hot: Any, server: Server, kind: str) -> None:
    hot.put("a.jpg")
    given = server.settings(hot.path, kind)
    with open_folder(FolderSettings(**(given | {"key_passphrase": Secret(PHRASE)}))) as folder:
        assert [each.name for each in folder.children("")] == ["a.jpg"]


@pytest.mark.parametrize(
    "name",
    [b"new\nline.jpg", b"x" * 251 + b".jpg", "café €.jpg".encode(), b'%2e%2e, "x".jpg'],
    ids=["newline", "long", "utf-8", "percent"],
)
def test_file_with_a_hostile_name_arrives(hot: Any, server: Server, name: bytes) -> None:
    hot.put(name)
    trial = hot.open(**server.settings(hot.path))
    assert (trial.run(), trial.run()) == ({"pushed": 1}, {})


def test_folder_with_a_name_that_is_not_utf8_is_named(hot: Any, server: Server) -> None:
    hot.put(b"sub/caf\xe9.jpg")
    trial = hot.open(**server.settings(hot.path))
    with pytest.raises(TransientError, match="cannot list sub: a name in it is not UTF-8"):
        list(trial.source_assets())


def test_links_are_not_followed(hot: Any, server: Server) -> None:
    (hot.path / "passwd.jpg").symlink_to("/etc/passwd")
    (hot.path / "etc").symlink_to("/etc")
    trial = hot.open(**server.settings(hot.path))
    assert list(trial.source_assets()) == []


def test_file_in_a_folder_that_became_a_link_is_not_read(hot: Any, server: Server, tmp_path: Path) -> None:
    hot.put("sub/a.jpg")
    given = server.settings(hot.path)
    with contextlib.ExitStack() as closing:
        folder = closing.enter_context(
            open_folder(FolderSettings(**(given | {"key_passphrase": Secret(PHRASE)})))
        )
        (hot.path / "sub").rename(tmp_path / "moved")
        (hot.path / "sub").symlink_to(tmp_path / "moved")
        assert folder.find("sub/a.jpg") is None
