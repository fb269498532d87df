"""Every record converts a field when it is read first, and is then like one that was built from values."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

import damlink.bynder  # noqa: F401 - defines the records
from damlink.bynder import Asset, SimilarAsset
from damlink.bynder.records import uploads  # noqa: F401
from damlink.bynder.records.record import Record


def kinds() -> Iterator[type[Record]]:
    # attrs may create a class a second time, with slots; such a class could not be lazy.
    yield from {each.__qualname__: each for each in Record.__subclasses__()}.values()


KINDS = list(kinds())
# A record with an id in every form that a call must return.
RAW = {"id": "1", "importId": "1", "mediaid": "1", "name": "n", "unknown": {"x": 1}}
deep: Any = "x"
for _ in range(900):
    deep = [deep]


def values(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in attrs.fields(type(record))}


def test_asset_when_read_has_converted_nothing() -> None:
    asset = Asset.read({"id": "1", "tags": ["a"]})
    assert vars(asset).keys() == {"raw"}
    assert asset.tags == ("a",)
    assert vars(asset).keys() == {"raw", "tags"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_record_when_read_is_equal_to_one_built_from_its_values(kind: Any) -> None:
    record = kind.read(RAW)
    built = kind(**values(kind.read(RAW)))
    assert (record, repr(record)) == (built, repr(built))
    assert record.raw == RAW


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_record_when_read_cannot_be_changed(kind: Any) -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        kind.read(RAW).raw = {}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_record_when_copied_before_its_fields_are_read_is_equal(kind: Any, again: Any) -> None:
    assert again(kind.read(RAW)) == kind.read(RAW)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "odd", [deep, 10**400, -1, [None], {"a": None}], ids=["deep", "large", "-1", "[]", "{}"]
)
def test_record_when_a_value_is_odd_reads_every_field(kind: Any, odd: Any) -> None:
    raw = dict.fromkeys(
        ("similarityScore", "isPublic", "roles", "options", "items", "stages", "deadline"), odd
    )
    assert values(kind.read({**RAW, **raw, "name": odd})).keys() >= {"raw"}


def test_record_when_a_field_is_unknown_says_so() -> None:
    with pytest.raises(AttributeError, match="'SimilarAsset' object has no attribute 'size'"):
        SimilarAsset.read({}).size  # type: ignore[attr-defined]  # noqa: B018
