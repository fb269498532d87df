"""Body of an import: the file, its address, and its target. No I/O.

Source: assumed; see docs/reference/assumptions.md, and docs/how-to/gelato.md for the whole contract.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from damlink import parse_url
from damlink_gelato.settings import GelatoSettings
from damlink_gelato.transform import File, idempotency_key

__all__ = ["ImportRequest", "expiry"]


@attrs.frozen
class ImportRequest:
    """Request to import one original into a Gelato account.

    Attributes:
        domain: the portal's address.
    """

    settings: GelatoSettings
    domain: str
    asset_id: str
    file: File

    @property
    def key(self) -> str:
        """Return the idempotency key."""
        return idempotency_key(self.settings.account_id, self.asset_id, self.file.original.item_id)

    def fields(self) -> dict[str, Any]:
        """Return all fields of the request but the address of the file."""
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
        """Return the body of a request to fetch the file from an address."""
        ends = expiry(url)
        return self.fields() | {"fileUrl": url} | ({"fileUrlExpiresAt": ends} if ends else {})

    def as_form(self) -> dict[str, str]:
        """Return the fields of a form beside the file; values other than text as JSON (assumed)."""
        return {name: _text(value) for name, value in self.fields().items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def expiry(url: str) -> str | None:
    """Return the end of a signed address if the address contains it; ISO 8601, UTC.

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
