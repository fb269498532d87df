"""State that all parts of the sandbox share: one clock, one folder, scripted faults, counts, addresses."""

from __future__ import annotations

import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import attrs

from damlink_sandbox.garbage import GARBAGE

# A control answer is whatever the test wants to look at.
JSON = Any

FAULT_KINDS = (
    "status", "status-after", "cut", "cut-after", "truncate", "delay",
    "garble", "hang", "drip", "bomb", "echo", "reset", "reset-within", "reset-after",
    "overlong", "wrong-range", "wrong-etag",
)  # fmt: skip


class Clock:
    """The sandbox's time: real time plus what a test has moved it by."""

    def __init__(self) -> None:
        self._moved = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the sandbox's time, UTC."""
        return datetime.now(UTC) + self._moved

    def seconds(self) -> float:
        """Return the sandbox's time as seconds since 1970."""
        return self.now().timestamp()

    def advance(self, seconds: float) -> None:
        """Move time forward."""
        with self._lock:
            self._moved += timedelta(seconds=seconds)


@attrs.define
class Fault:
    """One scripted failure.

    Attributes:
        service: the service that fails ("portal", "s3", …).
        match: a regular expression searched in "METHOD /path".
        kind: `status` answers with `status` and `body` without acting; `cut` closes the connection
            without acting; `cut-after` acts, then closes it without an answer; `truncate` sends
            half of the body; `delay` waits `seconds`, which may change meanwhile, then acts.
            `status-after` acts, then answers like `status`; `garble` acts, then sends `garbage`
            with the status of its own answer; `hang` acts, then never answers (with `seconds`:
            closes the connection after them); `drip` acts, then sends its answer byte by byte
            with `seconds` in between; `bomb` acts, then sends a small body that decompresses to
            300 MiB; `echo` does not act, and answers `status` with the credentials of the request.
            `reset` resets the connection without acting, `reset-within` after the first bytes of the
            request's body; `reset-after` acts first. `overlong` acts, then announces half of its answer
            and sends all of it; `wrong-range` and `wrong-etag` act, then answer with a `Content-Range`
            of other bytes, or with another `ETag`.
        garbage: what `garble` sends: `html`, `empty`, `object`, `list`, `null`, `text`, `half`,
            `success-false`, `null-id`, `other-type`, `not-utf8`, `broken-encoding`, `too-short`.
        times: how often it strikes; 0 for ever.
        skip: how many matching requests pass before it begins.
        share: of the matching requests, the part that is struck (0 to 1).
    """

    service: str
    match: str = ""
    kind: str = attrs.field(default="status", validator=attrs.validators.in_(FAULT_KINDS))
    status: int = 500
    body: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict)
    times: int = 1
    skip: int = 0
    share: float = 1.0
    seconds: float = 0.0
    garbage: str = attrs.field(default="html", validator=attrs.validators.in_(GARBAGE))
    struck: int = 0


class Faults:
    """The failures that tests have scripted, asked once for each request."""

    def __init__(self, seed: int) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Script one more failure."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget them all."""
        with self._lock:
            self._faults.clear()

    def strike(self, service: str, method: str, path: str) -> Fault | None:
        """Return the failure for this request, if any, and count it."""
        with self._lock:
            for fault in self._matching(service, f"{method} {path}"):
                if fault.skip > 0:
                    fault.skip -= 1
                elif self._random.random() < fault.share:
                    fault.struck += 1
                    return fault
        return None

    def _matching(self, service: str, line: str) -> Iterator[Fault]:
        for fault in self._faults:
            spent = fault.times and fault.struck >= fault.times
            if not spent and fault.service == service and re.search(fault.match, line):
                yield fault

    def listing(self) -> list[JSON]:
        """Return the scripted failures and the number of requests each has hit, for the control API."""
        with self._lock:
            return [attrs.asdict(fault) for fault in self._faults]


class Counts:
    """Counters: requests by service, effects by name."""

    def __init__(self) -> None:
        self._counter: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, name: str, number: int = 1) -> None:
        """Count one more."""
        with self._lock:
            self._counter[name] += number

    def __getitem__(self, name: str) -> int:
        return self._counter[name]

    def as_dict(self) -> dict[str, int]:
        """Return all counters by name."""
        with self._lock:
            return dict(sorted(self._counter.items()))


class MediaFile(Protocol):
    """A file that a partner holds: its facts at once, its bytes on demand, the same each time."""

    @property
    def filename(self) -> str:
        """With its extension."""

    @property
    def kind(self) -> str:
        """`image`, `vector` or `video`."""

    @property
    def media_type(self) -> str:
        """Such as `image/jpeg`."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def width(self) -> int:
        """Pixels; 0 where it has none."""

    @property
    def height(self) -> int:
        """Pixels; 0 where it has none."""

    def sha256(self) -> str:
        """Return the digest of all bytes, hex; computed on the first call."""

    def read(self, offset: int = 0) -> Iterator[bytes]:
        """Yield the bytes from `offset`, in pieces of at most 1 MiB."""


class Broker(Protocol):
    """Delivers a portal's notifications to the subscribed endpoints."""

    def subscribe(self, endpoint: str, subjects: Sequence[str]) -> str:
        """Begin a subscription (it still has to be confirmed) and return its id; no subjects: all."""

    def unsubscribe(self, subscription: str) -> None:
        """End a subscription."""

    def is_confirmed(self, subscription: str) -> bool:
        """Return whether the subscription's endpoint has confirmed it."""

    def publish(self, subject: str, message: Mapping[str, JSON]) -> None:
        """Send a notification to every confirmed subscription that wants this subject; returns at once."""


@attrs.frozen
class Finding:
    """One line of what a demo compares: a file, and whether it arrived as it should."""

    key: str
    sha256: str
    name: str
    ok: bool
    note: str = ""


@attrs.frozen
class Scene:
    """Something that happens in the portal while `damlink serve` runs, with its expected result.

    Attributes:
        title: what happens, printed before it does.
        play: makes it happen.
        seen: what has come of it; `None` as long as nothing has.
    """

    title: str
    play: Callable[[], None]
    seen: Callable[[], Finding | None]


@attrs.define
class World:
    """All that the parts of one sandbox have in common.

    Attributes:
        folder: where the parts keep bytes; each makes a sub-folder of its own.
        media: the files that partners hold (photographs, a vector, a video, or the user's own).
        origins: the address of each service, such as `{"portal": "http://127.0.0.1:9000"}`; filled
            in before the first request is served.
        broker: set by the part that plays the notification service.
        mistakes: what the partners' stand-ins have raised, each with its place.
    """

    folder: Path
    media: list[MediaFile] = attrs.field(factory=list)
    seed: int = 1
    clock: Clock = attrs.field(factory=Clock)
    faults: Faults = attrs.field(default=attrs.Factory(lambda self: Faults(self.seed), takes_self=True))
    counts: Counts = attrs.field(factory=Counts)
    origins: dict[str, str] = attrs.field(factory=dict)
    broker: Broker | None = None
    mistakes: list[str] = attrs.field(factory=list)


class Part(Protocol):
    """One partner's side of the sandbox. Found by the entry-point group `damlink.sandbox`; the value
    is a callable that takes the `World`.
    """

    name: str

    def services(self) -> Mapping[str, Any]:
        """Return the ASGI applications by service name; each is served on a port of its own."""

    def state(self) -> JSON:
        """Return the contents of this part and its history, for tests to compare."""

    def control(self, action: str, body: Mapping[str, JSON]) -> JSON:
        """Run an action of this part: `POST /control/{part}/{action}`. `KeyError` for an unknown action."""

    def connector(self) -> Mapping[str, JSON]:
        """Return the table of a connector that works against this part, as it stands in `damlink.toml`;
        secrets are plain text here, and the caller stores them elsewhere.
        """

    def secrets(self) -> Iterable[str]:
        """Return the names of the settings in `connector()` that are secrets."""


class Guide(Protocol):
    """Optional methods of a part for `damlink demo`; `parts` are all of the sandbox by name."""

    def furnish(self, parts: Mapping[str, Part]) -> None:
        """Put in place what its connector works with, before the first run."""

    def findings(self, parts: Mapping[str, Part]) -> Iterable[Finding]:
        """Compare, after the runs, what is where."""

    def scenes(self, parts: Mapping[str, Part]) -> Iterable[Scene]:
        """Return the scenes to play while `damlink serve` runs."""
