"""iStock: licences that are listed, downloads that cost money, and addresses that live for a day.

Facts: reference pages of iStock. Whether a second download costs is a matter of contracts: here it does.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, answer_with_file, iso_date, read_fields
from simulation.files import content_of
from simulation.parts.part import Part, Stage
from simulation.tasks import Process, SimulationError
from simulation.tokens import TokenServer

__all__ = ["IStockPart"]

ASSETS: Final = 6
HOST: Final = "istock.example"
DELIVERY: Final = "delivery.example"
PRODUCT: Final = "royaltyfreesubscription"
DAY: Final = 86_400.0
# A licence appears in the list so late at most; the product assumes a day.
LATEST: Final = 3600.0


@attrs.frozen
class Licence:
    """One row of the list of downloads."""

    id: str
    at: float
    shown_at: float


class IStockPart(Part):
    """An iStock account whose licensed assets go into the portal.

    Attributes:
        charges: paid downloads of each asset.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        dice = stage.dice
        self.names = dice.choice((("a",), ("a",), ("a", "b")))
        self._repeats = dice.random() < 0.7
        self._adopts = dice.random() < 0.5
        self._cap = dice.choice((None, None, 3))
        self._rows_of_downloads = dice.random() < 0.5
        self._limited_until = 0.0
        self.server = TokenServer(
            lambda: stage.scheduler.now,
            life=dice.choice((30.0, 1800.0)),
            is_strict=False,
            has_refresh=dice.random() < 0.7,
            needs_consent=False,
            rotates=dice.random() < 0.3,
        )
        self.charges: Counter[str] = Counter()
        self._numbers = itertools.count(1)
        self._uris: dict[str, tuple[str, float]] = {}
        self._licences: list[Licence] = []
        self._ids = itertools.count(1_400_000_001)
        self._known: set[str] = set()

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector."""
        cap = "" if self._cap is None else f"max_downloads_per_run = {self._cap}\n"
        return (
            f'[connectors.{name}]\nplugin = "istock"\nportal = "brand"\nworkers = {workers}\n{cap}'
            'api_key = { env = "TOKEN" }\napi_secret = { env = "TOKEN" }\nusername = "user"\n'
            'password = { env = "TOKEN" }\nrequests_per_second = 50.0\nsync_after = 2030-03-15\n'
            f'api_url = "https://{HOST}"\ntoken_url = "https://{HOST}/oauth2/token"\n'
            f"adopt_existing = {str(self._adopts).lower()}\n"
            f"repeat_unclear_downloads = {str(self._repeats).lower()}\n"
        )

    # --- people ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """License some assets; one of them is in the portal already, where the connector adopts."""
        for _ in range(ASSETS):
            self._license(next(self._ids), self.stage.dice.uniform(0, DAY))
        if self._adopts:
            known = self._licences[0].id
            asset = self.stage.portal.add("known", ["iStock", known], content_of(known, 1))
            self.stage.portal.library.touch(asset, "asset_bank.media.create")
            asset.shown = [(0.0, record) for _, record in asset.shown]
            self._known.add(known)

    def _license(self, asset_id: int | str, ago: float = 0.0) -> None:
        at = self.stage.scheduler.now - ago
        late = self.stage.dice.choice((0.0, 0.0, LATEST / 60, LATEST)) if not ago else 0.0
        self._licences.append(Licence(str(asset_id), at, at + late))

    def change(self, kind: str) -> None:
        """End all access tokens or the allowance, or what else happens."""
        if kind == "revoked":
            self.server.revoke()
        elif kind == "allowance used":
            self._limited_until = self.stage.scheduler.now + DAY / 8
        else:
            super().change(kind)

    def change_source(self) -> None:
        """License another asset, or one a second time."""
        again = self.stage.dice.choice(self._licences).id
        self._license(self.stage.dice.choice((next(self._ids), again)))

    # --- the other side ----------------------------------------------------------------------------

    def is_once(self, request: httpx.Request) -> bool:
        """Return whether a request must never be repeated blindly: a download costs money."""
        return (request.method == "POST" and "/v3/downloads/" in request.url.path) or super().is_once(request)

    def is_file(self, request: httpx.Request) -> bool:
        """Return whether a request reads a file."""
        return request.url.host == DELIVERY

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Do what a request asks for."""
        if request.url.host == DELIVERY:
            return self._deliver(request)
        if request.url.path == "/oauth2/token":
            return self.server.answer(read_fields(request, body))
        if not self.server.is_valid(request.headers.get("authorization", "")):
            return Answer(401, {"message": "Unauthorized"})
        path = request.url.path.strip("/").split("/")
        if path[1] == "products":
            return self._show_products()
        if path[1] == "downloads":
            return self._download(path[3], request) if request.method == "POST" else self._list(request)
        found = [_metadata(each) for each in request.url.params["ids"].split(",")]
        return Answer(200, {"images": found}) if found else Answer(404, {"message": "ImageNotFound"})

    def _show_products(self) -> Answer:
        product = {
            "type": PRODUCT,
            "id": 1,
            "download_limit_reset_utc_date": iso_date(self._limited_until)[:19],
        }
        return Answer(200, {"products": [product]})

    def _list(self, request: httpx.Request) -> Answer:
        query, now = request.url.params, self.stage.scheduler.now
        begin, end = (_moment(query[name]) for name in ("date_from", "date_to"))
        if query.get("product_type") != PRODUCT:
            return Answer(403, {"ErrorCode": "NoAccessToProductType", "ErrorMessage": "no"})
        found = [
            _row(each) for each in self._licences if begin <= each.at <= end + 1 and each.shown_at <= now
        ]
        size, page = int(query["page_size"]), int(query["page"])
        return Answer(200, {"result_count": len(found), "downloads": found[(page - 1) * size : page * size]})

    def _download(self, asset_id: str, request: httpx.Request) -> Answer:
        now = self.stage.scheduler.now
        if request.url.params.get("product_type") != PRODUCT:
            raise SimulationError(f"{asset_id} was paid for with credits")
        if now < self._limited_until:
            return Answer(403, {"ErrorCode": "OverageLimitReached", "ErrorMessage": "OverageLimitReached"})
        self._charge(asset_id)
        if self._rows_of_downloads:
            self._license(asset_id)
        number = next(self._numbers)
        self._uris[f"/{number}"] = (asset_id, now + DAY)
        return Answer(200, {"uri": f"https://{DELIVERY}/{number}"})

    def _charge(self, asset_id: str) -> None:
        self.charges[asset_id] += 1
        if asset_id in self._known:
            raise SimulationError(f"{asset_id} is in the portal, and was paid for again")
        if self.charges[asset_id] > 1 and not self._repeats:
            raise SimulationError(f"{asset_id} was paid for twice, which the config forbids")

    def _deliver(self, request: httpx.Request) -> Answer:
        if "authorization" in request.headers or "api-key" in request.headers:
            raise SimulationError("the delivery host was shown the credentials")
        asset_id, until = self._uris[request.url.path]
        if self.stage.scheduler.now > until:
            return Answer(403, b"<html>expired</html>")
        return answer_with_file(request, content_of(asset_id, 1), asset_id)

    # --- the truth ---------------------------------------------------------------------------------

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """Nothing is paid for after it has arrived."""
        if not (request.method == "POST" and "/v3/downloads/" in request.url.path):
            return
        asset_id = request.url.path.rpartition("/")[2]
        if (asset_id, 1) in self.arrived():
            raise SimulationError(f"{process} pays for {asset_id}, which is in the portal")

    def wanted(self) -> dict[str, int]:
        """Return the licensed assets."""
        return {each.id: 1 for each in self._licences}

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return what is in the portal."""
        return self.stage.portal.library.versions()

    def excused(self) -> Collection[str]:
        """Return the ids of assets that a person has deleted."""
        return self.stage.portal.library.deleted()

    def check_end(self) -> None:
        """Whatever was paid for twice is reported: by a notice, or by a row that says so."""
        query = "SELECT source_id, state, result, last_error FROM ledger"
        said: dict[str, str] = {}
        for key, state, result, error in self.stage.auditor.query(query):
            said[key] = said.get(key, "") + (f"{result} " if state == "pushed" else f"{error} ")
        for key, count in self.charges.items():
            if count > 1 and "charged" not in said[key]:
                raise SimulationError(
                    f"{key} was paid for {count} times, and its row does not say so: {said[key]}"
                )


def _row(licence: Licence) -> dict[str, Any]:
    return {
        "id": licence.id,
        "asset_type": "Image",
        "date_downloaded": iso_date(licence.at)[:19],
        "product_type": PRODUCT,
        "size_name": "large",
        "dimensions": {"width": 40, "height": 30},
    }


def _metadata(asset_id: str) -> dict[str, Any]:
    return {
        "id": asset_id,
        "title": f"Picture {asset_id}",
        "artist": "A. Artist",
        "credit_line": "A. Artist / iStock",
        "graphical_style": "photography",
        "download_sizes": [{"name": "large", "height": 30, "media_type": "image/jpeg"}],
    }


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
