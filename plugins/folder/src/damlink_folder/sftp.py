"""A folder of an SFTP server."""

from __future__ import annotations

import contextlib
import posixpath
import stat
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

import paramiko

from damlink import Content, TransientError
from damlink_folder import auth
from damlink_folder.api import Child, Entry
from damlink_folder.names import quote, split_name
from damlink_folder.settings import FolderSettings

__all__ = ["RemoteFolder"]

_PIECE: Final = 256 * 1024
_TIMEOUT_SECONDS: Final = 60
_NANO: Final = 1_000_000_000


class RemoteFolder(AbstractContextManager["RemoteFolder"]):
    """Folder of an SFTP server, over one connection. Links below it are not followed."""

    # The server's clock is its own.
    clock_skew_seconds = 900.0

    def __init__(self, settings: FolderSettings) -> None:
        self._settings = settings
        self._root = auth.read_place(settings.address).path.rstrip("/")

    def __enter__(self) -> RemoteFolder:
        """Connect."""
        self._client = auth.sign_in(self._settings)
        try:
            with _explain_errors("cannot begin SFTP"):
                self._sftp = self._client.open_sftp()
                # Without it a server that hangs would be waited for without end.
                channel = self._sftp.get_channel()
                if channel is not None:
                    channel.settimeout(_TIMEOUT_SECONDS)
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._client.close()

    def children(self, path: str) -> Sequence[Child]:
        """Return what a sub-folder contains, in the order of the names."""
        with _explain_errors(f"cannot list {path or self._root or '/'}"):
            found = self._sftp.listdir_attr(self._below(path))
        kinds = ((each.filename, each.st_mode or 0) for each in found)
        return sorted(
            Child(name, stat.S_ISDIR(mode))
            for name, mode in kinds
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode)
        )

    def find(self, path: str) -> Entry | None:
        """Return the state of a file; `None` if there is no such regular file."""
        with _explain_errors(f"cannot read {path}"):
            try:
                found = self._sftp.lstat(self._below(path))
                where = split_name(path)[0]
                if where and self._sftp.normalize(self._below(where)) != self._real(where):
                    return None
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(found.st_mode or 0):
            return None
        modified = found.st_mtime or 0
        return Entry(path, found.st_size or 0, modified * _NANO, float(modified))

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        with _explain_errors(f"cannot read {path}"), self._sftp.open(self._below(path), "rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def content(self, entry: Entry, filename: str) -> Content:
        """Return a file as content; each opening has a connection of its own."""
        settings = self._settings

        def read(offset: int) -> Iterator[bytes]:
            with RemoteFolder(settings) as folder:
                yield from folder.read_from(entry, offset)

        return Content(filename, read, entry.size, validator=f"{entry.modified_ns}-{entry.size}")

    def read_from(self, entry: Entry, offset: int) -> Iterator[bytes]:
        """Yield the bytes of a file in a known state, from an offset on."""
        with (
            _explain_errors(f"cannot read {entry.path}"),
            self._sftp.open(self._below(entry.path), "rb") as file,
        ):
            left = entry.size - offset
            if self.find(entry.path) != entry:
                raise TransientError(f"{quote(entry.path)} has changed while it was read")
            file.seek(offset)
            file.prefetch(entry.size)
            while left > 0 and (piece := file.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, by a rename."""
        target = self._below(path)
        temporary = posixpath.join(posixpath.dirname(target), f".damlink-{uuid.uuid4().hex}")
        with _explain_errors(f"cannot write {path}"):
            try:
                with self._sftp.open(temporary, "wb") as file:
                    file.write(data)
                self._sftp.posix_rename(temporary, target)
            except BaseException:
                with contextlib.suppress(OSError, paramiko.SSHException, EOFError):
                    self._sftp.remove(temporary)
                raise

    def move(self, path: str, target: str) -> None:
        """Rename a file. Make the folders of the target."""
        with _explain_errors(f"cannot move {path} to {target}"):
            self._make_folders(split_name(target)[0])
            self._sftp.posix_rename(self._below(path), self._below(target))

    def lock(self, path: str) -> AbstractContextManager[None]:
        """Raise an error: SFTP has no locks, and the settings permit no report that needs one."""
        raise TransientError(f"{path} cannot be locked by SFTP")

    def _make_folders(self, path: str) -> None:
        if not path:
            return
        try:
            self._sftp.stat(self._below(path))
        except FileNotFoundError:
            self._make_folders(split_name(path)[0])
            # Another thread may have made it meanwhile; if not, the move fails.
            with contextlib.suppress(OSError):
                self._sftp.mkdir(self._below(path))

    def _real(self, path: str) -> str:
        return posixpath.join(self._sftp.normalize(self._root or "/"), path)

    def _below(self, path: str) -> str:
        if any(part in ("", ".", "..") for part in path.split("/")) and path:
            raise TransientError(f"{path!r} is no path below the folder")
        return f"{self._root}/{path}" if path else self._root or "/"


@contextlib.contextmanager
def _explain_errors(problem: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise TransientError(f"{problem}: a name in it is not UTF-8") from error
    except (OSError, paramiko.SSHException, EOFError) as error:
        raise TransientError(f"{problem}: {error or type(error).__name__}") from error
