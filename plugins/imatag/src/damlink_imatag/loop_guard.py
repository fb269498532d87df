"""Loop guard: hashes of the marked files that this connector made.

A marked file in Bynder is an asset, or the original of an asset, like any other. It must never be marked
again.
"""

from __future__ import annotations

from collections.abc import Sequence

from damlink import Context
from damlink_imatag.media_info import Facts

__all__ = ["is_copy", "is_known", "may_be_known", "note", "note_copy"]


def note(ctx: Context, facts: Facts) -> None:
    """Store the hash of a marked file, before the file is visible anywhere."""

    def add(known: Sequence[str]) -> list[str]:
        return [*known] if facts.sha256 in known else [*known, facts.sha256]

    ctx.state.update(f"marked:{facts.size}", add, ())


def may_be_known(ctx: Context, size: int) -> bool:
    """Return whether a marked file has that size: only then is it worth hashing the original."""
    return bool(_of_size(ctx, size))


def is_known(ctx: Context, facts: Facts) -> bool:
    """Return whether a file is one of the marked files."""
    return facts.sha256 in _of_size(ctx, facts.size)


def _of_size(ctx: Context, size: int) -> list[str]:
    return list(ctx.state.get(f"marked:{size}", ()))


def note_copy(ctx: Context, asset_id: str, fingerprint: str) -> None:
    """Store the fingerprint of an asset that is itself a marked file."""
    ctx.state.put(f"copy:{asset_id}", fingerprint)


def is_copy(ctx: Context, asset_id: str, fingerprint: str) -> bool:
    """Return whether an asset is such a copy, and has not changed since."""
    return bool(fingerprint) and ctx.state.get(f"copy:{asset_id}") == fingerprint
