"""The portal's asset bank: what lists and records show, what people do to it, and the files behind it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, answer_with_file, iso_date
from simulation.files import content_of, title_of

__all__ = ["FILES", "Asset", "Library"]

BRAND: Final = "0B5B7B5D-CAC6-4C5D-9D5C-9D5D5D5D5D5D"
# The host of the temporary addresses of files; requests to it do not count.
FILES: Final = "files.example"


@attrs.define
class Asset:
    """An asset of the portal with its versions.

    Attributes:
        contents: content of each version, the newest last.
        shown: what lists show of it, each with the moment from which they do.
        dates: moment of each version.
        values: of metaproperties, by their ids.
        additionals: content and moment of the additional files.
    """

    id: str
    name: str
    tags: list[str]
    contents: list[bytes]
    created: float
    shown: list[tuple[float, dict[str, Any]]] = attrs.field(factory=list)
    dates: list[float] = attrs.field(factory=list)
    values: dict[str, str] = attrs.field(factory=dict)
    additionals: list[tuple[bytes, float]] = attrs.field(factory=list)
    modified: float = 0.0
    is_deleted: bool = False
    was_deleted: bool = False
    is_archived: bool = False
    was_archived: bool = False

    @property
    def added(self) -> list[bytes]:
        """Contents of the additional files."""
        return [content for content, _ in self.additionals]


@attrs.define
class Library:
    """The assets and metaproperties of a portal.

    Args:
        clock: the virtual clock.
        lag: returns the seconds until lists show a change.
        on_change: called with the asset and the kind of the change.
    """

    clock: Callable[[], float]
    lag: Callable[[], float]
    assets: dict[str, Asset] = attrs.field(factory=dict)
    metaproperties: dict[str, str] = attrs.field(factory=dict)
    on_change: Callable[[Asset, str], None] = lambda _asset, _kind: None

    def versions(self) -> set[tuple[str, int]]:
        """Return name and version of every file."""
        return {title_of(content) for each in self.assets.values() for content in each.contents}

    def deleted(self) -> set[str]:
        """Return the names of the assets that a person has deleted at some time."""
        return {title_of(each.contents[0])[0] for each in self.assets.values() if each.was_deleted}

    # --- people ------------------------------------------------------------------------------------

    def edit(self, dice: random.Random) -> None:
        """Rename an asset and add a tag, as a person does."""
        if found := self._alive():
            asset = dice.choice(found)
            asset.name, asset.tags = "renamed", [*asset.tags, "kept"]
            self.touch(asset, "asset_bank.media.meta_updated")

    def replace(self, dice: random.Random) -> None:
        """Upload a version of one's own, as a person does."""
        if found := self._alive():
            asset = dice.choice(found)
            name, version = title_of(asset.contents[0])[0], len(asset.contents)
            self.add_version(asset, content_of(f"{name} by a person", version))
            self.touch(asset, "asset_bank.media.updated")

    def archive(self, dice: random.Random) -> None:
        """Archive an asset, or take it back."""
        if found := self._alive():
            asset = dice.choice(found)
            asset.is_archived = not asset.is_archived
            asset.was_archived = True
            self.touch(asset, "asset_bank.media.meta_updated")

    def delete(self, dice: random.Random, deletable: Collection[str]) -> None:
        """Delete one of the assets with these names, as a person does."""
        if found := [each for each in self._alive() if title_of(each.contents[0])[0] in deletable]:
            asset = dice.choice(found)
            asset.is_deleted = asset.was_deleted = True
            self.touch(asset, "asset_bank.media.deleted")

    def restore(self, dice: random.Random) -> None:
        """Take an asset back from the trash."""
        if found := [each for _, each in sorted(self.assets.items()) if each.is_deleted]:
            asset = dice.choice(found)
            asset.is_deleted = False
            self.touch(asset, "asset_bank.media.create")

    def touch(self, asset: Asset, kind: str) -> None:
        """Note that an asset has changed: records show it at once, lists later."""
        asset.modified = self.clock()
        # A later change is never shown before an earlier one.
        begin = max([self.clock() + self.lag(), *(since for since, _ in asset.shown)])
        asset.shown.append((begin, self.record(asset)))
        self.on_change(asset, kind)

    def _alive(self) -> list[Asset]:
        return [each for _, each in sorted(self.assets.items()) if not each.is_deleted]

    # --- changes -----------------------------------------------------------------------------------

    def add(self, number: int, name: str, tags: list[str], content: bytes) -> Asset:
        """Add an asset; lists show it later."""
        now = self.clock()
        identity = f"{number:08X}-0000-0000-0000000000000000"
        asset = Asset(identity, name, tags, [content], now, dates=[now], modified=now)
        self.assets[identity] = asset
        return asset

    def add_version(self, asset: Asset, content: bytes) -> None:
        """Add a version, which is the active one."""
        asset.contents.append(content)
        asset.dates.append(self.clock())

    def modify(self, asset: Asset, fields: dict[str, str]) -> Answer:
        """Change tags and metaproperties."""
        if "tags" in fields:
            asset.tags = [each for each in fields["tags"].split(",") if each]
        values = {
            name.partition(".")[2]: value for name, value in fields.items() if name.startswith("metaprop")
        }
        asset.values |= values
        self.touch(asset, "asset_bank.media.meta_updated")
        return Answer(202, {"message": "Accepted", "statuscode": 202})

    # --- reading -----------------------------------------------------------------------------------

    def find(self, asset_id: str) -> Asset | None:
        """Return an asset that is not deleted."""
        asset = self.assets.get(asset_id)
        return None if asset is None or asset.is_deleted else asset

    def list(self, fields: dict[str, str]) -> Answer:
        """Answer with one page of the assets that fit."""
        found = [each for each in map(self._listed, self.assets.values()) if each is not None]
        if "tags" in fields:
            found = [each for each in found if set(fields["tags"].split(",")) <= set(each["tags"])]
        if "ids" in fields:
            found = [each for each in found if each["id"] in fields["ids"].split(",")]
        if "dateModified" in fields:
            found = [each for each in found if each["dateModified"] >= fields["dateModified"][:19]]
        found = [each for each in found if bool(each["archive"]) == ("archive" in fields)]
        page, limit = int(fields.get("page", "1")), int(fields.get("limit", "50"))
        return Answer(200, found[(page - 1) * limit : page * limit])

    def _listed(self, asset: Asset) -> dict[str, Any] | None:
        """Return the record that lists show now."""
        now = self.clock()
        records = [record for since, record in asset.shown if since <= now]
        return records[-1] if records and not asset.is_deleted else None

    def record(self, asset: Asset, *, items: bool = False) -> dict[str, Any]:
        """Return the record of an asset."""
        record = {
            "id": asset.id,
            "name": asset.name,
            "type": "image",
            "tags": [*asset.tags],
            "brandId": BRAND,
            "extension": ["jpg"],
            "fileSize": len(asset.contents[-1]),
            "dateCreated": iso_date(asset.created),
            "dateModified": iso_date(asset.modified),
            "archive": int(asset.is_archived),
            "activeVersion": len(asset.contents),
        }
        for identity, value in asset.values.items():
            record[f"property_{self.metaproperties[identity]}"] = value
        if items:
            record["mediaItems"] = _items(asset)
        return record

    def link(self, asset: Asset, rest: list[str]) -> Answer:
        """Answer with the temporary address of a file."""
        number = int(rest[1].rpartition("-")[2]) if len(rest) > 1 else len(asset.contents)
        return Answer(200, {"s3_file": f"https://{FILES}/{asset.id}/{number}"})

    def send_file(self, request: httpx.Request) -> Answer:
        """Answer with the bytes of a version."""
        identity, number = request.url.path.strip("/").split("/")
        content = self.assets[identity].contents[int(number) - 1]
        return answer_with_file(request, content, f"{identity}-{number}")

    # --- metaproperties ----------------------------------------------------------------------------

    def list_metaproperties(self) -> Answer:
        """Answer with all metaproperties, by name."""
        found = self.metaproperties.items()
        return Answer(
            200, {name: {"id": key, "name": name, "label": name, "type": "text"} for key, name in found}
        )

    def create_metaproperty(self, number: int, fields: dict[str, str]) -> Answer:
        """Create a metaproperty, unless there is one of that name."""
        name = json.loads(fields["data"])["name"]
        if name in self.metaproperties.values():
            return Answer(400, {"message": "Metaproperty with this name already exists"})
        identity = f"{number:08X}-0000-0000-1111111111111111"
        self.metaproperties[identity] = name
        return Answer(201, {"message": "Created", "statuscode": 201, "id": identity})


def _items(asset: Asset) -> list[dict[str, Any]]:
    count = len(asset.contents)
    originals = [
        {
            "version": number,
            "active": number == count,
            "type": "original",
            **_file(asset, number, content, date),
        }
        for number, (content, date) in enumerate(zip(asset.contents, asset.dates, strict=True), 1)
    ]
    others = [
        {
            "version": 0,
            "active": False,
            "type": "additional",
            **_file(asset, count + 100 + number, content, date),
        }
        for number, (content, date) in enumerate(asset.additionals)
    ]
    return [*originals, *others]


def _file(asset: Asset, number: int, content: bytes, date: float) -> dict[str, Any]:
    return {
        "id": f"{asset.id}-{number}",
        "size": len(content),
        "fileName": f"{asset.name}.jpg",
        "dateCreated": iso_date(date),
    }
