"""Watch of a plugin's own code: its connections, its pauses and the variables of its modules."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType, FunctionType, ModuleType, SimpleNamespace
from typing import Any, Final

from damlink._plugin.traces import package_of

__all__ = ["Globals", "Seen", "changes_of", "globals_of", "is_of", "place_of", "watch"]

# What a person reads about each.
_EVENTS: Final = {"socket.connect": "opens a connection", "time.sleep": "sleeps"}
_sleep: Final = time.sleep
_PLAIN: Final = (
    *(str, bytes, bytearray, int, float, type(None)),
    *(dict, list, set, tuple, frozenset),
    SimpleNamespace,
)


Globals = Mapping[str, Mapping[str, str]]


class Seen:
    """Record of the code of one package while it was watched.

    Attributes:
        places: one line for each event: what, and file and line of the plugin's code.
    """

    def __init__(self, package: str) -> None:
        self._package = package
        self._lock = threading.Lock()
        self.places: dict[str, list[str]] = {event: [] for event in _EVENTS}

    def note(self, event: str, frame: FrameType | None) -> None:
        """Note an event if the package has caused it by itself, and not by way of Damlink."""
        caller = _first_known(frame, self._package)
        if caller is None:
            return
        text = f"{place_of(caller)} {_EVENTS[event]}"
        with self._lock:
            if text not in self.places[event]:
                self.places[event].append(text)


def _first_known(frame: FrameType | None, package: str) -> FrameType | None:
    """Return the innermost frame of the package, unless one of Damlink is further in."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if _is_in(name, package):
            return frame if is_of(frame, package) else None
        if _is_in(name, "damlink") or _is_in(name, "damlink_sandbox"):
            return None
        frame = frame.f_back
    return None


def place_of(frame: FrameType) -> str:
    """Return file and line of a frame, from the file's package on."""
    name = str(frame.f_globals.get("__name__", ""))
    parts = Path(frame.f_code.co_filename).parts
    start = max((at for at, part in enumerate(parts) if part == package_of(name)), default=0)
    return f"{'/'.join(parts[start:])}:{frame.f_lineno}"


def is_of(frame: FrameType, package: str) -> bool:
    """Return whether a frame runs code of a package, its stand-in left out."""
    name = str(frame.f_globals.get("__name__", ""))
    return _is_in(name, package) and not _is_stand_in(name, package)


def _is_in(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def _is_stand_in(name: str, package: str) -> bool:
    return _is_in(name, f"{package}.sandbox")


_watching: list[Seen] = []


def _hear(event: str, _arguments: tuple[Any, ...]) -> None:
    # The event `time.sleep` is newer than the oldest Python that we support.
    if _watching and event == "socket.connect":
        frame = sys._getframe(1)
        for seen in [*_watching]:
            seen.note(event, frame)


@functools.cache
def _hook() -> None:
    """Add the audit hook; none can be removed again."""
    sys.addaudithook(_hear)


@contextlib.contextmanager
def watch(package: str) -> Iterator[Seen]:
    """Note what the code of a package does, in every thread."""
    _hook()
    seen = Seen(package)
    _watching.append(seen)
    try:
        with _note_sleeps(seen, package):
            yield seen
    finally:
        _watching.remove(seen)


@contextlib.contextmanager
def _note_sleeps(seen: Seen, package: str) -> Iterator[None]:
    """Replace `time.sleep`, also where a module of the package has imported the function itself."""

    def sleep(seconds: float) -> None:
        if seconds:
            seen.note("time.sleep", sys._getframe(1))
        _sleep(seconds)

    modules = [time, *(module for name, module in list(sys.modules.items()) if _is_in(name, package))]
    places = [(each, name) for each in modules for name, value in list(vars(each).items()) if value is _sleep]
    for module, name in places:
        setattr(module, name, sleep)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, _sleep)


def globals_of(package: str) -> Globals:
    """Return the content of each variable of a package's modules and classes, its stand-in left out."""
    return {
        name: {
            variable: _describe(value, package) for variable, value in _variables_of(module, module.__name__)
        }
        for name, module in list(sys.modules.items())
        if _is_in(name, package) and not _is_stand_in(name, package)
    }


def changes_of(before: Globals, after: Globals) -> list[str]:
    """Return the names of the changed variables, but for those of modules that were imported meanwhile."""
    return sorted(
        f"{module}.{name}"
        for module, known in before.items()
        for name in known.keys() | after[module].keys()
        if known.get(name) != after[module].get(name)
    )


def _variables_of(owner: ModuleType | type, module: str) -> Iterator[tuple[str, object]]:
    """Yield the variables of a module, and of the classes that it defines."""
    for name, value in list(vars(owner).items()):
        if name.startswith("__") or isinstance(value, ModuleType | FunctionType):
            continue
        if not isinstance(value, type):
            yield name, value
        elif isinstance(owner, ModuleType) and value.__module__ == module:
            for inner, content in _variables_of(value, module):
                yield f"{name}.{inner}", content


def _describe(value: object, package: str) -> str:
    """Return a text that changes with a value; of an object of a library, only which one it is."""
    if isinstance(value, _PLAIN):
        return repr(value)
    own = vars(value) if _is_in(type(value).__module__, package) and hasattr(value, "__dict__") else ""
    return f"{type(value).__name__} {id(value)} {own}"
