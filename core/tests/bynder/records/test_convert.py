from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink.bynder import Asset, Brand, MediaItem, Metaproperty, Option, Profile
from damlink.bynder.records.assets import AssetPage, Download
from damlink.bynder.records.collections import Collection, CollectionPage, Tag, Usage
from damlink.bynder.records.convert import decode, find, flag, ids, moment, number, records, text, texts
from damlink.errors import TransientError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "x"]), inner),
    max_leaves=4,
)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        pytest.param(rb'[{"name": "a\ud83d"}]', "a\N{REPLACEMENT CHARACTER}", id="half a surrogate"),
        pytest.param(rb'[{"name": "\ude00a"}]', "\N{REPLACEMENT CHARACTER}a", id="the other half"),
        pytest.param(rb'[{"name": "\ud83d\ude00"}]', "\N{GRINNING FACE}", id="a whole one"),
        pytest.param(b'[{"name": "M\xfcnchen"}]', "M\N{REPLACEMENT CHARACTER}nchen", id="not UTF-8"),
        pytest.param(b'\xef\xbb\xbf[{"name": "a"}]', "a", id="a mark of the byte order"),
        pytest.param(rb'[{"a\ud83d": 1, "name": "b"}]', "b", id="in a key"),
    ],
)
def test_decode_when_a_text_is_damaged_reads_the_rest(body: bytes, name: str) -> None:
    assert decode(body)[0]["name"] == name


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'[{"id": 1}', b"[NaN]", b"[Infinity]", b"[" * 100_000, b'{"\xff'],
    ids=["nothing", "HTML", "cut off", "NaN", "infinity", "deep", "damaged and cut off"],
)
def test_decode_when_it_is_no_json_says_so(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(body)


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.enable()


@pytest.mark.parametrize(
    "body", [b"[]", b'["\\ud83d"]', b'["\xff"]'], ids=["json", "half emoji", "not utf-8"]
)
@pytest.mark.parametrize("switch", [gc.enable, gc.disable], ids=["collecting", "not collecting"])
@pytest.mark.usefixtures("collector")
def test_decode_when_done_leaves_the_collector_as_it_was(switch: Callable[[], None], body: bytes) -> None:
    switch()
    before = gc.isenabled()

    decode(body)

    assert gc.isenabled() == before


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
        ({"id": "1", "name": "red"}, ("red",)),
        ([{"id": "1", "label": "Red"}, "blue"], ("Red", "blue")),
        ([None, ["a", [""]]], ("a",)),
        ({}, ()),
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


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((yes, True) for yes in (True, 1, "1", "true", "True", 2)),
        *((no, False) for no in (False, 0, "0", "false", None, "")),
    ],
    ids=repr,
)
def test_flag_when_written_in_any_way_is_true_or_false(value: Any, expected: bool) -> None:
    assert flag(value) is expected


@given(json_values)
def test_readers_when_given_anything_at_all_give_their_type(value: Any) -> None:
    assert all(isinstance(each, str) for each in (*texts(value), *ids(value), text(value)))
    assert isinstance(number(value), int)
    assert isinstance(flag(value), bool)
    assert all(isinstance(each, dict) for each in records(value))
    moment(value)


def test_find_when_a_key_is_spelt_with_a_capital_finds_it() -> None:
    assert [find(raw, "isPublic") for raw in ({"isPublic": 0, "IsPublic": 1}, {"IsPublic": 1}, {})] == [
        0,
        1,
        None,
    ]


def test_records_when_in_a_list_or_by_name_are_the_objects_alone() -> None:
    assert list(records([{"a": 1}, None, "x"])) == [{"a": 1}]
    assert list(records({"one": {"a": 1}, "count": 3})) == [{"a": 1}]
    assert [list(records(odd)) for odd in (None, "x", 3)] == [[], [], []]


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


def test_asset_when_flags_and_numbers_come_as_text_has_their_types() -> None:
    raw = {"id": "x", "isPublic": "1", "archive": 0, "limited": "true", "watermarked": False, "width": "300"}
    asset = Asset.read(
        {**raw, "extension": ["tif"], "propertyOptions": ["a", {"id": "b"}], "activeVersion": "3"}
    )
    assert (asset.is_public, asset.is_archived, asset.is_limited, asset.is_watermarked) == (1, 0, 1, 0)
    assert (asset.width, asset.extension, asset.option_ids, asset.active_version) == (
        300,
        "tif",
        ("a", "b"),
        3,
    )


def test_asset_when_a_metaproperty_has_dashes_shows_its_values() -> None:
    asset = Asset.read(
        {"id": "x", "property_Asset_Sub-Type": [{"id": "o", "name": "Photo"}], "property_n": None}
    )
    assert asset.values == {"Asset_Sub-Type": ("Photo",), "n": ()}


ODD = ("thumbnails", "propertyOptions", "isPublic", "extension", "width", "activeVersion")


@given(st.dictionaries(st.sampled_from([*ODD, *(key for key in ASSET if key != "id")]), json_values))
def test_asset_when_its_fields_are_odd_is_read_all_the_same(fields: dict[str, Any]) -> None:
    asset = Asset.read({"id": 7, **fields})
    assert asset.id == "7"
    assert isinstance(asset.tags, tuple)
    assert isinstance(asset.size, int)
    assert isinstance(asset.active_version, int)


def test_item_when_little_is_known_is_empty() -> None:
    item = MediaItem.read({})
    assert (item.id, item.type, item.size, item.active, item.created) == ("", "", 0, False, None)


def test_brands_when_within_each_other_come_in_order() -> None:
    raw = [{"id": 1, "name": "A", "subBrands": [{"id": 2, "name": "B"}]}, {"id": 3}]
    assert list(Brand.read_all(raw)) == [Brand("1", "A"), Brand("2", "B", parent_id="1"), Brand("3", "")]


def test_metaproperty_when_read_flattens_its_options() -> None:
    raw = {
        "id": "m",
        "name": "colour",
        "type": "select2",
        "isMultiselect": 1,
        "options": [{"id": 1, "name": "red", "displayLabel": "Red", "options": [{"id": 2, "name": "pink"}]}],
    }
    read = Metaproperty.read(raw)
    assert (read.label, read.is_multiselect) == ("colour", True)
    assert read.options == (Option("1", "red", "Red"), Option("2", "pink", "pink", parent_id="1"))
    assert Metaproperty.read({"id": "m", "options": None, "isMultiselect": "0"}).options == ()


@pytest.mark.parametrize(("roles", "expected"), [(["A", "B"], {"A", "B"}), ("A", {"A"}), (None, set())])
def test_profile_when_read_has_a_set_of_roles(roles: Any, expected: set[str]) -> None:
    assert Profile.read({"id": 1, "roles": roles}) == Profile("1", "", frozenset(expected))


@pytest.mark.parametrize(
    ("raw", "total", "count"),
    [
        ([{"id": "a"}], None, None),
        ({"total": {"count": "7"}, "media": [{"id": "a"}]}, 7, None),
        ({"total": 7, "media": [{"id": "a"}]}, 7, None),
        (
            {"count": {"total": 7, "type": {"image": 7}}, "media": [{"id": "a"}]},
            7,
            {"total": 7, "type": {"image": 7}},
        ),
    ],
    ids=["list", "total", "bare total", "count"],
)
def test_page_of_assets_when_in_any_of_its_shapes_is_read(raw: Any, total: int | None, count: Any) -> None:
    page = AssetPage.read(raw)
    assert [asset.id for asset in page.assets] == ["a"]
    assert (page.total, page.count) == (total, count)


@pytest.mark.parametrize("raw", [{}, {"s3_file": ""}, [], None], ids=repr)
def test_download_when_there_is_no_address_is_an_error(raw: Any) -> None:
    with pytest.raises(TransientError, match="named no address"):
        Download.read(raw)


def test_download_when_printed_keeps_its_address() -> None:
    assert "secret" not in repr(Download.read({"s3_file": "https://s3/secret", "disclaimer": None}))


@pytest.mark.parametrize("key", ["isPublic", "IsPublic"])
def test_collection_when_public_is_spelt_either_way_is_public(key: str) -> None:
    read = Collection.read({key: 1, "dateCreated": "March, 01 2017 10:49:12 +0000"}, "own")
    assert (read.id, read.is_public, read.created) == (
        "own",
        True,
        datetime(2017, 3, 1, 10, 49, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize("count", [3, "3", {"total": 3}], ids=repr)
def test_page_of_collections_when_counted_has_the_count(count: Any) -> None:
    page = CollectionPage.read({"count": count, "collections": [{"id": "c"}]})
    assert (page.count, [each.id for each in page.collections]) == (3, ["c"])
    assert CollectionPage.read([{"id": "c"}]).count is None


@given(
    st.dictionaries(
        st.sampled_from(["id", "tag", "mediaCount", "integration", "count", "media"]), json_values
    )
)
def test_records_when_odd_are_read_all_the_same(raw: dict[str, Any]) -> None:
    read = Tag.read(raw), Usage.read(raw), Collection.read(raw), Metaproperty.read(raw), AssetPage.read(raw)
    assert all(isinstance(each.id, str) for each in read[:4])
