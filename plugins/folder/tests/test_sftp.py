"""A folder of an SFTP server, the stand-in for which is paramiko's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from sftp_server import PASSWORD, Server, serve

from damlink import AuthError, Secret, TransientError
from damlink.errors import ConfigError
from damlink_folder import auth
from damlink_folder.opening import open_folder
from damlink_folder.settings import FolderSettings


@pytest.fixture
def server(hot: Any) -> Iterator[Server]:
    with serve(hot.path) as server:
        yield server


def settings(server: Server, folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "address": f"sftp://ada@127.0.0.1:{server.port}/",
        "known_hosts": str(server.known_hosts(folder)),
        "password": Secret(PASSWORD),
        **changes,
    }


def connector(server: Server, hot: Any, **changes: Any) -> Any:
    given = settings(server, hot.folder.parent, **changes) | {"password": PASSWORD}
    return hot.open(**given)


def test_files_of_a_server_arrive_once_with_their_metadata_and_move(hot: Any, server: Server) -> None:
    hot.put("in/remote.jpg", b"x" * 700_000)
    hot.put("in/remote.jpg.json", '{"name": "Remote"}')
    trial = connector(server, hot, move=True, report="json")
    assert (trial.run(), trial.run()) == ({"pushed": 1}, {})
    assert hot.asset("Remote")["size"] == 700_000
    assert hot.names() == [f"done/in/remote.jpg{end}" for end in ("", ".damlink.json", ".json")]


def test_links_on_a_server_are_not_followed(hot: Any, server: Server, tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (hot.path / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    (hot.path / "sub").symlink_to(tmp_path)
    assert list(connector(server, hot).source_assets()) == []


def test_content_of_a_server_opens_at_any_offset(hot: Any, server: Server) -> None:
    data = bytes(range(256)) * 4000
    hot.put("a.bin", data)
    with open_folder(FolderSettings(**settings(server, hot.folder))) as folder:
        content = folder.content(folder.find("a.bin"), "a.bin")
    assert content.has_ranges
    assert [b"".join(content.open(offset)) for offset in (0, 1, 600_000)] == [data, data[1:], data[600_000:]]


def test_content_of_a_server_when_the_file_changes_is_not_mixed(hot: Any, server: Server) -> None:
    hot.put("a.bin", b"old")
    with open_folder(FolderSettings(**settings(server, hot.folder))) as folder:
        content = folder.content(folder.find("a.bin"), "a.bin")
    hot.put("a.bin", b"newer")
    with pytest.raises(TransientError, match="has changed while it was read"):
        b"".join(content.open(0))


# paramiko's own thread, which reads ahead, meets the break as well.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_upload_when_the_connection_breaks_ends_whole(hot: Any, server: Server) -> None:
    hot.put("broken.bin", b"y" * 2_000_000)
    trial = connector(server, hot)
    server.cut_after = 500_000
    first = trial.run()
    trial.clock.advance(3600)
    assert "pushed" in (first | trial.run())
    assert (server.cut, hot.asset("broken")["size"]) == (1, 2_000_000)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param("other-key", "another key", id="other-host-key"),
        pytest.param("no-key", "not in known_hosts", id="unknown-host-key"),
        pytest.param("password", "refuses ada", id="password"),
    ],
)
def test_sign_in_when_it_is_refused_says_why(hot: Any, server: Server, change: str, said: str) -> None:
    given = settings(server, hot.folder)
    if change == "other-key":
        server.known_hosts(hot.folder, paramiko.ECDSAKey.generate())
    given |= {
        "no-key": {"known_hosts": "/dev/null"},
        "password": {"password": Secret("wrong")},
    }.get(change, {})
    with pytest.raises(AuthError, match=said):
        auth.sign_in(FolderSettings(**given))


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        pytest.param("no key", 0o600, "is no private key", id="no-key"),
        pytest.param("no key", 0o640, "open to other users", id="open"),
        pytest.param(None, 0, "cannot be read", id="missing"),
    ],
)
def test_sign_in_when_the_key_cannot_be_used_says_why(
    hot: Any, server: Server, text: str | None, mode: int, said: str
) -> None:
    path = hot.folder / "id_ed25519"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)
    with pytest.raises(ConfigError, match=said):
        auth.sign_in(FolderSettings(**settings(server, hot.folder, key_file=str(path))))


def test_sign_in_when_known_hosts_is_missing_names_the_file(hot: Any, server: Server) -> None:
    given = FolderSettings(**settings(server, hot.folder, known_hosts="/nowhere/known_hosts"))
    with pytest.raises(ConfigError, match="/nowhere/known_hosts"):
        auth.sign_in(given)


def test_sign_in_when_no_server_is_there_is_transient(hot: Any, server: Server) -> None:
    given = settings(server, hot.folder)
    given["address"] = "sftp://ada@127.0.0.1:1/"
    with pytest.raises(TransientError, match="127.0.0.1:1 does not answer"):
        auth.sign_in(FolderSettings(**given))


def test_log_of_a_connector_hides_the_password(
    hot: Any, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    hot.put("logged.jpg")
    with caplog.at_level("DEBUG"):
        connector(server, hot).run()
    assert PASSWORD not in caplog.text
