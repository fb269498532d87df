from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image


def _picture(width: int, height: int, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, form)
    return file.getvalue()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WEBP", "GIF"])
def test_asset_when_a_picture_has_its_size_and_focus_in_pixels(shared: Any, form: str) -> None:
    media_id = shared.saved(_picture(259, 100, form))
    asset = shared.portal.get(f"/api/v4/media/{media_id}").json()
    assert (asset["width"], asset["height"], asset["orientation"]) == (259, 100, "landscape")
    assert asset["activeOriginalFocusPoint"] == {"x": 129.5, "y": 50}


def test_asset_when_asked_for_by_query_is_one_object(shared: Any) -> None:
    media_id = shared.saved(name="Beach")
    answers = [shared.portal.get(f"/api/v4/media{slash}", params={"id": media_id}) for slash in ("", "/")]
    unknown = shared.portal.get("/api/v4/media/", params={"id": "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"})
    assert [answer.json()["name"] for answer in answers] == ["Beach", "Beach"]
    assert (unknown.status_code, unknown.json()["statuscode"]) == (404, "404")


def test_asset_when_its_id_has_the_shape_of_another_service_is_not_found(shared: Any) -> None:
    media_id = shared.saved()
    other = f"{media_id[:23]}-{media_id[23:]}".lower()
    assert shared.portal.get(f"/api/v4/media/{other}").status_code == 404


def test_asset_when_statistics_are_asked_for_needs_the_role(client: Any) -> None:
    media_id = client.saved()
    client.portal.get(f"/api/v4/media/{media_id}/download")
    asset = client.portal.get(f"/api/v4/media/{media_id}", params={"stats": "1"}).json()
    client.control("roles", roles=["MEDIAUPLOAD"])
    denied = client.portal.get(f"/api/v4/media/{media_id}", params={"stats": "1"})
    assert (asset["downloads"], asset["views"], denied.status_code) == (1, 0, 403)


def test_asset_when_related_to_others_names_them_on_request(shared: Any) -> None:
    one, other = shared.control("add_asset", times=2)["ids"]
    key = shared.control("metaproperty", name="Sequel")["id"]
    shared.control("change_asset", id=one, related={key: [other]})
    shown = shared.portal.get(f"/api/v4/media/{one}", params={"include": "relatedAssets"}).json()
    bare = shared.portal.get(f"/api/v4/media/{other}").json()
    assert shown["relatedAssets"] == [
        {"metaPropertyId": key, "metaPropertyName": "Sequel", "assets": [other]}
    ]
    assert "relatedAssets" not in bare


def test_asset_when_public_shows_an_original_that_anybody_can_get(client: Any) -> None:
    media_id = client.saved(b"sand", name="Beach", isPublic="true")
    asset = client.portal.get(f"/api/v4/media/{media_id}").json()
    client.control("settings", seo_base_url=False)
    later = client.portal.get(f"/api/v4/media/{media_id}").json()
    gone = httpx.get(asset["original"], trust_env=False, verify=False)
    client.control("settings", seo_base_url=True)
    assert httpx.get(asset["original"], trust_env=False, verify=False).content == b"sand"
    assert ("original" in later, gone.status_code) == (False, 404)


def test_asset_when_made_public_stays_so(client: Any) -> None:
    media_id = client.saved()
    for value in ("1", "0"):
        client.portal.post(f"/api/v4/media/{media_id}", data={"isPublic": value})
    client.control("roles", roles=["MEDIAEDIT"])
    again = client.portal.post(f"/api/v4/media/{media_id}", data={"isPublic": "true"})
    denied = client.portal.post(f"/api/v4/media/{client.control('add_asset')['id']}", data={"isPublic": "1"})
    assert client.portal.get(f"/api/v4/media/{media_id}").json()["isPublic"] == 1
    assert (again.status_code, denied.status_code) == (202, 403)


@pytest.mark.parametrize("value", ["2026-03-01", "2026-03-01T00:00:00Z"])
def test_modify_when_date_has_either_form_keeps_it(client: Any, value: str) -> None:
    key = client.control("metaproperty", name="Shot", type="date")["id"]
    media_id = client.saved()
    client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{key}": value})
    bad = client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{key}": "March"})
    assert client.portal.get(f"/api/v4/media/{media_id}").json()["property_Shot"] == value
    assert bad.status_code == 400


def test_modify_when_id_is_in_the_form_or_body_is_multipart_works_alike(shared: Any) -> None:
    media_id = shared.saved(name="Beach", tags="sea", description="D")
    shared.portal.post(
        "/api/v4/media/", data={"id": media_id, "tags": "sun", "removeCustomThumbnail": "true"}
    )
    fields = {"name": (None, ""), "archiveDate": (None, "2020-01-01T00:00:00Z")}
    answer = shared.portal.post(f"/api/v4/media/{media_id}/", files=fields)
    asset = shared.portal.get(f"/api/v4/media/{media_id}").json()
    assert answer.json() == {"message": "Accepted", "statuscode": 202}
    assert (asset["name"], asset["tags"], asset["description"], asset["archive"]) == ("", ["sun"], "D", 1)


def test_asset_when_quirks_are_on_has_the_other_shapes(client: Any) -> None:
    client.control("settings", numbers_as_strings=True, single_option_as_string=True, omit_empty_tags=False)
    country = client.portal.get("/api/v4/metaproperties").json()["Country"]
    media_id = client.saved(_picture(30, 20), **{f"metaproperty.{country['id']}": "Spain"})
    asset = client.portal.get(f"/api/v4/media/{media_id}").json()
    assert (asset["width"], asset["height"], asset["tags"]) == ("30", "20", [])
    assert asset["property_Country"] == "Spain"


def test_asset_when_an_older_version_is_made_active_shows_that_file(client: Any) -> None:
    media_id = client.saved(b"one")
    client.portal.post(f"/api/v4/media/{media_id}/save/{client.imported(b'twotwo')}/")
    client.control("change_asset", id=media_id, version=1)
    client.portal.post(f"/api/v4/media/{media_id}/save/{client.imported(b'three')}/")
    items = client.portal.get(f"/api/v4/media/{media_id}", params={"versions": "1"}).json()["mediaItems"]
    originals = [(item["version"], item["active"]) for item in items if item["type"] == "original"]
    assert originals == [(1, 0), (2, 0), (3, 1)]


def test_video_when_shown_has_previews_and_public_links(shared: Any) -> None:
    media_id = shared.control("add_asset", filename="film.mp4", text="moving")["id"]
    asset = shared.portal.get(f"/api/v4/media/{media_id}").json()
    uuid = f"{media_id[:23]}-{media_id[23:]}".lower()
    links = shared.portal.get(f"/api/1/assets/{uuid}/public-links").json()
    image = shared.portal.get(f"/api/1/assets/{shared.control('add_asset')['id']}/public-links")
    assert httpx.get(asset["videoPreviewURLs"][0], trust_env=False, verify=False).content == b"moving"
    assert (links["hls"].rpartition("/")[2], links.keys() >= {"dash", "embedCode"}) == (
        "play-hls2.m3u8",
        True,
    )
    assert (image.status_code, image.text) == (404, "manifest file not found")
