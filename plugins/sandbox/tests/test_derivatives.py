from __future__ import annotations

import io
from typing import Any

import httpx
from PIL import Image


def _picture(client: Any) -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (1000, 500), "red").save(file, "JPEG")
    media_id = client.saved(file.getvalue(), name="Red sea")
    shown: dict[str, Any] = client.portal.get(f"/api/v4/media/{media_id}").json()
    return shown


def test_thumbnails_when_fetched_without_a_token_are_pictures_of_their_size(client: Any) -> None:
    sizes = {}
    for name, url in _picture(client)["thumbnails"].items():
        with Image.open(io.BytesIO(httpx.get(url, trust_env=False, verify=False).content)) as image:
            sizes[name] = image.size
    assert sizes == {"mini": (80, 40), "thul": (250, 125), "webimage": (800, 400), "500x500": (500, 500)}


def test_thumbnails_when_of_no_picture_are_there_all_the_same(client: Any) -> None:
    media_id = client.saved(b"text")
    url = client.portal.get(f"/api/v4/media/{media_id}").json()["thumbnails"]["thul"]
    unknown = url.replace("thul-", "other-")
    codes = [httpx.get(one, trust_env=False, verify=False).status_code for one in (url, unknown)]
    assert codes == [200, 404]


def test_presets_when_changed_show_in_both_lists_and_in_assets(client: Any) -> None:
    key = client.control("derivatives", presets=[{"prefix": "67E391FA", "width": 20, "height": 10}])[0]
    old, new = (
        client.portal.get(path).json()
        for path in ("/api/v4/account/derivatives", "/api/1/derivative-presets/")
    )
    one = client.portal.get(f"/api/1/derivative-presets/{key}/").json()
    assert (old[0]["prefix"], old[0]["isCrop"], "id" in old[0]) == ("67E391FA", False, False)
    assert (new, one["id"], one["isCrop"], one["dpi"]) == ([one], key, 0, -1)
    assert "67E391FA" in _picture(client)["thumbnails"]
    assert client.portal.get("/api/1/derivative-presets/x").status_code == 404


def test_smartfilters_and_categories_when_asked_are_lists(client: Any) -> None:
    smart = client.portal.get("/api/v4/smartfilters/").json()
    known = {one["id"] for one in client.portal.get("/api/v4/metaproperties").json().values()}
    assert set(smart[0]["metaproperties"]) == known
    assert client.portal.get("/api/v4/categories").json() == []
