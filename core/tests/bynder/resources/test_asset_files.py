from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from damlink import Portal, Secret
from damlink._http.bearer import BearerAuth
from damlink.errors import BynderError, TransientError
from damlink_sandbox import Sandbox

DATA = bytes(range(256)) * 40


@pytest.fixture
def linked(server: Any, stranger: Any, hurried: None) -> Iterator[Portal]:
    """A portal that names a new address of another host at each question."""

    def answer(_: Any) -> Any:
        url = f"{stranger.url}/{len(server.asked)}/final/beach.jpg?sign=x"
        return server.reply(200, json.dumps({"s3_file": url}).encode())

    server.serve(answer)
    with Portal(server.url, BearerAuth(Secret("sesame")), pace=None) as portal:
        yield portal


def ranged(server: Any, asked: Any) -> Any:
    """As S3 answers: the bytes that are asked for, and the file's name."""
    first, _, last = asked.headers.get("range", "bytes=0-")[6:].partition("-")
    first, end = int(first), int(last or len(DATA) - 1) + 1
    status = 206 if "range" in asked.headers else 200
    headers = {
        "ETag": '"one"',
        "Content-Type": "image/jpeg",
        "Content-Disposition": "inline; filename=beach.jpg",
    }
    if status == 206:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{len(DATA)}"
    return server.reply(status, DATA[first:end], headers=headers)


def test_content_when_opened_twice_asks_for_a_fresh_address_each_time(
    linked: Portal, server: Any, stranger: Any
) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    content = linked.assets.content("A1")
    assert server.asked == []
    assert b"".join(content.open()) == DATA
    assert b"".join(content.open(5000)) == DATA[5000:]
    assert server.lines == ["GET /api/v4/media/A1/download/"] * 2
    assert [asked.path[:2] for asked in stranger.asked] == ["/1", "/1", "/2"]
    assert [asked.headers.get("range") for asked in stranger.asked] == [None, "bytes=0-0", "bytes=5000-"]


def test_content_when_fetched_shows_the_other_host_no_credentials(
    linked: Portal, server: Any, stranger: Any
) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    b"".join(linked.assets.content("A1").open())
    assert server.asked[0].headers["authorization"] == "Bearer sesame"
    assert "authorization" not in stranger.asked[0].headers


def test_content_when_the_connection_breaks_goes_on_at_a_fresh_address(
    linked: Portal, server: Any, stranger: Any
) -> None:
    stranger.then(200, DATA, headers={"ETag": '"one"'}, cut=3000).serve(lambda asked: ranged(stranger, asked))
    assert b"".join(linked.assets.content("A1").open()) == DATA
    assert [asked.path[:2] for asked in stranger.asked] == ["/1", "/2"]
    assert stranger.asked[1].headers["range"] == "bytes=3000-"


def test_content_when_facts_are_given_asks_for_none(linked: Portal, server: Any, stranger: Any) -> None:
    content = linked.assets.content(
        "A1", item_id="i", filename="b.png", size=len(DATA), media_type="image/png"
    )
    assert (content.filename, content.size, content.media_type) == ("b.png", len(DATA), "image/png")
    assert server.asked == []
    stranger.serve(lambda asked: ranged(stranger, asked))
    assert b"".join(content.open()) == DATA
    assert server.lines == ["GET /api/v4/media/A1/download/i/"]


def test_content_when_no_facts_are_given_has_those_of_the_answer(linked: Portal, stranger: Any) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    content = linked.assets.content("A1")
    assert (content.filename, content.size, content.media_type) == ("beach.jpg", len(DATA), "image/jpeg")


def test_content_when_a_given_size_is_wrong_is_that_of_the_answer_once_it_is_there(
    linked: Portal, stranger: Any
) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    content = linked.assets.content("A1", size=1)
    assert b"".join(content.open()) == DATA
    assert content.size == len(DATA)


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({}, "download/"),
        ({"type": "additional"}, "download/?type=additional"),
        ({"version": 3}, "3/download/"),
        ({"item_id": "i/1"}, "download/i%2F1/"),
        ({"item_id": "i", "hash": True}, "download/i/?hash=true"),
    ],
    ids=["original", "type", "version", "item", "hash"],
)
def test_download_when_of_any_kind_asks_at_its_own_path(
    linked: Portal, server: Any, wanted: dict[str, Any], path: str
) -> None:
    assert linked.assets.download("A1", **wanted).url.endswith("/1/final/beach.jpg?sign=x")
    assert server.lines == [f"GET /api/v4/media/A1/{path}"]


def test_download_when_of_several_kinds_at_once_sends_nothing(linked: Portal, server: Any) -> None:
    with pytest.raises(BynderError, match="not of several"):
        linked.assets.download("A1", version=1, item_id="i")
    assert server.asked == []


def test_transform_when_at_another_host_shows_it_no_credentials(
    linked: Portal, server: Any, stranger: Any
) -> None:
    stranger.always(200, b"picture")
    operations = ["transform:fill,width:8,height:6", "transform:flip"]
    url = f"{stranger.url.replace('127.0.0.1', 'localhost')}/transform/x/beach"
    assert linked.assets.transform(base_url=url, io=operations, format="jpg") == b"picture"
    (asked,) = stranger.asked
    assert httpx.URL(asked.path).params.get_list("io") == operations
    assert "authorization" not in asked.headers
    assert server.asked == []


# --- against the sandbox ---------------------------------------------------------------------------


@pytest.fixture
def picture(control: Callable[..., Any]) -> str:
    data = io.BytesIO()
    Image.new("RGB", (160, 90), "teal").save(data, "JPEG")
    encoded = base64.b64encode(data.getvalue()).decode()
    return str(control("add_asset", base64=encoded, filename="beach.jpg")["id"])


def test_content_when_read_from_the_portal_is_the_original(
    portal: Portal, sandbox: Sandbox, picture: str
) -> None:
    content = portal.assets.content(picture)
    held = {each["id"]: each for each in sandbox.part("bynder").state()["assets"]}[picture]
    data = b"".join(content.open())
    assert hashlib.sha256(data).hexdigest() == held["sha256"]
    assert (content.filename, content.size) == (held["filename"], len(data))
    assert b"".join(content.open(len(data) - 7)) == data[-7:]


def test_download_when_of_an_item_or_a_version_is_that_file(portal: Portal, picture: str) -> None:
    asset = portal.assets.get(picture, versions=True)
    (original,) = (item for item in asset.items if item.type == "original")
    addresses = [
        portal.assets.download(picture, item_id=original.id).url,
        portal.assets.download(picture, version=1).url,
    ]
    assert [len(httpx.get(address).content) for address in addresses] == [asset.size] * 2


def test_content_when_there_is_no_such_item_says_so(portal: Portal, picture: str) -> None:
    with pytest.raises(BynderError, match="Original file not available"):
        b"".join(portal.assets.content(picture, item_id="none").open())


@pytest.mark.parametrize("by", ["id", "address"])
def test_transform_when_scaled_and_turned_is_that_picture(portal: Portal, picture: str, by: str) -> None:
    base = portal.assets.get(picture).transform_base_url if by == "address" else None
    data = portal.assets.transform(
        picture,
        name="beach",
        io=["transform:fill,width:80,height:60", "transform:rotate,angle:90"],
        focus_point="0.5,0.5",
        format="jpg",
        quality=50,
        base_url=base,
    )
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.size) == ("JPEG", (60, 80))


def test_transform_when_the_operation_is_unknown_says_so(portal: Portal, picture: str) -> None:
    with pytest.raises(BynderError, match="Image Operation not supported") as caught:
        portal.assets.transform(picture, name="beach", io=["transform:explode"])
    assert caught.value.status == 400


def test_transform_when_only_the_older_form_of_id_is_known_is_found(server: Any, hurried: None) -> None:
    server.then(404, b"Not Found").then(200, b"picture")
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert portal.assets.transform("0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6", name="b") == b"picture"
    assert [asked.path.split("/")[2] for asked in server.asked] == [
        "0c4d1e52-7a63-4b81-9f20-a1b2c3d4e5f6",
        "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6",
    ]


def test_public_links_when_it_is_a_video_tell_where_it_is_streamed(
    portal: Portal, control: Callable[..., Any], picture: str
) -> None:
    video = control("add_asset", text="film", filename="clip.mp4")["id"]
    links = portal.assets.public_links(video)
    assert links.hls.startswith("http")
    assert links.dash.startswith("http")
    with pytest.raises(BynderError, match="manifest file not found"):
        portal.assets.public_links(picture)


def test_content_when_the_portal_names_no_address_may_be_tried_again(server: Any, hurried: None) -> None:
    server.always(200, b'{"disclaimer": "x"}')
    with (
        Portal(server.url, httpx.Auth(), pace=None) as portal,
        pytest.raises(TransientError, match="no address"),
    ):
        portal.assets.download("A1")


def test_save_when_a_download_is_saved_asks_for_no_second_address(
    linked: Portal, server: Any, stranger: Any, tmp_path: Path
) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    assert linked.assets.download("A1").save(tmp_path).read_bytes() == DATA
    assert [each.name for each in tmp_path.iterdir()] == ["beach.jpg"]
    assert server.lines == ["GET /api/v4/media/A1/download/"]


def test_save_when_the_address_has_expired_asks_for_another(
    linked: Portal, server: Any, stranger: Any, tmp_path: Path
) -> None:
    stranger.serve(lambda asked: ranged(stranger, asked))
    download = linked.assets.download("A1")
    assert download.save(tmp_path / "a").read_bytes() == download.save(tmp_path / "b").read_bytes() == DATA
    assert server.lines == ["GET /api/v4/media/A1/download/"] * 2


def test_save_when_the_file_breaks_off_again_and_again_leaves_nothing(
    linked: Portal, stranger: Any, tmp_path: Path
) -> None:
    def cut(asked: Any) -> Any:
        whole = ranged(stranger, asked)
        return (
            whole
            if whole.status == 206 and asked.headers["range"] == "bytes=0-0"
            else stranger.reply(500, b"", headers={})
        )

    stranger.serve(cut)
    with pytest.raises(TransientError):
        linked.assets.download("A1").save(tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
