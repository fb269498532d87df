"""A folder of this machine."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from damlink import Content, TransientError
from damlink_folder.api import Child, Entry

__all__ = ["LocalFolder"]

_PIECE = 1024 * 1024


class LocalFolder(AbstractContextManager["LocalFolder"]):
    """Folder of this machine, by its path. Links in the path itself are followed, links below it are not."""

    clock_skew_seconds = 0.0

    def __init__(self, address: str) -> None:
        self._root = Path(address).expanduser().resolve()

    def __exit__(self, *_: object) -> None:
        """Close nothing: no file stays open."""

    def children(self, path: str) -> Sequence[Child]:
        """Return what a sub-folder contains, in the order of the names."""
        with _explain_errors(f"cannot list {path or self._root}"), os.scandir(self._below(path)) as found:
            return sorted(Child(each.name, _is_folder(each)) for each in found if _is_plain(each))

    def find(self, path: str) -> Entry | None:
        """Return the state of a file; `None` if there is no such regular file."""
        with _explain_errors(f"cannot read {path}"):
            try:
                place = self._below(path)
                found = place.lstat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        if not stat.S_ISREG(found.st_mode) or place.parent.resolve() != place.parent:
            return None
        changed = max(found.st_mtime, found.st_ctime)
        return Entry(path, found.st_size, found.st_mtime_ns, changed)

    def read(self, path: str) -> Iterator[bytes]:
        """Yield the bytes of a file."""
        with _explain_errors(f"cannot read {path}"), self._below(path).open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    def content(self, entry: Entry, filename: str) -> Content:
        """Return a file as content."""
        return Content.from_path(self._below(entry.path), filename)

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place, by a rename."""
        target = self._below(path)
        with _explain_errors(f"cannot write {path}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            number, temporary = tempfile.mkstemp(prefix=".damlink-", dir=target.parent)
            try:
                with os.fdopen(number, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                # A temporary file is for its owner alone; a report is for those who may read other files.
                Path(temporary).chmod(0o644)
                Path(temporary).replace(target)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise

    def move(self, path: str, target: str) -> None:
        """Rename a file. Make the folders of the target."""
        with _explain_errors(f"cannot move {path} to {target}"):
            place = self._below(target)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._below(path).replace(place)

    @contextlib.contextmanager
    def lock(self, path: str) -> Iterator[None]:
        """Hold a lock on a sub-folder, which ends with the process."""
        # Not every operating system has it, and only reports need it.
        import fcntl

        with _explain_errors(f"cannot lock {path or self._root}"):
            number = os.open(self._below(path), os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)

    def _below(self, path: str) -> Path:
        parts = path.split("/") if path else []
        if any(part in ("", ".", "..") for part in parts):
            raise TransientError(f"{path!r} is no path below the folder")
        return self._root.joinpath(*parts)


def _is_plain(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) or _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


@contextlib.contextmanager
def _explain_errors(problem: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransientError(f"{problem}: {error.strerror}") from error
