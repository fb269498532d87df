"""State of the stand-in: an account with its keys, and the library with every file that was ever marked."""

from __future__ import annotations

import io
import random
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs
from PIL import Image, UnidentifiedImageError

from damlink_imatag.sandbox import mark as marks

if TYPE_CHECKING:
    from damlink_sandbox import World

# Where the mark of a film is looked for.
TAIL_BYTES = 4096


@attrs.define
class Switches:
    """Behaviour that a test can change. Where Imatag's is unknown, the strict side; all of it is assumed.

    Attributes:
        processing: seconds until a file is marked.
        homedirs: the directories that the account may begin with.
        page_size: the most that a page of the list holds.
        per_second: more requests are answered with 429; 0: no limit.
        most_bytes: a larger upload is answered with 413; 0: no limit.
        redirect: the marked file is answered with 302 to a signed address on another host.
        identical: the marked file is the original's bytes, as if nothing had been done.
        revoked: the key, and every token, is refused.
        failing: so many uploads fail while they are processed.
        token_seconds: the life of an OAuth token.
    """

    processing: float = 0.5
    homedirs: list[str] = attrs.field(factory=lambda: ["acme"])
    page_size: int = 100
    per_second: int = 0
    most_bytes: int = 0
    redirect: bool = False
    identical: bool = False
    revoked: bool = False
    failing: int = 0
    token_seconds: float = 600.0


@attrs.define
class Item:
    """One media of the library.

    Attributes:
        seed: of its mark, hex; another one for each upload.
        problem: the code and message of a failure.
    """

    id: str
    path: str
    media_type: str
    size: int
    sha256: str
    metadata: Mapping[str, Any]
    created_at: str
    ready_at: float
    seed: str
    source: Path
    marked: Path
    problem: tuple[str, str] | None = None
    gone: bool = False

    @property
    def suffix(self) -> str:
        """The extension, lower case, with its dot."""
        return PurePosixPath(self.path).suffix.lower()


class Library:
    """The account and its media. Hold `lock` to read or change them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.switches = Switches()
        self.items: dict[str, Item] = {}
        self.tokens: dict[str, float] = {}
        self.links: dict[str, tuple[Item, float]] = {}
        self.folder = world.folder / "imatag"
        self.folder.mkdir(parents=True, exist_ok=True)
        self._random = random.Random(f"imatag-{world.seed}")
        self._recent: deque[float] = deque()

    def token(self) -> str:
        """Return a random name."""
        with self.lock:
            return f"{self._random.getrandbits(160):040x}"

    def too_fast(self) -> bool:
        """Count a request; whether it is one too many."""
        with self.lock:
            now, limit = self.world.clock.seconds(), self.switches.per_second
            while self._recent and self._recent[0] <= now - 1:
                self._recent.popleft()
            if limit and len(self._recent) >= limit:
                return True
            self._recent.append(now)
            return False

    def state_of(self, item: Item) -> str:
        """`processing`, `ready` or `failed`."""
        if item.ready_at > self.world.clock.seconds():
            return "processing"
        return "failed" if item.problem else "ready"

    def has_path(self, path: str) -> bool:
        """Return whether a media has this path."""
        return any(item.path == path for item in self.items.values())

    def add(self, path: str, media_type: str, file: BinaryIO, metadata: Mapping[str, Any]) -> Item:
        """Take a file in, and mark it."""
        with self.lock:
            number = len(self.items) + 1
            seed = f"{self._random.getrandbits(8 * marks.SEED_BYTES):0{2 * marks.SEED_BYTES}x}"
            item = Item(
                id=f"m_{number:04}",
                path=path,
                media_type=media_type,
                size=0,
                sha256="",
                metadata=metadata,
                created_at=f"{self.world.clock.now():%Y-%m-%dT%H:%M:%SZ}",
                ready_at=self.world.clock.seconds() + self.switches.processing,
                seed=seed,
                source=self.folder / f"{number}.source",
                marked=self.folder / f"{number}.marked",
            )
            self.items[item.id] = item
        self._keep(item, file)
        self._mark(item)
        return item

    def _keep(self, item: Item, file: BinaryIO) -> None:
        digest = sha256()
        with item.source.open("wb") as kept:
            while piece := file.read(1024 * 1024):
                kept.write(piece)
                digest.update(piece)
        item.size, item.sha256 = item.source.stat().st_size, digest.hexdigest()

    def _mark(self, item: Item) -> None:
        with self.lock:
            fails, identical = self.switches.failing > 0, self.switches.identical
            self.switches.failing -= fails
        try:
            if fails:
                raise marks.FailedError("internal", "the image could not be marked")
            if identical:
                item.marked.write_bytes(item.source.read_bytes())
            else:
                marks.mark(item.source, item.marked, item.suffix, item.seed)
        except marks.FailedError as error:
            item.problem = (str(error.args[0]), str(error.args[1]))
            return
        self.world.counts.add("marks")
        for value in item.metadata.values():
            self.world.counts.add(f"marks:{value}")

    def detect(self, data: bytes) -> Item | None:
        """Return the media whose mark is in these bytes, if any."""
        with self.lock:
            items = [item for item in self.items.values() if item.problem is None]
        if seed := marks.film_seed(data[-TAIL_BYTES:]):
            return next((item for item in items if item.seed == seed), None)
        try:
            with Image.open(io.BytesIO(data)) as suspect:
                suspect.load()
                found = max(_strengths(suspect, items), default=(0.0, ""))
        except (UnidentifiedImageError, OSError):
            return None
        return self.items[found[1]] if found[0] >= marks.FOUND else None


def _strengths(suspect: Image.Image, items: list[Item]) -> Iterator[tuple[float, str]]:
    for item in items:
        if item.suffix not in marks.IMAGES:
            continue
        with Image.open(item.source) as original:
            if original.size == suspect.size:
                yield marks.strength(suspect, original, item.seed), item.id
