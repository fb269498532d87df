"""The stand-in itself: it really marks, keeps what a file says, and can tell whose mark is in a file."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from PIL import Image, ImageChops

from damlink_imatag.sandbox.api import CLIENT_ID, CLIENT_SECRET, KEY
from damlink_sandbox import Fault, Sandbox

Painter = Callable[..., bytes]


class Client:
    """Somebody with the key."""

    def __init__(self, world: Sandbox) -> None:
        self.world = world
        base = f"{world.origins['imatag']}/api/v3"
        self.api = httpx.Client(base_url=base, headers={"Authorization": f"Token {KEY}"})

    def send(self, data: bytes, name: str = "photo.jpg", path: str = "", **metadata: str) -> httpx.Response:
        self.world.world.counts.add("test-uploads")
        number = self.world.world.counts["test-uploads"]
        form = {"path": path or f"acme/t/{number}-{name}", "metadata": json.dumps(metadata)}
        return self.api.post("/media/", data=form, files={"file": (name, data)})

    def marked(self, data: bytes, name: str = "photo.jpg") -> tuple[str, bytes]:
        media = self.send(data, name).json()
        return media["id"], self.api.get(f"/media/{media['id']}/watermarked/").raise_for_status().content

    def control(self, action: str, **body: Any) -> Any:
        return self.world.part("imatag").control(action, body)

    def read(self, data: bytes) -> str | None:
        found: str | None = self.control("detect", base64=base64.b64encode(data).decode())["id"]
        return found


@pytest.fixture
def client(world: Sandbox) -> Iterator[Client]:
    before = Client(world).control("settings")
    client = Client(world)
    yield client
    client.control("settings", **before)
    client.api.close()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize(
    ("kind", "name", "mode"),
    [
        ("JPEG", "a.jpg", "RGB"),
        ("JPEG", "a.jpg", "L"),
        ("JPEG", "a.jpg", "CMYK"),
        ("PNG", "a.png", "RGB"),
        ("PNG", "a.png", "RGBA"),
        ("PNG", "a.png", "P"),
        ("TIFF", "a.tif", "RGB"),
        ("WEBP", "a.webp", "RGB"),
    ],
)
def test_picture_when_marked_twice_carries_two_marks_that_nobody_sees(
    client: Client, paint: Painter, kind: str, name: str, mode: str
) -> None:
    original = paint(kind, mode=mode)
    (first, one), (second, two) = client.marked(original, name), client.marked(original, name)
    assert len({original, one, two}) == 3
    assert (client.read(one), client.read(two), client.read(original)) == (first, second, None)
    assert (opened(one).format, opened(one).size) == (kind, opened(original).size)
    difference = ImageChops.difference(opened(one).convert("L"), opened(original).convert("L"))
    assert max(difference.tobytes()) <= 4


def test_mark_when_the_picture_is_saved_again_can_still_be_read(client: Client, paint: Painter) -> None:
    media, marked = client.marked(paint(size=(320, 240)))
    buffer = io.BytesIO()
    opened(marked).save(buffer, "JPEG", quality=85)
    assert client.read(buffer.getvalue()) == media


def test_picture_when_marked_keeps_what_it_says(client: Client, paint: Painter) -> None:
    exif = Image.Exif()
    exif[315] = "Mara Lindqvist"
    said = {"exif": exif.tobytes(), "icc_profile": b"profile" * 20, "comment": b"a comment"}
    _, marked = client.marked(paint(**said, xmp=b"<x:xmpmeta/>"))
    picture = opened(marked)
    assert picture.getexif()[315] == "Mara Lindqvist"
    assert {name: picture.info[name] for name in ("icc_profile", "comment", "xmp")} == {
        "icc_profile": said["icc_profile"], "comment": said["comment"], "xmp": b"<x:xmpmeta/>",
    }  # fmt: skip


def test_png_when_marked_keeps_its_profile(client: Client, paint: Painter) -> None:
    _, marked = client.marked(paint("PNG", icc_profile=b"profile" * 20), "a.png")
    assert opened(marked).info["icc_profile"] == b"profile" * 20


def test_film_when_marked_can_be_told(client: Client) -> None:
    film = b"\0\0\0\x18ftypqt  " + bytes(5000)
    media, marked = client.marked(film, "film.mov")
    assert marked.startswith(film)
    assert (client.read(marked), client.read(film)) == (media, None)


@pytest.mark.parametrize(
    ("data", "code"), [(b"no picture at all", "corrupt"), (None, "too_small")], ids=["corrupt", "too small"]
)
def test_picture_that_cannot_be_marked_fails_with_a_reason(
    client: Client, paint: Painter, data: bytes | None, code: str
) -> None:
    media = client.send(data or paint(size=(12, 12))).json()
    shown = client.api.get(f"/media/{media['id']}/").json()
    assert (shown["state"], shown["error_code"]) == ("failed", code)
    assert client.api.get(f"/media/{media['id']}/watermarked/").status_code == 409


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("other/photo.jpg", 400, id="outside the home directory"),
        pytest.param("acme/../photo.jpg", 400, id="dots"),
        pytest.param("acme/notes.txt", 415, id="unsupported type"),
    ],
)
def test_upload_to_a_wrong_path_is_refused(client: Client, paint: Painter, path: str, status: int) -> None:
    assert client.send(paint(), path=path).status_code == status


def test_upload_to_a_path_that_is_taken_is_refused(client: Client, paint: Painter) -> None:
    statuses = [client.send(paint(), path="acme/taken.jpg").status_code for _ in range(2)]
    assert statuses == [201, 409]


def test_upload_that_is_too_large_is_refused(client: Client, paint: Painter) -> None:
    client.control("settings", most_bytes=100)
    assert client.send(paint()).status_code == 413


def test_caller_without_or_with_a_revoked_key_is_refused(client: Client) -> None:
    url = f"{client.world.origins['imatag']}/api/v3/account/"
    assert httpx.get(url).json() == {"detail": "Authentication credentials were not provided."}
    client.control("revoke")
    answer = client.api.get("/account/")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})
    assert answer.headers["X-Request-Id"]


def test_oauth_application_gets_a_token_that_expires(client: Client) -> None:
    base = f"{client.world.origins['imatag']}/api/v3"
    form = {"grant_type": "client_credentials"}
    assert httpx.post(f"{base}/oauth/token/", data=form).status_code == 401
    token = httpx.post(f"{base}/oauth/token/", data=form, auth=(CLIENT_ID, CLIENT_SECRET)).json()[
        "access_token"
    ]
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{base}/account/", headers=headers).json()["homedirs"] == ["acme"]
    client.world.world.clock.advance(601)
    assert httpx.get(f"{base}/account/", headers=headers).status_code == 401


def test_caller_who_is_too_fast_is_told_to_wait(client: Client) -> None:
    client.control("settings", per_second=2)
    answers = [client.api.get("/account/") for _ in range(3)]
    assert answers[-1].status_code == 429
    assert answers[-1].headers["Retry-After"] == "1"


def test_list_when_longer_than_a_page_goes_on_at_an_address(client: Client, paint: Painter) -> None:
    for _ in range(3):
        client.send(paint(), asset="one")
    client.control("settings", page_size=2)
    query: dict[str, str | int] = {"directory": "acme/t", "metadata.asset": "one", "page_size": 100}
    first = client.api.get("/media/", params=query).json()
    second = client.api.get(first["next"]).json()
    assert (first["count"], len(first["media"]), len(second["media"]), second["next"]) == (3, 2, 1, None)
    assert second["previous"].startswith("http")


def test_metadata_when_patched_is_found_by_it(client: Client, paint: Painter) -> None:
    media = client.send(paint()).json()
    client.api.patch(f"/media/{media['id']}/", json={"metadata": {"asset": "patched"}})
    found = client.api.get("/media/", params={"metadata.asset": "patched"}).json()
    assert [each["id"] for each in found["media"]] == [media["id"]]


def test_marked_file_when_redirected_is_fetched_without_a_key(client: Client, paint: Painter) -> None:
    client.control("settings", redirect=True)
    media = client.send(paint()).json()
    address = client.api.get(f"/media/{media['id']}/watermarked/").headers["location"]
    assert httpx.get(address).status_code == 200
    assert httpx.get(address, headers={"Authorization": "x"}).status_code == 400
    client.world.world.clock.advance(301)
    assert httpx.get(address).status_code == 403


def test_slow_media_is_not_ready_until_its_time(client: Client, paint: Painter) -> None:
    client.control("settings", processing=100)
    media = client.send(paint()).json()
    assert media["state"] == "processing"
    client.world.world.clock.advance(101)
    assert client.api.get(f"/media/{media['id']}/").json()["state"] == "ready"


def test_scripted_failure_reaches_the_api(client: Client) -> None:
    client.world.world.faults.add(Fault("imatag", "GET /api/v3/account", status=503))
    assert [client.api.get("/account/").status_code for _ in range(2)] == [503, 200]


def test_marking_a_large_photograph_is_quick(client: Client, paint: Painter) -> None:
    data = paint(size=(2400, 1600))
    began = time.process_time()
    client.marked(data)
    assert time.process_time() - began < 10
