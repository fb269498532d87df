from __future__ import annotations

from typing import Any

import pytest

from damlink import Content, PreparedAsset, SourceAsset
from damlink_istock.api import Dimensions, DownloadRow, Metadata, Size
from damlink_istock.listing import Licensed
from damlink_istock.transform import choices, credit, is_vector, prepare, source_asset

SIZES = [Size("x_large", 3000), Size("large", 2000), Size("medium", 800)]
VECTOR = Metadata("1", graphical_style="illustration", download_sizes=[Size("vector", None, "image/eps")])


def source(known: Metadata | None = None, kind: str = "Image", height: float = 2000) -> SourceAsset:
    row = DownloadRow(
        "1400000001", "2026-05-01T10:00:00.000", kind, "large", Dimensions(height * 1.5, height)
    )
    return source_asset(Licensed(row, known))


def in_portal(**known: Any) -> PreparedAsset:
    return prepare(source(Metadata("1400000001", **known)), Content.from_bytes(b"", "1400000001.jpg"))


# --- what the ledger keeps -------------------------------------------------------------------------


def test_source_asset_when_metadata_changes_keeps_its_fingerprint() -> None:
    first, second = (
        source(Metadata("1400000001", title="Before")),
        source(Metadata("1400000001", title="After")),
    )
    assert (first.source_id, first.title) == ("1400000001", "Before")
    assert first.fingerprint == second.fingerprint


def test_source_asset_when_istock_no_longer_knows_it_still_says_what_was_licensed() -> None:
    raw = source(None).raw
    assert (raw["kind"], raw["licensed_size"], raw["licensed_height"]) == ("image", "large", 2000)
    assert (raw["title"], raw["artist"], raw["sizes"]) == ("", "", [])


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param({"credit_line": "Jane/iStock", "artist": "Jane"}, "Jane/iStock", id="its own"),
        pytest.param({"artist": "Jane", "collection_name": "E+"}, "Jane / E+", id="built"),
        pytest.param({"artist": "Jane", "copyright": "J"}, "Jane", id="artist alone"),
        pytest.param({"credit_line": "", "copyright": "J Ltd"}, "J Ltd", id="copyright"),
        pytest.param({}, "", id="nothing"),
    ],
)
def test_credit_is_the_best_there_is(known: dict[str, Any], expected: str) -> None:
    assert credit(Metadata("1", **known)) == expected


@pytest.mark.parametrize(
    ("style", "size", "expected"),
    [
        pytest.param("illustration", Size("vector"), True, id="a size of that name"),
        pytest.param("illustration", Size("x", None, "application/postscript"), True, id="a media type"),
        pytest.param("illustration", Size("large", 800, "image/jpeg"), False, id="a drawing as JPEG"),
        pytest.param("photography", Size("vector"), False, id="a photograph"),
        pytest.param(None, Size(), False, id="nothing said"),
    ],
)
def test_vector_is_an_illustration_with_a_vector_size(style: str | None, size: Size, expected: bool) -> None:
    assert is_vector(Metadata("1", graphical_style=style, download_sizes=[size])) is expected


# --- which file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("", {"file_type": "jpg", "height": 2000}, id="as licensed"),
        pytest.param("medium", {"file_type": "jpg", "height": 800}, id="smaller"),
        pytest.param("x_large", {"file_type": "jpg", "height": 2000}, id="never larger"),
        pytest.param("giant", {"file_type": "jpg", "height": 2000}, id="unknown"),
    ],
)
def test_image_is_asked_for_by_its_height(wanted: str, expected: dict[str, Any]) -> None:
    (choice,) = choices(source(Metadata("1", download_sizes=SIZES)).raw, wanted)
    assert choice.query == expected


def test_image_of_unknown_height_is_asked_for_without_one() -> None:
    (choice,) = choices(source(None, height=0).raw, "")
    assert choice.query == {"file_type": "jpg"}


def test_vector_is_asked_for_as_eps_and_else_as_jpg() -> None:
    asked = [choice.query for choice in choices(source(VECTOR).raw, "")]
    assert asked == [{"file_type": "eps"}, {"file_type": "jpg"}]


def test_vector_in_a_smaller_size_is_no_eps() -> None:
    assert [choice.query["file_type"] for choice in choices(source(VECTOR).raw, "medium")] == ["jpg"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param("", {"size": "large"}, id="as licensed"),
        pytest.param("medium", {"size": "medium"}, id="smaller"),
        pytest.param("x_large", {"size": "large"}, id="never larger"),
    ],
)
def test_video_is_asked_for_by_the_name_of_its_size(wanted: str, expected: dict[str, Any]) -> None:
    (choice,) = choices(source(Metadata("1", download_sizes=SIZES), kind="Film").raw, wanted)
    assert choice.query == expected


def test_video_whose_size_is_not_offered_is_asked_for_without_one() -> None:
    (choice,) = choices(source(None, kind="Film").raw, "")
    assert choice.query == {}


# --- what people see -------------------------------------------------------------------------------


def test_asset_in_the_portal_has_title_credit_copyright_and_three_tags() -> None:
    found = in_portal(title="Paper hills", artist="Jane", credit_line="Jane/iStock", copyright="Jane Ltd")
    assert (found.name, found.description, found.copyright) == ("Paper hills", "Jane/iStock", "Jane Ltd")
    assert found.tags == ("iStock", "Jane", "1400000001")


def test_artist_with_a_comma_is_one_tag() -> None:
    assert in_portal(artist="Smith, Jane").tags == ("iStock", "Smith, Jane", "1400000001")


def test_asset_of_which_nothing_is_known_is_named_after_its_id() -> None:
    found = in_portal()
    assert (found.name, found.tags) == ("iStock 1400000001", ("iStock", "1400000001"))
