"""The portal's state: what it holds, how it is set up, and the answers that every resource gives."""

from __future__ import annotations

import heapq
import json
import random
import re
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import attrs

from damlink_sandbox.bynder import events
from damlink_sandbox.bynder.access import Access
from damlink_sandbox.bynder.records import Order, Webhook
from damlink_sandbox.bynder.services import Services
from damlink_sandbox.bynder.state import Asset, Brand, Import, Library, Metaproperty, Transfer, Upload
from damlink_sandbox.bynder.variants import Variants
from damlink_sandbox.bynder.workflow import Workflow
from damlink_sandbox.content import Content
from damlink_sandbox.router import Answer, Call, Refusal, json_answer
from damlink_sandbox.world import World

_ID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{16}")
Item = TypeVar("Item")
_TOKEN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."


class Ids:
    """Identifiers in the portal's own shapes, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"bynder-{seed}")

    def new(self) -> str:
        """Upper case 8-4-4-16. Source: Bynder's published definitions."""
        text = self.hex(32).upper()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:]}"

    def uuid(self) -> str:
        """Lower case 8-4-4-4-12."""
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def hex(self, length: int) -> str:
        """Random hex digits."""
        return f"{self._random.getrandbits(length * 4):0{length}x}"

    def upload(self) -> str:
        """Return an upload id: over 100 characters with `.`, `-` and `_`. Seen in integrations."""
        return "".join(self._random.choices(_TOKEN, k=126)) + "0"


@attrs.define
class Settings(Variants):
    """Settings that a test can change, with the variants; lags in seconds of the world's clock.

    Attributes:
        policy_seconds: life of an upload's S3 policy (assumed).
        largest_part: bytes of the largest part that S3 takes by the policy; its own limit by default.
        link_seconds: life of a download link (assumed).
        strict_brand: a save without a brand is refused instead of going to the first brand.
        second_save: of the same import: `refuse` or `asset` (unknown which is true).
        second_finalise: of the same upload: `refuse` or `import` (unknown which is true).
        check_metaproperties: unknown ids, options and malformed dates are refused (assumed) or passed over.
        event_lag: until a change is published to the notification service.
        files_service: whether the portal takes uploads by `/v7`; on others its paths are unknown.
        files_lag: until such an upload can be saved.
        require_chunk_sha256: a chunk without `Content-SHA256` is refused (unknown whether it is).
        campaign_close: the path that closes one: `both`, `definition` or `close` (unknown which is true).
        wrapped_preset: a job preset comes as `{"preset": {…}}` with a list of stages, else bare with one.
    """

    conversion_lag: float = 0.3
    index_lag: float = 0.5
    s3_lag: float = 0.0
    policy_seconds: float = 86400.0
    largest_part: int = 5 * 1024**3
    link_seconds: float = 900.0
    strict_brand: bool = False
    second_save: str = "refuse"
    second_finalise: str = "refuse"
    check_metaproperties: bool = True
    event_lag: float = 0.0
    files_service: bool = True
    files_lag: float = 0.0
    require_chunk_sha256: bool = False
    campaign_close: str = "both"
    wrapped_preset: bool = True


@attrs.frozen
class Link:
    """A temporary download address."""

    content: Content
    file_name: str
    expires: float


class Portal:
    """One Bynder portal. Hold `lock` to read or change it.

    Attributes:
        indexed: the assets as lists show them, which is `Settings.index_lag` behind `assets`.
        version: counts the changes of the index.
        last_list: the list computed last, with what it was computed for.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.lock = threading.RLock()
        self.settings = Settings()
        self.ids = Ids(world.seed)
        self.access = Access(world.clock, self.ids.new, self.ids.uuid, self.ids.hex)
        self.brands = [Brand(self.ids.new(), "Main brand")]
        self.metaproperties: dict[str, Metaproperty] = {}
        self.uploads: dict[str, Upload] = {}
        self.uploads_by_key: dict[str, Upload] = {}
        self.imports: dict[str, Import] = {}
        self.assets: dict[str, Asset] = {}
        self.links: dict[str, Link] = {}
        self.library = Library()
        self.services = Services()
        self.workflow = Workflow(self.ids.uuid)
        self.orders: dict[str, Order] = {}
        self.webhooks: dict[str, Webhook] = {}
        self.transfers: dict[str, Transfer] = {}
        self.indexed: dict[str, Asset] = {}
        self.version = 0
        self.last_list: tuple[object, list[Asset]] | None = None
        self._unindexed: list[tuple[float, int, Asset]] = []
        self._writes = 0
        self._folder = world.folder / "bynder"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._files = 0

    def store(self, asset: Asset) -> None:
        """Keep a new or changed asset, and tell of it; lists show it after the index lag."""
        for subject in events.subjects(self.assets.get(asset.id), asset):
            events.publish(self.world, subject, {"media_id": asset.id}, self.settings.event_lag)
        self.assets[asset.id] = asset
        self._writes += 1
        due = self.world.clock.seconds() + self.settings.index_lag
        # The number keeps the order of equal times, and assets from being compared.
        heapq.heappush(self._unindexed, (due, self._writes, asset))

    def list_indexed(self) -> Mapping[str, Asset]:
        """Return the assets as lists show them now."""
        now = self.world.clock.seconds()
        while self._unindexed and self._unindexed[0][0] <= now:
            asset = heapq.heappop(self._unindexed)[2]
            self.version += 1
            if asset.visible:
                self.indexed[asset.id] = asset
            else:
                self.indexed.pop(asset.id, None)
        return self.indexed

    def visible(self, asset_id: str, message: str = "Media not found") -> Asset:
        """Return the asset with this id, in upper or lower case.

        Raises:
            Refusal: 404: unknown, of the wrong shape, deleted, or still in the waiting room.
        """
        asset = self.assets.get(asset_id.upper()) if _ID.fullmatch(asset_id.upper()) else None
        if asset is None or not asset.visible:
            raise refusal(404, message)
        return asset

    def brand(self, given: str | None) -> str:
        """Return the id of the brand or sub-brand to save to; the first brand where none is given.

        Raises:
            Refusal: 400: unknown (text assumed), or missing while `strict_brand`.
        """
        if not given and self.settings.strict_brand:
            raise refusal(400, "No brandid provided")
        if not given:
            return self.brands[0].id
        if given.upper() not in {one.id for brand in self.brands for one in (brand, *brand.sub_brands)}:
            raise refusal(400, "Invalid brandid provided")
        return given.upper()

    def new_file(self) -> Path:
        """Return a path of its own for bytes."""
        self._files += 1
        return self._folder / f"{self._files}.part"

    def link(self, content: Content, file_name: str) -> str:
        """Return a temporary address on the storage origin.

        Source: Bynder's published definition of asset download.
        """
        name = self.ids.hex(40)
        expires = self.world.clock.seconds() + self.settings.link_seconds
        self.links[name] = Link(content, file_name, expires)
        return f"{self.world.origins['s3']}/download/{name}?X-Amz-Signature={self.ids.hex(64)}"


def refusal(status: int, message: str, **more: Any) -> Refusal:
    """Return an error; `statuscode` is a string. Source: Bynder's published definitions."""
    return Refusal(json_answer(status, {"message": message, **more, "statuscode": str(status)}))


def no_route() -> Refusal:
    """Return the gateway's answer to an unknown path. Source: Bynder/bynder-js-sdk#121 on GitHub."""
    body = {"message": "no Route matched with those values", "request_id": "0" * 32}
    return Refusal(json_answer(404, body))


def numeric_refusal(status: int, message: str) -> Refusal:
    """Return an error whose `statuscode` is a number, as some resources give it.

    Source: Bynder's published definitions.
    """
    return Refusal(json_answer(status, {"message": message, "statuscode": status}))


def answer_created(**more: Any) -> Answer:
    """Return the 201 of the asset bank. Source: Bynder's published definitions."""
    return json_answer(201, {"message": "Created", "statuscode": 201, **more})


def answer_accepted() -> Answer:
    """Return the 202 of changes that are carried out later. Source: Bynder's published definitions."""
    return json_answer(202, {"message": "Accepted", "statuscode": 202})


def flag(text: str | None) -> bool:
    """Read a boolean input; both spellings work. Source: the official SDKs."""
    return (text or "").strip().lower() in {"1", "true"}


def moment(text: str) -> datetime:
    """Read an ISO 8601 input; without a zone it is UTC.

    Raises:
        Refusal: 400.
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise refusal(400, "Date format not ISO8601-compliant") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def words(text: str) -> tuple[str, ...]:
    """Split a comma-separated input: trimmed, without empty and repeated items, in order."""
    return tuple(dict.fromkeys(word for word in map(str.strip, text.split(",")) if word))


def number(text: str | None, default: int, most: int | None = None) -> int:
    """Read a positive integer of a query; beyond `most` it is `most`.

    Raises:
        Refusal: 400 (assumed).
    """
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise refusal(400, "Invalid number")
    return min(int(text), most or int(text))


def slice_page(items: Sequence[Item], query: Mapping[str, str]) -> tuple[Sequence[Item], dict[str, str]]:
    """Return a page of a list, and the headers that count it; all where no limit is given.

    Source: Bynder's published definitions of users and jobs.

    Raises:
        Refusal: 400: see `number`.
    """
    total = len(items)
    limit, page = number(query.get("limit"), max(1, total)), number(query.get("page"), 1)
    counts = {"TotalRecords": total, "TotalPages": -(-total // limit), "Page": page, "Limit": limit}
    headers = {f"X_Pagination_{name}": str(value) for name, value in counts.items()}
    return items[(page - 1) * limit : page * limit], headers


def json_object(call: Call) -> dict[str, Any] | None:
    """Read the JSON object of a body that is declared as JSON."""
    if not call.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        data = json.loads(call.body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
