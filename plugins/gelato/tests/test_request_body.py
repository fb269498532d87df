from __future__ import annotations

import hashlib
import json

import pytest
from canaries import CANARY

from damlink import Content, Secret
from damlink.bynder import Asset
from damlink_gelato import backlink, transform
from damlink_gelato.request_body import ImportRequest, expiry
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File, Original

SETTINGS = GelatoSettings(tag="Print", api_key=Secret(CANARY), account_id="a-1")
CONTENT = Content.from_bytes(b"12345", "poster.pdf")
FILE = File(CONTENT, name="Poster", original=Original("9F2C", 3, 5, "poster.pdf"))
ORDER = ImportRequest(SETTINGS, "https://brand.bynder.com/", "0A1B", FILE)
FACTS = {
    "source": {
        "system": "bynder",
        "domain": "https://brand.bynder.com",
        "assetId": "0A1B",
        "itemId": "9F2C",
        "version": 3,
    },
    "name": "poster.pdf",
    "mimeType": "application/pdf",
    "size": 5,
    "folder": "DAM import",
}


def test_key_is_that_of_the_contract() -> None:
    assert ORDER.key == hashlib.sha256(b"a-1|0A1B|9F2C").hexdigest()


def test_body_says_what_the_contract_names() -> None:
    assert ORDER.by_address("https://bucket.example/x") == FACTS | {"fileUrl": "https://bucket.example/x"}


def test_form_says_the_same_as_text() -> None:
    form = ORDER.as_form()
    assert json.loads(form["source"]) == FACTS["source"]
    assert (form["size"], form["folder"]) == ("5", "DAM import")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://b.example/x?X-Amz-Date=20261122T095000Z&X-Amz-Expires=600", "2026-11-22T10:00:00Z"),
        ("https://b.example/x?Expires=1795341600&Signature=s", "2026-11-22T10:00:00Z"),
        ("https://b.example/x?X-Amz-Date=yesterday&X-Amz-Expires=600", None),
        ("https://b.example/x?X-Amz-Expires=600", None),
        ("https://b.example/x?Expires=99999999999999999999", None),
        ("https://b.example/x", None),
    ],
)
def test_expiry_is_told_if_the_address_says_it_itself(url: str, expected: str | None) -> None:
    assert expiry(url) == expected
    assert ORDER.by_address(url).get("fileUrlExpiresAt") == expected


# --- the original ----------------------------------------------------------------------------------


def asset(*items: dict[str, object], **fields: object) -> Asset:
    return Asset.read({"id": "0A1B", "name": "Poster", "mediaItems": list(items), **fields})


def test_original_is_the_active_one_and_else_the_newest() -> None:
    one, two = ({"id": str(n), "type": "original", "version": n, "fileName": f"{n}.pdf"} for n in (1, 2))
    web = {"id": "w", "type": "web", "version": 3, "active": 1}
    assert transform.original(asset(one | {"active": 1}, two, web)) == Original("1", 1, 0, "1.pdf")
    assert transform.original(asset(one, two, web)) == Original("2", 2, 0, "2.pdf")
    assert transform.original(asset(web)) is None


def test_original_without_name_or_size_takes_those_of_its_asset() -> None:
    item = {"id": "1", "type": "original", "version": "1", "active": "1"}
    found = transform.original(asset(item, fileSize="77", extension=["tif"]))
    assert found == Original("1", 1, 77, "Poster.tif")
    assert found.media_type == "image/tiff"


# --- where a link may lead -------------------------------------------------------------------------

HOSTS = ("gelato.com", "*.gelato.com", "127.0.0.1:9000")


@pytest.mark.parametrize(
    "link",
    [
        "https://gelato.com/c/1",
        "https://checkout.GELATO.com/c/1?x=y#z",
        "https://a.b.gelato.com/",
        "https://127.0.0.1:9000/c/1",
    ],
)
def test_link_to_a_known_host_may_be_written(link: str) -> None:
    assert backlink.is_allowed(link, HOSTS)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "gelato.com",
        "/c/1",
        "http://gelato.com/c/1",
        "javascript:alert(1)//gelato.com",
        "https://evilgelato.com/",
        "https://gelato.com.evil.example/",
        "https://gelato.com@evil.example/",
        "https://me:you@gelato.com/",
        "https://evil.example/gelato.com",
        "https://evil.example\\@gelato.com/",
        "https://gelato.com:8443/",
        "https://127.0.0.1/c/1",
        "https://127.0.0.1:9001/c/1",
        "https://gelato.com\x00.evil.example/",
        "https://[::1",
    ],
)
def test_link_to_anywhere_else_may_not(link: str) -> None:
    assert not backlink.is_allowed(link, HOSTS)
