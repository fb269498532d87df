from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def url(shared: Any) -> str:
    """The transformation address of a picture, 200 by 100, red on the left and blue on the right."""
    image, file = Image.new("RGB", (200, 100), RED), io.BytesIO()
    image.paste(BLUE, (100, 0, 200, 100))
    image.save(file, "PNG")
    media_id = shared.save(shared.imported(file.getvalue(), "two.png"), name="Two halves").json()["mediaid"]
    return str(shared.portal.get(f"/api/v4/media/{media_id}").json()["transformBaseUrl"])


def _answer(url: str, *operations: str, **query: str) -> httpx.Response:
    params = [("io", operation) for operation in operations]
    return httpx.get(url, params=[*params, *query.items()], trust_env=False, verify=False)


def _image(url: str, *operations: str, **query: str) -> Image.Image:
    answer = _answer(url, *operations, format="png", **query)
    return Image.open(io.BytesIO(answer.content)).convert("RGBA")


@pytest.mark.parametrize(
    ("form", "media_type"), [("", "image/webp"), ("jpg", "image/jpeg"), ("png", "image/png")]
)
def test_transform_when_a_form_is_asked_for_gives_it(url: str, form: str, media_type: str) -> None:
    answer = _answer(url, **({"format": form} if form else {}), quality="50")
    with Image.open(io.BytesIO(answer.content)) as image:
        assert (answer.headers["content-type"], image.size) == (media_type, (200, 100))
        assert Image.MIME[image.format or ""] == media_type


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("fill,width:50,height:50", (50, 50)),
        ("fill,width:400,height:100,gravity:top", (400, 100)),
        ("fill,aspectratio:16x9", (178, 100)),
        ("fill,width:90,aspectratio:3x2", (90, 60)),
        ("fit,width:100,height:100", (100, 50)),
        ("fit,height:50", (100, 50)),
        ("scale,width:30,height:40", (30, 40)),
        ("scale,width:100", (100, 50)),
        ("crop,width:20,height:10,x:5,y:5", (20, 10)),
        ("extend,width:300,height:120,background:black", (300, 120)),
        ("rotate,angle:90", (100, 200)),
        ("flip", (200, 100)),
    ],
)
def test_transform_when_an_operation_is_named_gives_its_size(url: str, operation: str, size: Any) -> None:
    assert _image(url, f"transform:{operation}").size == size


@pytest.mark.parametrize(
    ("operation", "point", "colour"),
    [
        ("crop,width:50,height:50,gravity:left", (25, 25), RED),
        ("crop,width:50,height:50,gravity:bottomright", (25, 25), BLUE),
        ("crop,width:50,height:50,x:100,y:0", (0, 0), BLUE),
        ("fill,width:50,height:100,gravity:topleft", (49, 50), RED),
        ("mirror", (10, 50), BLUE),
        ("rotate,angle:90", (50, 10), RED),
        ("rotate,angle:45,background:0f0", (0, 0), (0, 255, 0)),
        ("extend,width:220,height:100,background:00ff00", (0, 0), (0, 255, 0)),
        ("crop,width:100,height:100,x:0,y:0,shape:circle,background:yellow", (0, 0), (255, 255, 0)),
    ],
)
def test_transform_when_done_shows_the_right_pixels(
    url: str, operation: str, point: Any, colour: Any
) -> None:
    assert _image(url, f"transform:{operation}").getpixel(point) == (*colour, 255)


@pytest.mark.parametrize(("focus", "colour"), [("0,0.5", RED), ("1,0.5", BLUE)])
def test_transform_when_a_focus_point_is_given_cuts_around_it(url: str, focus: str, colour: Any) -> None:
    image = _image(url, "transform:fill,width:40,height:40", focuspoint=focus)
    assert image.getpixel((20, 20)) == (*colour, 255)


def test_transform_when_operations_follow_each_other_keeps_their_order(url: str) -> None:
    first = _image(url, "transform:scale,width:100,height:20", "transform:rotate,angle:90")
    second = _image(url, "transform:rotate,angle:90", "transform:scale,width:100,height:20")
    assert (first.size, second.size) == ((20, 100), (100, 20))


def test_transform_when_transparency_is_left_shows_the_background(url: str) -> None:
    cut = "transform:crop,width:100,height:100,x:0,y:0,shape:circle"
    bare, filled = _image(url, cut), _image(url, cut, "transform:background,color:ffffff")
    assert (bare.getpixel((0, 0)), filled.getpixel((0, 0))) == ((0, 0, 0, 0), (255, 255, 255, 255))


@pytest.mark.parametrize(
    "query",
    [
        {"io": "transform:sharpen"},
        {"io": "resize:fit,width:10"},
        {"io": "transform:fit,width:0"},
        {"io": "transform:fit,width:ten"},
        {"io": "transform:fit,depth:10"},
        {"io": "transform:fit,width"},
        {"io": "transform:flip,width:10"},
        {"io": "transform:rotate,angle:361"},
        {"io": "transform:rotate,angle:45,background:nocolour"},
        {"io": "transform:crop,gravity:middle"},
        {"io": "transform:crop,shape:star"},
        {"io": "transform:fill,aspectratio:16:9"},
        {"io": "transform:background"},
        {"format": "gif"},
        {"quality": "0"},
        {"quality": "101"},
        {"focuspoint": "2,0"},
        {"focuspoint": "0.5"},
    ],
    ids=str,
)
def test_transform_when_not_understood_is_refused(url: str, query: dict[str, str]) -> None:
    answer = httpx.get(url, params=query, trust_env=False, verify=False)
    assert (answer.status_code, answer.text) == (400, "Image Operation not supported")


def test_transform_when_asked_below_api_is_the_same_and_other_ids_are_not_found(
    shared: Any, url: str
) -> None:
    alias = url.replace("/transform/", "/api/transform/")
    media_id = shared.state()["assets"][0]["id"]
    origin = shared.sandbox.origins["portal"]
    answers = [
        httpx.get(one, trust_env=False, verify=False) for one in (alias, f"{origin}/transform/{media_id}/two")
    ]
    assert [one.status_code for one in answers] == [200, 404]


def test_transform_when_the_asset_is_no_picture_is_not_found(shared: Any) -> None:
    media_id = shared.saved(b"not a picture")
    url = shared.portal.get(f"/api/v4/media/{media_id}").json()["transformBaseUrl"]
    assert httpx.get(url, trust_env=False, verify=False).status_code == 404
