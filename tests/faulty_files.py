"""A layer below the product that fails: every file operation of a child process can be recorded, or refused.

Python's own operations are met by its audit events, and where it has none by wrapping the function in `os`
and `io`. SQLite works below Python: its system calls are replaced in its own table of them, and its syncs in
the methods of each file. Nothing of the product is touched.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import json
import os
import re
import sys
import threading
from collections import Counter
from typing import Any, Final

__all__ = ["PLAN", "Layer", "install"]

PLAN: Final = "DAMLINK_FAULTY_FILES"  # in the environment of a child: what is to be recorded or refused
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Which argument of an audit event is the path that is changed, and what the operation is called here.
_EVENTS: Final = {
    "os.mkdir": ("mkdir", 0),
    "os.rename": ("rename", 1),
    "os.link": ("link", 1),
    "os.remove": ("remove", 0),
    "os.chmod": ("chmod", 0),
    "fcntl.flock": ("lock", 0),
}
_RANDOM: Final = (
    (re.compile(r"\.damlink-[0-9a-f]{12}\.part"), ".damlink-*.part"),
    (re.compile(r"damlink\.key\.\w{8}$"), "damlink.key.*"),
    (re.compile(r"databases/[\w-]+"), "databases/*"),
    (re.compile(r"/tmp(/.*)?$"), "/tmp"),
)


class Layer:
    """What one process does to its files, and which of it fails.

    Args:
        plan: `root`, the folder that is watched; `log`, where operations are written down; and for a fault
            `file`, `operation`, `errno`, `skip` (how many pass first) and `times` (0: for ever).
    """

    def __init__(self, plan: dict[str, Any]) -> None:
        self._root = os.path.realpath(plan["root"])
        self._fault = plan.get("fault")
        self._log = os.open(plan["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._seen: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._write = os.write

    def meet(self, operation: str, path: Any) -> int:
        """Note an operation; return the number of the error with which it is to fail, or 0."""
        name = self.name(path)
        if name is None:
            return 0
        with self._lock:
            self._seen[name, operation] += 1
            count = self._seen[name, operation]
            if count == 1:
                self._write(self._log, f"{name} {operation}\n".encode())
        return self._number(name, operation, count)

    def strike(self, operation: str, path: Any) -> None:
        """Raise the planned error for this operation, if there is one."""
        if number := self.meet(operation, path):
            # Of an open file the system names only the number.
            named = () if isinstance(path, int) else (os.fsdecode(path),)
            raise OSError(number, os.strerror(number), *named)

    def _number(self, name: str, operation: str, count: int) -> int:
        fault = self._fault
        if fault is None or (name, operation) != (fault["file"], fault["operation"]):
            return 0
        number = count - fault.get("skip", 0)
        if number < 1 or (fault.get("times") and number > fault["times"]):
            return 0
        self._write(self._log, b"! struck\n")
        return int(getattr(errno, fault["errno"]))

    def name(self, path: Any) -> str | None:
        """Return a path below the root, with its random parts as stars; `None` for what is elsewhere."""
        if isinstance(path, int):
            try:
                path = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115 - it is no path yet
            except OSError:
                return None
            if not path.startswith("/"):  # a pipe or a socket
                return None
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - it must not follow links
        if not full.startswith(self._root) or full.endswith("backports.pkg"):
            return None
        name = full[len(self._root) :].removesuffix(" (deleted)") or "/"
        for pattern, replacement in _RANDOM:
            name = pattern.sub(replacement, name)
        return name


def install(text: str) -> None:
    """Lay the layer below this process."""
    layer = Layer(json.loads(text))
    _watch_events(layer)
    _wrap_functions(layer)
    _wrap_sqlite(layer)


# --- Python's own operations -----------------------------------------------------------------------


def _watch_events(layer: Layer) -> None:
    busy = threading.local()

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if getattr(busy, "is_set", False):
            return
        busy.is_set = True
        try:
            if event == "open" and isinstance(given[0], str | bytes | os.PathLike):
                mode, flags = given[1] or "", given[2] or 0
                is_write = bool(flags & _WRITES) or any(letter in mode for letter in "wax+")
                layer.strike("open to write" if is_write else "open", given[0])
            elif event in _EVENTS:
                operation, argument = _EVENTS[event]
                layer.strike(operation, given[argument])
        finally:
            busy.is_set = False

    sys.addaudithook(hook)


def _wrap_functions(layer: Layer) -> None:
    for name, operation in (("write", "write"), ("pwrite", "write"), ("pread", "read"), ("fsync", "sync")):
        setattr(os, name, _wrapped(layer, operation, getattr(os, name)))
    os.stat = _wrapped(layer, "stat", os.stat)  # type: ignore[assignment]
    builtins.open = io.open = _opener(layer, io.open)


def _opener(layer: Layer, opened: Any) -> Any:
    def open_(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        if layer.name(file) is None and opener is None:
            return opened(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _File(layer, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        kind = io.BufferedRandom if "+" in mode else io.BufferedReader if "r" in mode else io.BufferedWriter
        buffer: Any = kind(raw)
        return buffer if "b" in mode else io.TextIOWrapper(buffer, encoding, errors, newline)

    return open_


def _wrapped(layer: Layer, operation: str, function: Any) -> Any:
    def call(first: Any, *rest: Any, **named: Any) -> Any:
        layer.strike(operation, first)
        return function(first, *rest, **named)

    return call


class _File(io.FileIO):
    """A file whose reads and writes can fail."""

    def __init__(self, layer: Layer, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd, opener)
        self._layer = layer

    def readinto(self, buffer: Any) -> Any:
        self._layer.strike("read", self.fileno())
        return super().readinto(buffer)

    def readall(self) -> Any:
        self._layer.strike("read", self.fileno())
        return super().readall()

    def write(self, data: Any) -> Any:
        self._layer.strike("write", self.fileno())
        return super().write(data)


# --- SQLite's --------------------------------------------------------------------------------------

_POINTER: Final = ctypes.c_void_p
_kept: list[Any] = []  # what C code calls must not be collected


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, see https://sqlite.org/c3ref/vfs.html."""

    _fields_ = [
        *[("iVersion", ctypes.c_int), ("szOsFile", ctypes.c_int), ("mxPathname", ctypes.c_int)],
        *[("pNext", _POINTER), ("zName", ctypes.c_char_p), ("pAppData", _POINTER)],
        ("xOpen", _POINTER),
        *[(f"x{number}", _POINTER) for number in range(12)],
        *[("xSetSystemCall", _POINTER), ("xGetSystemCall", _POINTER), ("xNextSystemCall", _POINTER)],
    ]


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, see https://sqlite.org/c3ref/io_methods.html."""

    _fields_ = [
        ("iVersion", ctypes.c_int),
        *[(name, _POINTER) for name in ("xClose", "xRead", "xWrite", "xTruncate", "xSync")],
        *[(f"x{number}", _POINTER) for number in range(13)],
    ]


_SYNC: Final = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_int)
# The path stays a pointer: SQLite keeps it, and uses it as long as the file is open.
_OPEN: Final = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _POINTER, _POINTER, ctypes.c_int, _POINTER)
IOERR_FSYNC: Final = 10 | (4 << 8)
# Each system call that SQLite lets others replace: its arguments, and what it is called here.
_CALLS: Final[dict[str, tuple[Any, list[Any], str]]] = {
    "open": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_int, ctypes.c_int], "open"),
    "unlink": (ctypes.c_int, [ctypes.c_char_p], "remove"),
    "ftruncate": (ctypes.c_int, [ctypes.c_int, ctypes.c_int64], "truncate"),
    "pread64": (ctypes.c_ssize_t, [ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64], "read"),
    "pwrite64": (ctypes.c_ssize_t, [ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64], "write"),
    "pread": (ctypes.c_ssize_t, [ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64], "read"),
    "pwrite": (ctypes.c_ssize_t, [ctypes.c_int, _POINTER, ctypes.c_size_t, ctypes.c_int64], "write"),
}


def _wrap_sqlite(layer: Layer) -> None:
    import _sqlite3  # the library that Python's module uses, whether it is linked into it or shared

    library = ctypes.CDLL(_sqlite3.__file__)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    vfs = library.sqlite3_vfs_find(None)
    get = ctypes.CFUNCTYPE(_POINTER, _POINTER, ctypes.c_char_p)(vfs.contents.xGetSystemCall)
    set_ = ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, ctypes.c_char_p, _POINTER)(vfs.contents.xSetSystemCall)
    for name, (result, arguments, operation) in _CALLS.items():
        if address := get(ctypes.cast(vfs, _POINTER), name.encode()):
            kind = ctypes.CFUNCTYPE(result, *arguments, use_errno=True)
            made = kind(_system_call(layer, operation, kind(address)))
            _kept.append(made)
            set_(ctypes.cast(vfs, _POINTER), name.encode(), ctypes.cast(made, _POINTER))
    _wrap_sync(layer, vfs.contents)


def _system_call(layer: Layer, operation: str, call: Any) -> Any:
    def replacement(first: Any, *rest: Any) -> int:
        is_write = operation == "open" and rest[0] & _WRITES
        if number := layer.meet("open to write" if is_write else operation, first):
            ctypes.set_errno(number)
            return -1
        return int(call(first, *rest))

    return replacement


def _wrap_sync(layer: Layer, vfs: _Vfs) -> None:
    """Give each file that SQLite opens methods of its own, whose sync can fail."""
    opened = _OPEN(vfs.xOpen)

    def open_(this: Any, place: int | None, file: Any, flags: int, out: Any) -> int:
        result = int(opened(this, place, file, flags, out))
        table = ctypes.cast(file, ctypes.POINTER(_POINTER))
        path = os.fsdecode(ctypes.string_at(place)) if place else ""
        if result == 0 and path and table[0] and layer.name(path) is not None:
            table[0] = ctypes.cast(ctypes.pointer(_methods(layer, table[0], path)), _POINTER)
        return result

    made = _OPEN(open_)
    _kept.append(made)
    vfs.xOpen = ctypes.cast(made, _POINTER)


def _methods(layer: Layer, address: int, path: str) -> _Methods:
    methods = _Methods.from_buffer_copy(ctypes.string_at(address, ctypes.sizeof(_Methods)))
    sync = _SYNC(methods.xSync)

    def sync_(file: Any, flags: int) -> int:
        return IOERR_FSYNC if layer.meet("sync", path) else int(sync(file, flags))

    made = _SYNC(sync_)
    methods.xSync = ctypes.cast(made, _POINTER)
    _kept.append((methods, made))
    return methods
