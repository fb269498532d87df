"""What a listing said, in forms that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from damlink._model import Cursor, SourceAsset

__all__ = ["between_cursors", "cursors", "seen"]

CURSORS_TRIED: Final = 5  # of a long listing; each costs what lies behind it once more

Items = Iterable[SourceAsset | Cursor]


def seen(items: Items) -> set[tuple[str, str]]:
    """The ids and fingerprints."""
    return {(item.source_id, item.fingerprint) for item in items if isinstance(item, SourceAsset)}


def between_cursors(items: Items) -> Iterator[list[str]]:
    """The ids that are committed together, sorted."""
    batch: list[str] = []
    for item in items:
        if isinstance(item, SourceAsset):
            batch.append(item.source_id)
        else:
            yield sorted(batch)
            batch = []
    yield sorted(batch)


def cursors(items: Sequence[SourceAsset | Cursor]) -> dict[str, set[tuple[str, str]]]:
    """A few of the cursors, the first and the last included, with what came after each."""
    places = [place for place, item in enumerate(items) if isinstance(item, Cursor)]
    step = max(1, -(-len(places) // CURSORS_TRIED))
    chosen = {*places[::step], *places[-1:]}
    return {
        item.value: seen(items[place:])
        for place, item in enumerate(items)
        if place in chosen and isinstance(item, Cursor)
    }
