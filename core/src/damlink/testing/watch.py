"""Watch of a plugin's own code: its connections, its pauses and the variables of its modules."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import Any, Final

__all__ = ["Seen", "globals_of", "watch"]

# What a person reads about each.
_EVENTS: Final = {"socket.connect": "opens a connection", "time.sleep": "sleeps"}
_sleep: Final = time.sleep
_MUTABLE: Final = (dict, list, set, bytearray)


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
        text = f"{caller.f_code.co_filename}:{caller.f_lineno} {_EVENTS[event]}"
        with self._lock:
            if text not in self.places[event]:
                self.places[event].append(text)


def _first_known(frame: FrameType | None, package: str) -> FrameType | None:
    """Return the innermost frame of the package, unless one of Damlink is further in."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if _is_in(name, package):
            return None if _is_stand_in(name, package) else frame
        if _is_in(name, "damlink") or _is_in(name, "damlink_sandbox"):
            return None
        frame = frame.f_back
    return None


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
        with _sleeps_noted(seen, package):
            yield seen
    finally:
        _watching.remove(seen)


@contextlib.contextmanager
def _sleeps_noted(seen: Seen, package: str) -> Iterator[None]:
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


def globals_of(package: str) -> Mapping[str, str]:
    """Return the content of each changeable variable of a package's modules, its stand-in left out."""
    return {
        f"{name}.{variable}": repr(value)
        for name, module in list(sys.modules.items())
        if _is_in(name, package) and not _is_stand_in(name, package)
        for variable, value in list(vars(module).items())
        if isinstance(value, _MUTABLE) and not variable.startswith("__")
    }
