from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest


def test_store_when_right_answers_201_in_xml(client: Any) -> None:
    answer = client.begin().store(b"x")
    assert answer.status_code == 201
    assert "<PostResponse><Location>" in answer.text


def test_store_when_signed_is_refused(client: Any) -> None:
    begun = client.begin()
    headers = {"Authorization": "Bearer x"}
    answer = client.storage.post("/", data=begun.fields(1), files={"file": ("a", b"x")}, headers=headers)
    assert (answer.status_code, "InvalidArgument" in answer.text) == (400, True)


@pytest.mark.parametrize("name", ["Policy", "acl", "x-amz-date", "Content-Type", "key", "Filename", "chunk"])
def test_store_when_a_field_is_not_verbatim_is_refused(client: Any, name: str) -> None:
    begun = client.begin()
    assert begun.store(b"x", **{name: "other"}).status_code == 403
    assert begun.register().status_code == 500


@pytest.mark.parametrize("name", ["Policy", "name", "chunks"])
def test_store_when_a_field_is_missing_is_refused(client: Any, name: str) -> None:
    fields = client.begin().fields(1)
    del fields[name]
    assert client.storage.post("/", data=fields, files={"file": ("a", b"x")}).status_code == 403


def test_store_when_file_is_not_last_lacks_what_follows(client: Any) -> None:
    fields = {name: (None, value) for name, value in client.begin().fields(1).items()}
    answer = client.storage.post("/", files={"file": ("a", b"x"), **fields})
    assert answer.status_code == 400


def test_store_when_policy_has_expired_is_refused(client: Any) -> None:
    client.control("settings", policy_seconds=60)
    begun = client.begin()
    client.advance(61)
    assert "Policy expired" in begun.store(b"x").text


def test_store_when_length_is_unknown_is_refused(client: Any) -> None:
    def body() -> Iterator[bytes]:
        yield b"--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    assert client.storage.post("/", content=body(), headers=headers).status_code == 411


def test_store_when_repeated_keeps_the_last(client: Any) -> None:
    begun = client.begin()
    begun.store(b"one")
    begun.store(b"two")
    begun.register()
    client.control("lag", conversion=0)
    client.save(begun.finalise().json()["importId"])
    url = client.portal.get(f"/api/v4/media/{client.state()['assets'][0]['id']}/download").json()["s3_file"]
    assert client.storage.get(url).content == b"two"


@pytest.mark.parametrize(
    ("asked", "status", "body", "shown"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_download_when_a_range_is_asked_gives_it(
    client: Any, asked: str, status: int, body: bytes, shown: str | None
) -> None:
    url = _url(client, b"0123456789")
    answer = client.storage.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content, answer.headers.get("content-range")) == (status, body, shown)


def test_download_when_the_validator_differs_gives_all(client: Any) -> None:
    url = _url(client, b"0123456789")
    headers = {"Range": "bytes=5-", "If-Range": '"other"'}
    assert client.storage.get(url, headers=headers).status_code == 200


def test_download_when_signed_or_expired_is_refused(client: Any) -> None:
    url = _url(client, b"x")
    signed = client.storage.get(url, headers={"Authorization": "Bearer x"})
    client.advance(3600)
    assert (signed.status_code, client.storage.get(url).status_code) == (400, 403)


def _url(client: Any, data: bytes) -> str:
    answer: httpx.Response = client.portal.get(f"/api/v4/media/{client.saved(data)}/download/")
    return str(answer.json()["s3_file"])
