from __future__ import annotations

from typing import Any

import httpx
import pytest


def _content(answer: httpx.Response) -> bytes:
    return httpx.get(answer.json()["s3_file"], trust_env=False, verify=False).content


def test_download_when_asked_by_version_gives_that_one(shared: Any) -> None:
    media_id = shared.saved(b"one")
    shared.portal.post(f"/api/v4/media/{media_id}/save/{shared.imported(b'two')}")
    paths = ("1/download", "2/download/", "download")
    assert [_content(shared.portal.get(f"/api/v4/media/{media_id}/{path}")) for path in paths] == [
        b"one", b"two", b"two",
    ]  # fmt: skip
    missing = shared.portal.get(f"/api/v4/media/{media_id}/3/download")
    assert missing.json() == {"message": "Original file not available", "statuscode": "404"}


def test_download_when_type_is_given_checks_it(shared: Any) -> None:
    media_id = shared.saved()
    invalid = shared.portal.get(f"/api/v4/media/{media_id}/download", params={"type": "web"})
    none = shared.portal.get(f"/api/v4/media/{media_id}/download", params={"type": "additional"})
    assert invalid.json() == {"message": "Invalid type", "statuscode": "400"}
    assert none.status_code == 404


def test_download_when_item_is_named_by_id_or_hash_gives_it(shared: Any) -> None:
    media_id = shared.saved(b"one")
    items = shared.portal.get(f"/api/v4/media/{media_id}", params={"versions": "1"}).json()["mediaItems"]
    original = next(item["id"] for item in items if item["type"] == "original")
    web = next(item["id"] for item in items if item["type"] == "web")
    path = f"/api/v4/media/{media_id}/download"
    short = original.replace("-", "").lower()[:16]
    assert _content(shared.portal.get(f"{path}/{original}")) == b"one"
    assert _content(shared.portal.get(f"{path}/{short}", params={"hash": "true"})) == b"one"
    assert _content(shared.portal.get(f"{path}/{web}")).startswith(b"\x89PNG")
    assert shared.portal.get(f"{path}/{short}").status_code == 404


@pytest.mark.parametrize(
    ("state", "role"),
    [
        ("archive", "ARCHIVEDOWNLOAD"),
        ("watermarked", "DOWNLOADWATERMARK"),
        ("limited", "KEYVISUALSDOWNLOAD"),
        (None, "MEDIAHIGHRES"),
    ],
)
def test_download_when_the_role_for_its_state_is_missing_is_denied(
    client: Any, state: str | None, role: str
) -> None:
    media_id = client.saved(b"one")
    client.control("change_asset", id=media_id, **({state: True} if state else {}))
    client.control("roles", roles=["MEDIAHIGHRES", role])
    granted = client.portal.get(f"/api/v4/media/{media_id}/download").status_code
    client.control("roles", roles=["MEDIAHIGHRES"] if state else [])
    assert (granted, client.portal.get(f"/api/v4/media/{media_id}/download").status_code) == (200, 403)


def test_download_when_fetched_names_the_media_type(shared: Any) -> None:
    media_id = shared.saved(b"one")
    url = shared.portal.get(f"/api/v4/media/{media_id}/download").json()["s3_file"]
    assert httpx.get(url, trust_env=False, verify=False).headers["content-type"] == "image/jpeg"
