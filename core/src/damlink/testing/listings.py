"""Listings in forms that tests can compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from damlink._model import Cursor, Removed, SourceAsset

__all__ = ["batches_of", "fingerprints_of", "following_of"]

CURSORS_TRIED: Final = 5  # of a long listing; for each, the rest of the listing is read again

Items = Iterable[SourceAsset | Removed | Cursor]


def fingerprints_of(items: Items) -> set[tuple[str, str]]:
    """Return the ids with their fingerprints."""
    return {(item.source_id, item.fingerprint) for item in items if isinstance(item, SourceAsset)}


def batches_of(items: Items) -> Iterator[list[str]]:
    """Yield the sorted ids that are committed together: those between two cursors."""
    batch: list[str] = []
    for item in items:
        if not isinstance(item, Cursor):
            batch.append(item.source_id)
        else:
            yield sorted(batch)
            batch = []
    yield sorted(batch)


def following_of(items: Sequence[SourceAsset | Removed | Cursor]) -> dict[str, set[tuple[str, str]]]:
    """Return for some cursors, including the first and the last, the ids and fingerprints after each."""
    places = [place for place, item in enumerate(items) if isinstance(item, Cursor)]
    step = max(1, -(-len(places) // CURSORS_TRIED))
    sample = {*places[::step], *places[-1:]}
    return {
        item.value: fingerprints_of(items[place:])
        for place, item in enumerate(items)
        if place in sample and isinstance(item, Cursor)
    }
