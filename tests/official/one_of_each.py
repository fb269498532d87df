"""A portal with one of everything in it: what the calls are about."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from damlink.bynder import Portal

THEN: Final = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER: Final = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)
ENDPOINT: Final = "https://damlink.example/events/brand/0123"


class World:
    """A portal, what may be done to it from outside, and one of everything in it.

    Args:
        application: the same portal, signed in to as an application.
    """

    def __init__(self, portal: Portal, application: Portal, control: Callable[..., Any], file: Path) -> None:
        self.portal, self.application, self.control, self.file = portal, application, control, file
        self._numbers = itertools.count(1)
        self.me = portal.users.current()
        self.brand = portal.brands.list()[0].id
        metaproperty = control(
            "metaproperty", name="Shade", type="select2", options=["red", "blue"], multi=True
        )
        self.shade = metaproperty["id"]
        self.red, self.blue = [each.id for each in portal.metaproperties.read(self.shade).options]
        self.field = control("workflow_metaproperty", label="Kind", options=["a"])["id"]
        self.preset = control("add_preset")
        self.group = control("add_group", name="Press")["id"]
        self.asset = self.new_asset()

    def new_asset(self, **given: Any) -> str:
        """An asset of which everything is known."""
        told = {"name": "Beach", "filename": "beach.jpg", "media": 0, "tags": ["sea"], "public": True}
        made = str(self.control("add_asset", **told | given)["id"])
        self.portal.assets.modify(made, metaproperties={"Shade": [self.red]})
        return made

    def name(self, stem: str = "Name") -> str:
        """One that nothing else has."""
        return f"{stem}{next(self._numbers)}"

    def campaign(self) -> str:
        """A new one."""
        return str(self.control("add_campaign", deadline="2030-01-01")["id"])

    def job(self) -> str:
        """A new one with a preset and a file."""
        job = str(self.control("add_job", preset=self.preset["id"], deadline="2030-01-01")["id"])
        self.control("add_job_media", job=job)
        return job

    def collection(self) -> str:
        """A new one with an asset."""
        made = self.portal.collections.create(name=self.name(), description="Flowers")
        self.portal.collections.add_media(made, asset_ids=[self.asset])
        return made

    def user(self) -> str:
        """A new one."""
        return str(self.control("add_user")["id"])

    def order(self) -> str:
        """A new one with a line."""
        return str(self.control("add_order")["id"])

    def webhook(self) -> str:
        """A new one."""
        made = self.portal.webhooks.create(
            name=self.name(), endpoint=ENDPOINT, events=["asset_bank.media.create"]
        )
        return made.id

    def uploaded(self) -> Mapping[str, Any]:
        """An upload whose bytes are in the storage and registered."""
        uploads, ticket = self.portal.uploads, self.portal.uploads.init(filename=self.file.name)
        params, url = ticket.multipart_params, uploads.endpoint()
        uploads.chunk(upload_url=url, multipart_params=params, file=self.file)
        uploads.register(
            ticket.upload_id,
            chunk_number=1,
            target_id=ticket.target_id,
            filename=f"{ticket.s3_filename}/p1",
        )
        return {
            "id": ticket.upload_id,
            "target_id": ticket.target_id,
            "s3_filename": ticket.s3_filename,
            "chunks": 1,
        }

    def imported(self) -> str:
        """A finalised upload that has been converted."""
        made = self.portal.uploads.finalise(**self.uploaded(), original_filename=self.file.name)
        return self.converted(made.import_id)

    def converted(self, id: str) -> str:  # noqa: A002
        """Wait until an import is done."""
        deadline = time.monotonic() + 20
        while not self.portal.uploads.poll(items=[id]).done and time.monotonic() < deadline:
            time.sleep(0.01)
        return id

    def option(self) -> str:
        """A new one."""
        return self.portal.options.create(self.shade, name=self.name("shade"))

    def metaproperty(self) -> str:
        """A new one."""
        return self.portal.metaproperties.create(name=self.name("Made"), type="select")

    def group_of_dependencies(self) -> str:
        """A new one."""
        return self.portal.dependencies.create_group(
            self.shade, option_id=self.red, dependency_ids=[self.option()]
        )

    def transfer(self) -> str:
        """A file of the files service, whose one chunk is sent."""
        made = self.portal.files.prepare()
        self.portal.files.chunk(made, chunk=0, file=self.file)
        return made

    def listed(self) -> dict[str, Any]:
        """Every filter of a list of assets."""
        return {
            "ids": [self.asset],
            "keyword": "beach",
            "tags": ["sea"],
            "type": ["image", "video"],
            "orientation": ["landscape", "portrait"],
            "brand_id": self.brand,
            "property_option_id": [self.red],
            "properties": {"Shade": "red"},
            "date_created": THEN,
            "date_created_to": LATER,
            "date_modified": THEN,
            "date_modified_to": LATER,
            "is_public": True,
            "limited": False,
            "archive": False,
            "order_by": "dateCreated asc",
            "include_media_items": True,
            "include_version_number": True,
        }
