from __future__ import annotations

from collections.abc import Iterator

import pytest

from damlink import Content
from damlink._http.client import Client
from damlink._http.media_kind import WrongKindError, check_kind

HTML = b"<!DOCTYPE html>\n<html><body>Sign in</body></html>"
XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
JSON = b'{"message": "no Route matched"}'
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


def said(data: bytes, filename: str, media_type: str = "", size: int = 1 << 20) -> bytes:
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return b"".join(check_kind(pieces, filename, said=media_type))


WRONG = {
    "an HTML page": (HTML, "beach.jpg", ""),
    "an HTML page behind a mark and blanks": (b"\xef\xbb\xbf \r\n<HTML>", "film.mov", ""),
    "an HTML page for a drawing": (HTML, "drawing.svg", ""),
    "an HTML page for a PDF": (HTML, "leaflet.pdf", ""),
    "an HTML page for an EPS": (HTML, "drawing.eps", ""),
    "an XML error": (XML, "beach.jpg", "application/xml"),
    "an XML error without a declaration": (b"<Error><Code>x</Code></Error>", "film.mp4", ""),
    "an XML error for a drawing": (XML, "drawing.svg", ""),
    "a JSON error": (JSON, "beach.png", "application/json"),
    "a list in JSON": (b'[{"status": 400}]', "sound.mp3", ""),
    "a text that is called HTML": (b"Please sign in", "beach.jpg", "text/html; charset=utf-8"),
    "a text that is called JSON": (b"null", "beach.tif", "application/json"),
}


@pytest.mark.parametrize("size", [7, 1 << 20], ids=["in small pieces", "at once"])
@pytest.mark.parametrize(("data", "filename", "media_type"), WRONG.values(), ids=WRONG)
def test_checked_when_a_document_comes_in_place_of_media_says_so(
    data: bytes, filename: str, media_type: str, size: int
) -> None:
    with pytest.raises(WrongKindError, match=f"^{filename}: .* came from its source in place of"):
        said(data, filename, media_type, size)


RIGHT = {
    "a picture": (JPEG, "beach.jpg", "image/jpeg"),
    "a picture that is called HTML": (JPEG, "beach.jpg", "text/html"),
    "a picture of another kind": (b"\x89PNG\r\n", "beach.jpg", "image/png"),
    "a drawing": (SVG, "drawing.svg", "image/svg+xml"),
    "a drawing behind a declaration": (b'<?xml version="1.0"?><!DOCTYPE svg>' + SVG, "drawing.svg", ""),
    "a drawing that is called XML": (SVG, "drawing.svg", "text/xml"),
    "an EPS": (b"%!PS-Adobe-3.0 EPSF-3.0", "drawing.eps", "text/html"),
    "a page that was announced": (HTML, "page.html", "text/html"),
    "a document that was announced": (JSON, "data.json", "application/json"),
    "a kind that is not known": (HTML, "a.unheardof", ""),
    "no extension": (HTML, "download", ""),
    "a picture in text": (b"P3\n1 1\n255\n0 0 0", "beach.ppm", "text/plain"),
    "any text": (b"sand", "beach.jpg", ""),
    "nothing": (b"", "beach.jpg", "text/html"),
    "nothing but a bracket": (b"<", "beach.jpg", ""),
}


@pytest.mark.parametrize("size", [7, 1 << 20], ids=["in small pieces", "at once"])
@pytest.mark.parametrize(("data", "filename", "media_type"), RIGHT.values(), ids=RIGHT)
def test_checked_when_it_may_be_what_was_announced_lets_every_byte_through(
    data: bytes, filename: str, media_type: str, size: int
) -> None:
    whole = data + bytes(2000)
    assert said(whole, filename, media_type, size) == whole
    assert said(data, filename, media_type, size) == data


def test_checked_when_the_connection_breaks_early_gives_what_has_come_first() -> None:
    def broken() -> Iterator[bytes]:
        yield JPEG
        raise ConnectionError

    pieces = check_kind(broken(), "beach.jpg")
    assert next(pieces) == JPEG
    with pytest.raises(ConnectionError):
        next(pieces)


@pytest.mark.parametrize(("data", "filename", "media_type"), WRONG.values(), ids=WRONG)
def test_content_when_its_address_serves_a_document_raises_it(
    partner: Client, server: object, data: bytes, filename: str, media_type: str
) -> None:
    server.always(200, data, headers={"Content-Type": media_type})  # type: ignore[attr-defined]
    with pytest.raises(WrongKindError):
        b"".join(Content.from_url(partner, f"/{filename}").open())
