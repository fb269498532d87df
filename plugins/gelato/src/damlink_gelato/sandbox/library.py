"""State of the stand-in for Gelato: accounts with keys, their folders and files, and its switches."""

from __future__ import annotations

import threading
from collections import defaultdict
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from damlink_sandbox import World

CHECKOUT_HOST = "checkout.gelato.example"


@attrs.define
class Account:
    """One Gelato account and its API key."""

    id: str
    key: str
    revoked: bool = False


@attrs.define
class File:
    """One file of a library; times in seconds since 1970.

    Attributes:
        source: what the request said of where it comes from.
        available_at: when its processing ends.
        linked_at: when its checkout link is available.
        failure: code and message, if it is going to fail.
    """

    id: str
    account: str
    folder: str
    name: str
    media_type: str
    path: Path
    size: int
    sha256: str
    source: dict[str, Any]
    checkout_url: str
    available_at: float = 0.0
    linked_at: float = 0.0
    failure: dict[str, str] | None = None


@attrs.define
class Refusals:
    """The next `times` imports are answered `status`, with this code."""

    status: int
    code: str
    message: str
    times: int


@attrs.frozen
class Switches:
    """Behaviour that a test can change.

    Attributes:
        slow: seconds that fetching a file takes longer.
        processing: seconds between 202 and the end of the processing; 0: imports are answered at once.
        link_lag: seconds between a file and its checkout link.
        checkout_host: where new links lead.
        replay_conflicts: a known key is answered 409 instead of the same again.
        most_bytes: larger files are refused.
    """

    slow: float = 0.0
    processing: float = 0.0
    link_lag: float = 0.0
    checkout_host: str = CHECKOUT_HOST
    replay_conflicts: bool = False
    most_bytes: int = 1 << 40


@attrs.define
class Library:
    """The whole state. Hold `lock` to read or change it, but not while a file is fetched.

    Attributes:
        keys: which file an idempotency key stands for, by account and key.
        refusals: what the next imports are refused with.
        failures: the next files to fail after they were taken.
    """

    world: World
    accounts: dict[str, Account]
    switches: Switches = attrs.field(factory=Switches)
    files: dict[str, File] = attrs.field(factory=dict)
    keys: dict[tuple[str, str], str] = attrs.field(factory=dict)
    refusals: list[Refusals] = attrs.field(factory=list)
    failures: int = 0
    lock: threading.RLock = attrs.field(factory=threading.RLock)
    _turns: defaultdict[tuple[str, str], threading.Lock] = attrs.field(
        factory=lambda: defaultdict(threading.Lock)
    )
    _made: int = 0

    def turn(self, account: str, key: str) -> threading.Lock:
        """Return the lock of a key: requests with the same key take turns."""
        with self.lock:
            return self._turns[account, key]

    def new_path(self, account: str, folder: str, name: str) -> tuple[str, Path]:
        """Return an id for a new file, and the path for its bytes."""
        with self.lock:
            self._made += 1
            file_id = f"f_{self._made}_{_digest(self.world.seed, self._made)}"
        place = self.world.folder / "gelato" / _plain(account) / _plain(folder)
        place.mkdir(parents=True, exist_ok=True)
        return file_id, place / f"{file_id}-{_plain(PurePosixPath(name).name)}"

    def of_item(self, account: str, source: dict[str, Any]) -> File | None:
        """Return the account's file of the same original, if it has one that did not fail."""
        wanted = (account, source["assetId"], source["itemId"])
        same = (
            f for f in self.files.values() if (f.account, f.source["assetId"], f.source["itemId"]) == wanted
        )
        return next((file for file in same if file.failure is None), None)

    def checkout_url(self, file_id: str) -> str:
        """Return a file's link; always the same."""
        return f"https://{self.switches.checkout_host}/c/{_digest(self.world.seed, file_id)}{file_id}"


def _digest(*parts: object) -> str:
    return sha256("/".join(map(str, parts)).encode()).hexdigest()[:12]


def _plain(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " .-_" else "_" for letter in text) or "_"
