"""Detection of error pages in place of files: they often have status 200."""

from __future__ import annotations

import codecs
import mimetypes
import re
from collections.abc import Iterator
from typing import Final

from damlink.errors import TransientError

__all__ = ["WrongKindError", "check_kind"]

HEAD_BYTES: Final = 512
_MEDIA: Final = ("image/", "video/", "audio/", "font/")
_OTHERS: Final = frozenset({"application/pdf", "application/postscript", "application/zip"})
_WORD: Final = {"image/": "an image", "video/": "a video", "audio/": "a sound", "font/": "a font"}
_HTML: Final = re.compile(rb"<(!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)
_JSON: Final = re.compile(rb'(\{\s*("|\})|\[\s*(\{|\]))')
_XML: Final = re.compile(rb"<(\?xml\s|[a-z_][\w:.-]*(\s+xmlns|>))", re.IGNORECASE)
# The first element after the declaration; comments and a DOCTYPE may precede it.
_ROOT: Final = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_ERROR_ROOTS: Final = frozenset({b"error", b"errorresponse", b"html"})
_DOCUMENTS: Final = frozenset(
    {"text/html", "application/xhtml+xml", "application/json", "application/problem+json"}
    | {"text/xml", "application/xml"}
)
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a]")


class WrongKindError(TransientError):
    """The source sent something else in place of the file, such as an error page."""


def check_kind(
    pieces: Iterator[bytes], filename: str, media_type: str = "", said: str = ""
) -> Iterator[bytes]:
    """Yield the same bytes, unless their beginning contradicts the announced kind of file.

    Args:
        pieces: the file from its beginning.
        filename: its extension announces the kind, unless `media_type` does.
        media_type: the announced media type.
        said: the media type in the answer.

    Raises:
        WrongKindError: they are an HTML page, or an XML or JSON document, instead of media. Unknown kinds
            pass.
    """
    head = b""
    try:
        for piece in pieces:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
    except Exception:
        # Yield the bytes received so far: the caller continues after them.
        _check(head, filename, media_type, said)
        if head:
            yield head
        raise
    _check(head, filename, media_type, said)
    if head:
        yield head
    yield from pieces


def _check(head: bytes, filename: str, media_type: str, said: str) -> None:
    if _is_binary(head[:HEAD_BYTES]):
        # Ordinary media: their extension does not matter, and to look it up is slow the first time.
        return
    announced = media_type or mimetypes.guess_type(filename, strict=False)[0] or ""
    found = _document(head[:HEAD_BYTES], announced, said.partition(";")[0].strip().lower())
    if found:
        wanted = next((word for kind, word in _WORD.items() if announced.startswith(kind)), "a file")
        message = f"{filename or 'the file'}: {found} came from its source in place of {wanted}"
        hint = "open the file at its source; once that shows it, retry the asset"
        raise WrongKindError(message, hint=hint)


def _is_binary(head: bytes) -> bool:
    """Return whether the bytes are no document of any kind, whatever was announced."""
    text = _without_mark(head)
    is_document = any(kind.match(text) for kind in (_HTML, _XML, _JSON))
    return bool(_CONTROL.search(head)) and not is_document


def _without_mark(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def _document(head: bytes, announced: str, said: str) -> str:
    """Return the kind of document found in place of media; empty if it may be the announced kind."""
    if not announced.startswith(_MEDIA) and announced not in _OTHERS:
        return ""
    text = _without_mark(head)
    if _HTML.match(text):
        return "an HTML page"
    if announced.endswith("+xml"):
        return "an error in XML" if _root(text) in _ERROR_ROOTS else ""
    if _XML.match(text):
        return "an XML document"
    if _JSON.match(text):
        return "a JSON document"
    if announced.startswith(_MEDIA) and said in _DOCUMENTS and _is_text(head):
        return f"a text ({said})"
    return ""


def _root(text: bytes) -> bytes:
    match = _ROOT.search(text)
    return match[1].rpartition(b":")[2].lower() if match else b""


def _is_text(head: bytes) -> bool:
    """Return whether the bytes are text; the last character may be incomplete."""
    if not head or _CONTROL.search(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
