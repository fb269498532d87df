"""Listings in forms that tests can compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from damlink._model import Cursor, Removed, SourceAsset

__all__ = ["batches_of", "fingerprints_of", "following_of", "moments_of"]

CURSORS_TRIED: Final = 5  # of a long listing; for each, the rest of the listing is read again
_SECONDS_OF_2001: Final = 1_000_000_000

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


def moments_of(items: Sequence[SourceAsset | Removed | Cursor]) -> dict[str, str]:
    """Return for some cursors that are the moment of the last asset before them, that asset's id."""
    found: dict[str, str] = {}
    last: SourceAsset | None = None
    for item in items:
        if isinstance(item, SourceAsset):
            last = item
        elif isinstance(item, Cursor) and last and _is_moment(item.value) and _has(last.raw, item.value):
            found[item.value] = last.source_id
    return dict([*found.items()][-CURSORS_TRIED:])


def _is_moment(value: str) -> bool:
    """Return whether a text is a date with its time, or seconds since 1970."""
    try:
        return float(value) > _SECONDS_OF_2001
    except ValueError:
        pass
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return ":" in value


def _has(record: Mapping[str, Any], value: str) -> bool:
    """Return whether a record has a value, at any depth."""
    return any(
        _has(each, value) if isinstance(each, Mapping) else str(each) == value for each in record.values()
    )
