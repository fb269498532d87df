"""A small SFTP server in this process: paramiko's own, on a folder, without links."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import paramiko
from paramiko import SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface

PASSWORD = "made-up-password"


@attrs.define
class Server:
    """The running server.

    Attributes:
        cut_after: connections that are cut behind so many bytes of a file; 0: none.
    """

    port: int
    root: Path
    host_key: paramiko.PKey
    cut_after: int = 0
    cut: int = 0
    connections: int = 0

    def known_hosts(self, folder: Path, key: paramiko.PKey | None = None) -> Path:
        key = key or self.host_key
        path = folder / "known_hosts"
        path.write_text(f"[127.0.0.1]:{self.port} {key.get_name()} {key.get_base64()}\n")
        return path


class Login(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        good = (username, password) == ("ada", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Handle(SFTPHandle):
    def __init__(self, owner: Files, file: Any, flags: int) -> None:
        super().__init__(flags)
        self.readfile = self.writefile = file
        self._owner = owner

    def read(self, offset: int, length: int) -> Any:
        server = self._owner.files
        if server.cut_after and offset >= server.cut_after:
            server.cut += 1
            server.cut_after = 0
            self._owner.transport.close()
        return super().read(offset, length)


class Files(SFTPServerInterface):
    """Calls of the protocol; every error of the operating system is its own answer."""

    def __init__(self, login: Login, *, files: Server, transport: Any) -> None:
        super().__init__(login)
        self.files, self.transport = files, transport

    def _real(self, path: str) -> Path:
        return self.files.root / self.canonicalize(path).lstrip("/")

    def list_folder(self, path: str) -> Any:
        return _answer(lambda: [_lstat(each) for each in self._real(path).iterdir()])

    def lstat(self, path: str) -> Any:
        return _answer(lambda: _lstat(self._real(path)))

    stat = lstat

    def open(self, path: str, flags: int, attr: Any) -> Any:
        mode = "rb" if flags & (os.O_WRONLY | os.O_RDWR) == 0 else "wb"
        return _answer(lambda: Handle(self, self._real(path).open(mode), flags))

    def remove(self, path: str) -> Any:
        return _answer(lambda: self._real(path).unlink())

    def mkdir(self, path: str, attr: Any) -> Any:
        return _answer(lambda: self._real(path).mkdir())

    def posix_rename(self, oldpath: str, newpath: str) -> Any:
        return _answer(lambda: self._real(oldpath).replace(self._real(newpath)))


def _answer(call: Any) -> Any:
    try:
        found = call()
    except OSError as error:
        return SFTPServer.convert_errno(error.errno)
    return paramiko.SFTP_OK if found is None or isinstance(found, Path) else found


def _lstat(path: Path) -> SFTPAttributes:
    return SFTPAttributes.from_stat(path.lstat(), path.name)


@contextlib.contextmanager
def serve(root: Path) -> Iterator[Server]:
    """Serve a folder until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.ExitStack() as closing:
        server = Server(listener.getsockname()[1], root, paramiko.ECDSAKey.generate())
        threading.Thread(target=_accept, args=(listener, server, closing), daemon=True).start()
        yield server
        # Wakes the thread that accepts; closing alone does not.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, server: Server, closing: contextlib.ExitStack) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            server.connections += 1
            transport = paramiko.Transport(connection)
            closing.callback(transport.close)
            transport.add_server_key(server.host_key)
            transport.set_subsystem_handler("sftp", SFTPServer, Files, files=server, transport=transport)
            with contextlib.suppress(paramiko.SSHException, EOFError):
                transport.start_server(event=threading.Event(), server=Login())
