from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink._upload.lookup import Marker, Search, find_saved
from damlink.errors import UnclearError

Control = Callable[..., Any]


def now() -> datetime:
    return datetime.now(UTC)


def search(**changes: Any) -> Search:
    given = {"since": now() - timedelta(seconds=1), "sizes": [4], "filename": "beach.jpg"}
    return Search(**given | changes)


@pytest.mark.parametrize(
    ("text", "marker", "query"),
    [
        ("1234", Marker(tag="1234"), {"tags": "1234"}),
        ("source=1234", Marker(metaproperty="source", value="1234"), {"property_source": "1234"}),
        ("source=a=b", Marker(metaproperty="source", value="a=b"), {"property_source": "a=b"}),
    ],
)
def test_marker_when_written_is_a_tag_or_a_metaproperty(text: str, marker: Marker, query: Any) -> None:
    assert Marker.parse(text) == marker
    assert marker.filter == query


def test_find_saved_when_one_asset_fits_is_that_one(portal: Portal, control: Control, tag: str) -> None:
    saved = control("add_asset", text="sand", tags=[tag, "sea"])["id"]
    control("add_asset", text="sand", tags=["another"])
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) == saved


@pytest.mark.parametrize(
    "asset",
    [
        {"text": "other size"},
        {"created": (now() - timedelta(hours=1)).isoformat()},
        {"created": (now() - timedelta(seconds=10)).isoformat()},
    ],
    ids=["of another size", "much older", "older"],
)
def test_find_saved_when_what_carries_the_marker_is_not_from_this_save_finds_nothing(
    portal: Portal, control: Control, tag: str, asset: dict[str, str]
) -> None:
    control("add_asset", **{"text": "sand", "tags": [tag]} | asset)
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) is None


UNREADABLE: dict[str, dict[str, Any]] = {
    "date missing": {"dateCreated": None},
    "date garbled": {"dateCreated": "yesterday"},
    "size missing": {"fileSize": None},
    "size garbled": {"fileSize": "large"},
    "tags missing": {"tags": ...},
}


@pytest.mark.parametrize("change", UNREADABLE.values(), ids=UNREADABLE)
def test_find_saved_when_the_record_of_a_marked_asset_cannot_be_read_cannot_tell(
    served: Portal, server: Any, change: dict[str, Any]
) -> None:
    whole = {"id": "M1", "tags": ["7"], "fileSize": 4, "dateCreated": now().isoformat()} | change
    shown = {name: value for name, value in whole.items() if value is not ...}
    server.always(200, json.dumps([shown]).encode())
    with pytest.raises(UnclearError, match="M1 in the portal may be what was saved"):
        find_saved(served.assets, search(marker=Marker(tag="7")))


ORIGINAL: dict[str, Any] = {"id": "i1", "type": "original", "size": 5}


@pytest.mark.parametrize(
    ("change", "answers"),
    [
        ({"dateCreated": None, "fileSize": 5}, [{"id": "M1", "mediaItems": [ORIGINAL]}, []]),
        ({"fileSize": None, "dateCreated": "2020-01-01T00:00:00Z"}, [[]]),
    ],
    ids=["another size", "much older"],
)
def test_find_saved_when_what_can_be_read_speaks_against_it_finds_nothing(
    served: Portal, server: Any, change: dict[str, Any], answers: list[Any]
) -> None:
    for answer in [[{"id": "M1", "tags": ["7"]} | change], *answers]:
        server.then(200, json.dumps(answer).encode())
    assert find_saved(served.assets, search(marker=Marker(tag="7"))) is None


@pytest.mark.parametrize("additional", [False, True], ids=["version", "additional"])
@pytest.mark.parametrize("missing", ["dateCreated", "size"])
def test_find_saved_when_a_file_of_the_asset_cannot_be_read_cannot_tell(
    served: Portal, server: Any, additional: bool, missing: str
) -> None:
    kind = "additional" if additional else "original"
    item = {"id": "i1", "type": kind, "size": 4, "dateCreated": now().isoformat()} | {missing: None}
    server.always(200, json.dumps({"id": "A1", "mediaItems": [item]}).encode())
    with pytest.raises(UnclearError, match="i1 in the portal may be what was saved"):
        find_saved(served.assets, search(asset_id="A1", additional=additional))


def test_find_saved_when_the_clocks_differ_by_a_little_still_finds_it(
    portal: Portal, control: Control, tag: str
) -> None:
    saved = control("add_asset", text="sand", tags=[tag])["id"]
    later = now() + timedelta(seconds=3)
    assert find_saved(portal.assets, search(marker=Marker(tag=tag), since=later)) == saved


def test_find_saved_when_two_assets_fit_cannot_tell(portal: Portal, control: Control, tag: str) -> None:
    control("add_asset", text="sand", tags=[tag], times=2)
    with pytest.raises(UnclearError, match="^2 assets of the portal may be the one that was saved$"):
        find_saved(portal.assets, search(marker=Marker(tag=tag)))


def test_find_saved_when_a_tag_only_begins_alike_does_not_take_it(
    portal: Portal, control: Control, tag: str
) -> None:
    control("add_asset", text="sand", tags=[f"{tag}-more"])
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) is None


def test_find_saved_when_nothing_marks_the_asset_cannot_tell(portal: Portal) -> None:
    with pytest.raises(UnclearError, match="nothing marks the asset"):
        find_saved(portal.assets, search())


def test_find_saved_when_many_carry_the_marker_looks_at_all_of_them(
    portal: Portal, control: Control, tag: str
) -> None:
    saved = control("add_asset", text="sand", tags=[tag])["id"]
    control("add_asset", text="other size", tags=[tag], times=150)
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) == saved


def test_find_saved_when_it_was_archived_meanwhile_finds_it(
    portal: Portal, control: Control, tag: str
) -> None:
    saved = control("add_asset", text="sand", tags=[tag])["id"]
    portal.assets.modify(saved, archive=True)
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) == saved


def test_find_saved_when_a_person_added_a_version_meanwhile_finds_it(
    portal: Portal, control: Control, tag: str
) -> None:
    saved = control("add_asset", text="sand", tags=[tag])["id"]
    control("add_version", id=saved, text="retouched")
    assert find_saved(portal.assets, search(marker=Marker(tag=tag))) == saved


@pytest.mark.parametrize("items", [None, [], [{"id": "i1", "type": "original"}]])
def test_find_saved_when_the_versions_of_a_marked_asset_are_not_shown_cannot_tell(
    served: Portal, server: Any, items: Any
) -> None:
    record = {"id": "M1", "tags": ["7"], "fileSize": 9, "dateCreated": now().isoformat()}
    server.then(200, json.dumps([record]).encode())
    server.then(200, json.dumps(record | {"mediaItems": items}).encode())
    with pytest.raises(UnclearError, match="M1 in the portal may be what was saved"):
        find_saved(served.assets, search(marker=Marker(tag="7")))


def test_find_saved_when_archived_assets_are_refused_finds_nothing(server: Any, hurried: None) -> None:
    server.then(200, b"[]").then(403, b'{"message": "no"}')
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert find_saved(portal.assets, search(marker=Marker(tag="12"))) is None


def test_find_saved_when_a_metaproperty_marks_it_looks_there(server: Any, hurried: None) -> None:
    sources: dict[str, Any] = {"A": "7", "B": ["8"]}
    own = {"fileSize": 4, "dateCreated": now().isoformat()}
    found = [{"id": key, "property_source": source, **own} for key, source in sources.items()]
    server.always(200, json.dumps(found).encode())
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert find_saved(portal.assets, search(marker=Marker.parse("source=8"))) == "B"
    assert "property_source=8" in server.asked[0].path


VERSIONS: list[dict[str, Any]] = [
    {"id": "i1", "type": "original", "version": 1, "size": 4, "age": 3600},
    {"id": "i2", "type": "original", "version": 2, "size": 4, "age": 0},
    {"id": "i3", "type": "additional", "size": 4, "age": 0},
    {"id": "i4", "type": "web", "size": 4, "age": 0},
]


@pytest.mark.parametrize(
    ("additional", "expected"), [(False, "i2"), (True, "i3")], ids=["version", "additional"]
)
def test_find_saved_when_it_was_saved_to_an_asset_looks_at_its_files(
    server: Any, hurried: None, additional: bool, expected: str
) -> None:
    items = [
        item | {"dateCreated": (now() - timedelta(seconds=item["age"])).isoformat()} for item in VERSIONS
    ]
    server.always(200, json.dumps({"id": "A1", "mediaItems": items}).encode())
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        found = find_saved(portal.assets, search(asset_id="A1", additional=additional))
    assert found == expected
    assert server.lines == ["GET /api/v4/media/A1/?versions=true"]
