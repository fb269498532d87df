from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink.bynder import Asset, Brand, MediaItem, Metaproperty, Option, Profile
from damlink.bynder._wire import moment, number, texts

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=3,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-09-26T12:42:21Z", datetime(2023, 9, 26, 12, 42, 21, tzinfo=UTC)),
        ("2017-03-30T11:43:19+00:00", datetime(2017, 3, 30, 11, 43, 19, tzinfo=UTC)),
        ("2017-03-30T11:43:19+02:00", datetime(2017, 3, 30, 9, 43, 19, tzinfo=UTC)),
        ("March, 08 2017 14:17:37 +0000", datetime(2017, 3, 8, 14, 17, 37, tzinfo=UTC)),
        ("2017-03-03T00:00:00", datetime(2017, 3, 3, tzinfo=UTC)),
        ("2018-09-29", datetime(2018, 9, 29, tzinfo=UTC)),
        ("", None),
        (None, None),
        ("soon", None),
    ],
)
def test_moment_when_in_any_of_the_portals_forms_is_utc(text: str | None, expected: datetime | None) -> None:
    found = moment(text)
    assert found == expected
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-720, 720))
def test_moment_when_it_has_an_offset_is_the_same_moment(local: datetime, minutes: int) -> None:
    aware = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(aware.isoformat()) == aware
    assert moment(aware.strftime("%B, %d %Y %H:%M:%S %z")) == aware


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        ([], ()),
        (7, ("7",)),
        ([1, "a"], ("1", "a")),
    ],
    ids=repr,
)
def test_texts_when_one_or_several_or_none_is_a_tuple(value: Any, expected: tuple[str, ...]) -> None:
    assert texts(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ("7", 7),
        ("7.0", 7),
        (7.9, 7),
        (None, 0),
        ("", 0),
        ("many", 0),
        ("1e999", 0),
        (True, 1),
        ([], 0),
    ],
    ids=repr,
)
def test_number_when_written_in_any_way_is_whole(value: Any, expected: int) -> None:
    assert number(value) == expected


ASSET = {
    "id": "A1",
    "name": "Beach",
    "type": "image",
    "description": None,
    "copyright": "Me",
    "tags": "sea",
    "fileSize": "12",
    "dateCreated": "2023-09-26T12:42:21Z",
    "dateModified": "",
    "property_colour": ["red", "blue"],
    "property_note": "text",
    "somethingNew": {"x": 1},
    "mediaItems": [
        {
            "id": "i1",
            "type": "original",
            "fileName": "a.jpg",
            "version": 1,
            "active": "0",
            "size": 3,
            "width": None,
        },
        {"id": "i2", "type": "original", "name": "b.jpg", "version": "2", "active": 1, "size": "4"},
        {"id": "i3", "type": "web", "version": 9, "active": 1},
    ],
}


def test_asset_when_read_has_types_and_keeps_what_is_unknown() -> None:
    asset = Asset.read(ASSET)
    assert (asset.id, asset.name, asset.description, asset.tags, asset.size) == (
        "A1",
        "Beach",
        "",
        ("sea",),
        12,
    )
    assert (asset.created, asset.modified) == (datetime(2023, 9, 26, 12, 42, 21, tzinfo=UTC), None)
    assert (asset.values_of("colour"), asset.values_of("note")) == (("red", "blue"), ("text",))
    assert asset.values_of("unknown") == ()
    assert asset.raw["somethingNew"] == {"x": 1}


def test_asset_when_it_has_versions_knows_the_active_one() -> None:
    asset = Asset.read(ASSET)
    assert [(item.filename, item.version, item.active, item.size) for item in asset.items] == [
        ("a.jpg", 1, False, 3),
        ("b.jpg", 2, True, 4),
        ("", 9, True, 0),
    ]
    assert asset.active_version == 2
    assert Asset.read({"id": "x"}).active_version == 0
    assert Asset.read({"id": "x", "mediaItems": ASSET["mediaItems"][:1]}).active_version == 1  # type: ignore[index]


@given(
    st.dictionaries(
        st.sampled_from(
            [key for key in ASSET if key not in ("id", "mediaItems", "dateCreated", "dateModified")]
        ),
        json_values,
    )
)
def test_asset_when_its_fields_are_odd_is_read_all_the_same(fields: dict[str, Any]) -> None:
    asset = Asset.read({"id": 7, **fields})
    assert asset.id == "7"
    assert isinstance(asset.tags, tuple)
    assert isinstance(asset.size, int)


def test_item_when_little_is_known_is_empty() -> None:
    item = MediaItem.read({})
    assert (item.id, item.type, item.size, item.active, item.created) == ("", "", 0, False, None)


def test_brands_when_within_each_other_come_in_order() -> None:
    raw = [{"id": 1, "name": "A", "subBrands": [{"id": 2, "name": "B"}]}, {"id": 3}]
    assert list(Brand.read_all(raw)) == [Brand("1", "A"), Brand("2", "B"), Brand("3", "")]


def test_metaproperty_when_read_flattens_its_options() -> None:
    raw = {
        "id": "m",
        "name": "colour",
        "type": "select2",
        "isMultiselect": 1,
        "options": [{"id": 1, "name": "red", "displayLabel": "Red", "options": [{"id": 2, "name": "pink"}]}],
    }
    read = Metaproperty.read(raw)
    assert (read.label, read.multiselect) == ("colour", True)
    assert read.options == (Option("1", "red", "Red"), Option("2", "pink", "pink"))
    assert Metaproperty.read({"id": "m", "options": None, "isMultiselect": "0"}).options == ()


@pytest.mark.parametrize(("roles", "expected"), [(["A", "B"], {"A", "B"}), ("A", {"A"}), (None, set())])
def test_profile_when_read_has_a_set_of_roles(roles: Any, expected: set[str]) -> None:
    assert Profile.read({"id": 1, "roles": roles}) == Profile("1", "", frozenset(expected))
