"""State of the stand-in for iStock: keys, users, tokens, assets, licences, products, and its switches."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import attrs
from starlette.responses import PlainTextResponse

from damlink_istock.sandbox.product_types import ISTOCK_TYPES, SUBSCRIPTION
from damlink_istock.sandbox.wire import gateway_refusal
from damlink_sandbox import Refusal

if TYPE_CHECKING:
    from damlink_istock.sandbox.catalogue import Asset
    from damlink_sandbox import MediaFile, World


@attrs.frozen
class User:
    """One user of the company."""

    username: str
    password: str
    first_name: str
    last_name: str


@attrs.define
class Key:
    """An API key with its secret. `product_types`: those of the one site it belongs to."""

    key: str
    secret: str
    product_types: frozenset[str] = ISTOCK_TYPES
    revoked: bool = False


@attrs.frozen
class Caller:
    """The user behind a call."""

    key: Key
    user: User


@attrs.frozen
class Token:
    """An access or refresh token; `user` is `None` where only the client is known."""

    key: Key
    user: User | None
    expires_at: float = float("inf")


@attrs.frozen
class Licence:
    """One row of the licence list."""

    number: int
    asset: Asset
    user: User
    date: datetime
    product_type: str = SUBSCRIPTION
    size_name: str = ""
    source: str = "website"
    notes: str | None = None
    project_code: str | None = None


@attrs.frozen
class Delivery:
    """The file behind a temporary download address."""

    media: MediaFile
    filename: str
    expires_at: float


@attrs.define
class Switches:
    """Behaviour that a test can change. The defaults are the strict side of what is unknown.

    Attributes:
        company_right: whether users may list their company's licences.
        redownload_free: whether licensing the same asset again takes nothing from the allowance.
        redownload_row: whether that adds a row to the licence list.
        window_limit: whether a window of more than 30 days is refused.
        client_user: the user that tokens by client credentials stand for; none: user-less.
        rotation: whether a refresh answers a new refresh token and ends the old one.
        lifetime: of an access token, seconds.
        calls_per_second: more are answered with `limit_status`; 0: no limit.
        delivery_lifetime: of a download address, seconds. Source: the Getty Images API v3 definition.
    """

    company_right: bool = True
    redownload_free: bool = False
    redownload_row: bool = True
    window_limit: bool = True
    client_user: str = ""
    rotation: bool = False
    lifetime: float = 1800
    ranges: bool = True
    etag: bool = False
    project_codes: list[str] = attrs.field(factory=list)
    project_code_required: bool = False
    note_required: bool = False
    calls_per_second: int = 0
    limit_status: int = 403
    delivery_lifetime: float = 24 * 3600


@attrs.define
class Product:
    """A subscription's monthly allowance, or a stock of credits."""

    id: int
    type: str
    limit: int
    used: int = 0
    month: str = ""

    def remaining(self, now: datetime) -> int:
        """Return the remaining downloads; a subscription is full again with each month, UTC."""
        month = f"{now:%Y-%m}"
        if self.type == SUBSCRIPTION and month != self.month:
            self.month, self.used = month, 0
        return self.limit - self.used


@attrs.define
class Vendor:
    """The whole state. Hold `lock` to read or change it.

    Attributes:
        licences: the rows of each asset, by its id.
        pending: what is to happen once so many more pages of the licence list have been answered.
    """

    world: World
    users: list[User]
    keys: list[Key]
    products: list[Product]
    switches: Switches = attrs.field(factory=Switches)
    assets: dict[str, Asset] = attrs.field(factory=dict)
    licences: defaultdict[str, list[Licence]] = attrs.field(factory=lambda: defaultdict(list))
    access: dict[str, Token] = attrs.field(factory=dict)
    refresh: dict[str, Token] = attrs.field(factory=dict)
    deliveries: dict[str, Delivery] = attrs.field(factory=dict)
    lock: threading.RLock = attrs.field(factory=threading.RLock)
    pending: list[tuple[int, Callable[[], object]]] = attrs.field(factory=list)
    _made: int = 0
    _rows: int = 0
    _recent: deque[float] = attrs.field(factory=deque)

    def now(self) -> datetime:
        """Return the time by the sandbox's clock, to the second, UTC."""
        return self.world.clock.now().replace(microsecond=0)

    def opaque_name(self, purpose: str) -> str:
        """Return a new random name; the same in every sandbox of that seed."""
        self._made += 1
        return sha256(f"{self.world.seed}/{purpose}/{self._made}".encode()).hexdigest()

    def product(self, product_type: str) -> Product:
        """Return the product of that type. Raises `StopIteration` for another site's."""
        return next(product for product in self.products if product.type == product_type)

    def user(self, username: str) -> User | None:
        """Return the user of that name."""
        return next((user for user in self.users if user.username == username), None)

    def add_licence(
        self,
        asset: Asset,
        user: User,
        date: datetime,
        product_type: str,
        *,
        size_name: str = "",
        source: str = "website",
        notes: str | None = None,
        project_code: str | None = None,
    ) -> None:
        """Add a row to the licence list; without a `size_name`, for the largest."""
        name, self._rows = size_name or asset.largest.name, self._rows + 1
        row = Licence(self._rows, asset, user, date, product_type, name, source, notes, project_code)
        self.licences[asset.id].append(row)

    def rows(self) -> Iterator[Licence]:
        """Return all rows of the licence list."""
        return itertools.chain.from_iterable(self.licences.values())

    def turn_page(self) -> None:
        """Let happen what waits for a page of the licence list to be answered."""
        waiting, self.pending = [(pages - 1, act) for pages, act in self.pending], []
        for pages, act in waiting:
            if pages > 0:
                self.pending.append((pages, act))
            else:
                act()

    def pace(self) -> None:
        """Count a call against the rate limit.

        Source: developers.gettyimages.com (token calls count too); gettyimages/gettyimages-api#1 (the text of
        the older 403); the official .NET SDK (429).
        """
        now, limit = self.world.clock.seconds(), self.switches.calls_per_second
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if limit and len(self._recent) >= limit:
            if self.switches.limit_status == 403:
                raise Refusal(PlainTextResponse("Account Over Queries Per Second Limit", 403))
            raise gateway_refusal(self.switches.limit_status, "Too Many Requests")
        self._recent.append(now)
