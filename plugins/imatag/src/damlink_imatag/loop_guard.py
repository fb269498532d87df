"""The loop guard: the marked files that we have made, known by their own bytes.

A marked file comes into Bynder, and is then an asset, or the original of one, like any other. It must never
be marked itself.
"""

from __future__ import annotations

import threading
from typing import Final

from damlink import Context
from damlink_imatag.media_info import Facts

__all__ = ["is_copy", "is_known", "may_be_known", "note", "note_copy"]

_writing: Final = threading.Lock()  # the hashes of one size are read, and written back with one more


def note(ctx: Context, facts: Facts) -> None:
    """Remember a marked file, before it can be seen anywhere."""
    with _writing:
        known = _of_size(ctx, facts.size)
        if facts.sha256 not in known:
            ctx.state.put(f"marked:{facts.size}", [*known, facts.sha256])


def may_be_known(ctx: Context, size: int) -> bool:
    """Whether a file of that size may be one of them: only then is it worth looking into."""
    return bool(_of_size(ctx, size))


def is_known(ctx: Context, facts: Facts) -> bool:
    """Whether a file is one of them."""
    return facts.sha256 in _of_size(ctx, facts.size)


def _of_size(ctx: Context, size: int) -> list[str]:
    return list(ctx.state.get(f"marked:{size}", ()))


def note_copy(ctx: Context, asset_id: str, fingerprint: str) -> None:
    """Remember an asset that is itself a marked file, as it is now."""
    ctx.state.put(f"copy:{asset_id}", fingerprint)


def is_copy(ctx: Context, asset_id: str, fingerprint: str) -> bool:
    """Whether an asset is such a one, and nobody has changed it since."""
    return bool(fingerprint) and ctx.state.get(f"copy:{asset_id}") == fingerprint
