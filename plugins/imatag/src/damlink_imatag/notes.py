"""What a transfer has noted so far, and how it begins again."""

from __future__ import annotations

from typing import Any, Final

import attrs

from damlink import Checkpoint
from damlink_imatag.media_info import Facts

__all__ = ["DELIVERY", "facts_of", "forget", "put_facts"]

DELIVERY: Final = "delivery"
# `original`: which one; `sending`: an upload that may have happened; `media`: Imatag's; `polls`: how often
# it was asked; `source`, `marked`: facts of both files; `delivery`: the upload into Bynder.
_NAMES: Final = ("original", "sending", "media", "polls", "source", "marked", DELIVERY)


def forget(checkpoint: Checkpoint) -> None:
    """Begin again from nothing."""
    checkpoint.put(**dict.fromkeys(_NAMES))


def put_facts(checkpoint: Checkpoint, name: str, facts: Facts, **more: Any) -> None:
    """Note the facts of a file, with something more in the same step."""
    checkpoint.put(**{name: attrs.asdict(facts)}, **more)


def facts_of(checkpoint: Checkpoint, name: str) -> Facts | None:
    """Facts that were noted, or `None`."""
    noted = checkpoint.get(name)
    return Facts(**noted) if noted else None
