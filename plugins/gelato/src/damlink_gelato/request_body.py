"""What an import says: which file, where it is fetched, where it goes. Nothing is sent here.

Source: assumed; see docs/reference/assumptions.md, and docs/how-to/gelato.md for the whole of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from damlink import Content, parse_url
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File, idempotency_key

__all__ = ["ContentFile", "Order", "expiry"]


@attrs.frozen
class Order:
    """One original on its way into a Gelato account.

    Attributes:
        domain: the portal's address.
    """

    settings: GelatoSettings
    domain: str
    asset_id: str
    file: File

    @property
    def key(self) -> str:
        """The idempotency key."""
        return idempotency_key(self.settings.account_id, self.asset_id, self.file.original.item_id)

    def fields(self) -> dict[str, Any]:
        """All that is said of the file but where it is."""
        original = self.file.original
        fields = {
            "source": {
                "system": "bynder",
                "domain": self.domain.rstrip("/"),
                "assetId": self.asset_id,
                "itemId": original.item_id,
                "version": original.version,
            },
            "name": original.filename,
            "mimeType": original.media_type,
            "folder": self.settings.folder,
        }
        return fields | ({"size": original.size} if original.size else {})

    def by_address(self, url: str) -> dict[str, Any]:
        """The body of a request to fetch the file."""
        ends = expiry(url)
        return self.fields() | {"fileUrl": url} | ({"fileUrlExpiresAt": ends} if ends else {})

    def as_form(self) -> dict[str, str]:
        """The fields of a form beside the file itself; what is no text, as JSON (assumed)."""
        return {name: _text(value) for name, value in self.fields().items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def expiry(url: str) -> str | None:
    """When a signed address ends, if it says so itself; ISO 8601, UTC.

    Source: Amazon S3, "Authenticating requests: query parameters" (both versions of the signature).
    """
    query: Mapping[str, str] = parse_url(url).params
    try:
        if "X-Amz-Expires" in query:
            begin = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            end = begin + timedelta(seconds=int(query["X-Amz-Expires"]))
        else:
            end = datetime.fromtimestamp(int(query["Expires"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


class ContentFile:
    """A content as the file that a form is built from: read in pieces, and again from its beginning."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._pieces: Iterator[bytes] = iter(())

    def read(self, _count: int = -1) -> bytes:
        """The next piece, of whatever length; empty at the end."""
        return next(filter(None, self._pieces), b"")

    def tell(self) -> int:
        """Only asked for on the way to learn the size."""
        return 0

    def seek(self, _offset: int, whence: int = os.SEEK_SET) -> int:
        """To the beginning; or tell the size, for the form's announced length.

        Raises:
            OSError: nobody knows the size.
        """
        if whence == os.SEEK_END:
            if self._content.size is None:
                raise OSError("the size is unknown")
            return self._content.size
        self._pieces = self._content.open()
        return 0
