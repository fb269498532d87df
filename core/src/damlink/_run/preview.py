"""Preview of an asset in the portal: a thumbnail, fetched through the portal's client and within its pace."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

import attrs
import httpx

from damlink._http.fetch import fetch
from damlink._http.origin import origin_of
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._system.waiting import Verify
from damlink.errors import ConnectorError, TransientError

__all__ = ["MOST_BYTES", "SECONDS", "Preview", "fetch_preview"]

MOST_BYTES: Final = 2 * 1024 * 1024
SECONDS: Final = 10.0
# The names that every portal has, a small picture first.
# Source: Bynder's published definitions (asset object).
_NAMES: Final = ("thul", "webimage", "mini")


@attrs.frozen
class Preview:
    """A picture: its media type, and its bytes."""

    media_type: str
    content: bytes


def fetch_preview(session: Session, name: str, source_id: str, seconds: float = SECONDS) -> Preview:
    """Return a thumbnail of what a connector has uploaded to its portal for a source asset.

    Both requests take a permit of the pace. The thumbnail is requested without credentials, and from its
    address alone: a redirect is an error.

    Args:
        seconds: after which no further request is sent, and the download of the thumbnail ends.

    Raises:
        DamlinkError: there is none, or it is no picture of at most 2 MiB.
    """
    verify = _end_at(time.monotonic() + seconds)
    portal = session.open_portal(session.config.connector(name).portal, verify)
    asset = portal.assets.get(_find_target(session, name, source_id))
    address = _choose_address(asset.thumbnails, httpx.URL(portal.url))
    with session.pace.permit(verify):
        verify()
        content = fetch(address, most_bytes=MOST_BYTES, seconds=seconds)
    return Preview(_read_media_type(content), content)


def _end_at(deadline: float) -> Verify:
    def verify() -> None:
        if time.monotonic() > deadline:
            raise TransientError("the preview takes too long")

    return verify


def _find_target(session: Session, name: str, source_id: str) -> str:
    """Return the id of an asset in the portal.

    Raises:
        ConnectorError: nothing was uploaded for it.
    """
    row = Ledger(session.database, name).find([source_id]).get(source_id)
    target = row.previous.target_id if row and row.previous else ""
    # Else the target is that of a partner, and the id says nothing to the portal.
    if not target or not session.load_plugin(name).about.uploads:
        raise ConnectorError(f"{name} has uploaded nothing for {source_id!r}")
    return target


def _choose_address(thumbnails: Mapping[str, str], portal: httpx.URL) -> str:
    """Return the address of a thumbnail: https, or of the portal's own origin."""
    for each in (thumbnails[name] for name in _NAMES if thumbnails.get(name)):
        try:
            url = httpx.URL(each)
        except (httpx.InvalidURL, TypeError) as error:
            raise ConnectorError("the address of the thumbnail is invalid") from error
        if url.host and (url.scheme == "https" or origin_of(url) == origin_of(portal)):
            return each
    raise ConnectorError("the portal names no thumbnail")


def _read_media_type(content: bytes) -> str:
    """Return the media type by the first bytes: what the answer says of itself is not trusted.

    Raises:
        ConnectorError: it is none of the allowed pictures.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise ConnectorError("the thumbnail is no JPEG, PNG, WebP or GIF")
