"""Notes of a transfer in its checkpoint."""

from __future__ import annotations

from typing import Any, Final

import attrs

from damlink import Checkpoint
from damlink_imatag.media_info import Facts

__all__ = ["DELIVERY", "facts_of", "forget", "put_facts"]

DELIVERY: Final = "delivery"
# `original`: fingerprint of the original; `sending`: an upload that may have happened; `media`: the media at
# Imatag; `polls`: progress of the poll; `source`, `marked`: facts of both files; `delivery`: the upload into
# Bynder.
_NAMES: Final = ("original", "sending", "media", "polls", "source", "marked", DELIVERY)


def forget(checkpoint: Checkpoint) -> None:
    """Delete all notes: the transfer begins again."""
    checkpoint.put(**dict.fromkeys(_NAMES))


def put_facts(checkpoint: Checkpoint, name: str, facts: Facts, **more: Any) -> None:
    """Note the facts of a file, with other values in the same step."""
    checkpoint.put(**{name: attrs.asdict(facts)}, **more)


def facts_of(checkpoint: Checkpoint, name: str) -> Facts | None:
    """Return the noted facts of a file, or `None`."""
    noted = checkpoint.get(name)
    return Facts(**noted) if noted else None
