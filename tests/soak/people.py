"""What goes on at both sides meanwhile: people at work, and things that go wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs
from soak.site import MEDIA, Site

from damlink_gelato.sandbox.demo import TAG as PRINT
from damlink_imatag.sandbox.demo import TAG as PROTECT
from damlink_sandbox import Fault

__all__ = ["People", "add_fault"]

WEIGHTS: Final = (6, 3, 3, 4, 2, 2, 1)
# Answers to requests that act are lost, late or garbage in a part of the cases.
SERVICES: Final = ("portal", "s3", "istock", "istock-delivery", "imatag", "gelato")
KINDS: Final = (
    {"kind": "cut"},
    {"kind": "cut-after"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "status-after", "status": 502},
    {"kind": "garble", "garbage": "html"},
    {"kind": "garble", "garbage": "empty"},
    {"kind": "truncate"},
    {"kind": "delay", "seconds": 0.5},
)


def add_fault(site: Site, chance: random.Random) -> str:
    """Let something fail now and then, a few times; what it is."""
    service, kind = chance.choice(SERVICES), chance.choice(KINDS)
    times = chance.randint(1, 4)
    site.sandbox.world.faults.add(Fault(service=service, times=times, share=0.3, **kind))  # type: ignore[arg-type]
    return f"{service} {kind['kind']}"


@attrs.define
class People:
    """Changes at the portal and at iStock.

    Attributes:
        deleted: the assets that a person has deleted in the portal.
        originals: how many files people have given each asset that is to be marked or printed.
    """

    site: Site
    chance: random.Random
    deleted: set[str] = attrs.field(factory=set)
    originals: dict[str, int] = attrs.field(factory=dict)

    def act(self) -> None:
        """Do one thing."""
        deeds: Sequence[Callable[[], Any]] = (
            self.license,
            self.add_for_print,
            self.add_to_protect,
            self.rename,
            self.replace,
            self.untag,
            self.delete,
        )
        self.chance.choices(deeds, WEIGHTS)[0]()

    def license(self) -> None:
        """License a picture at iStock."""
        size = self.chance.randint(2_000, 30_000)
        self.site.sandbox.part("istock").control("license", {"count": 1, "size": size})

    def add_for_print(self) -> None:
        """Add an asset that Gelato is to have."""
        self._add([PRINT])

    def add_to_protect(self) -> None:
        """Add an asset that is to be marked."""
        self._add([PROTECT])

    def rename(self) -> None:
        """Rename an asset of any origin."""
        if asset := self._any():
            self._control("change_asset", id=asset["id"], name=f"Renamed {self.chance.randint(0, 999)}")

    def replace(self) -> None:
        """Give a tagged asset a new file."""
        if asset := self._any(PRINT, PROTECT):
            self._control("add_version", id=asset["id"], media=self._picture())
            self.originals[asset["id"]] = self.originals.get(asset["id"], 1) + 1

    def untag(self) -> None:
        """Take the tag for print away, and set it again."""
        if asset := self._any(PRINT):
            self._control("change_asset", id=asset["id"], tags=[])
            self._control("change_asset", id=asset["id"], tags=asset["tags"])

    def delete(self) -> None:
        """Delete an asset that came from iStock: it must not come back."""
        if asset := self._any("iStock"):
            self.deleted.add(asset["id"])
            self._control("delete_asset", id=asset["id"])

    def _add(self, tags: list[str]) -> None:
        made = self._control("add_asset", media=self._picture(), tags=tags)
        self.originals[made["id"]] = 1

    def _any(self, *tags: str) -> dict[str, Any] | None:
        assets = self.site.sandbox.part("bynder").state()["assets"]
        fit = [
            each
            for each in assets
            if not each["deleted"] and (not tags or not {*tags}.isdisjoint(each["tags"]))
        ]
        return self.chance.choice(fit) if fit else None

    def _picture(self) -> int:
        return self.chance.randrange(len(MEDIA) - 1)

    def _control(self, action: str, **body: Any) -> Any:
        return self.site.sandbox.part("bynder").control(action, body)
