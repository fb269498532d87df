"""Assets of the asset bank.

Source: api.bynder.com, "Assets": list, retrieve, modify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from damlink._http import Client
from damlink.bynder._request import get_json
from damlink.bynder._wire import Asset

__all__ = ["Assets"]

PAGE: Final = 1000  # the most that the portal gives at once


class Assets:
    """The portal's assets."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, *, limit: int = PAGE, **filters: Any) -> Iterator[Asset]:
        """Yield the assets that pass the filters, page by page, until a page is not full.

        Args:
            limit: assets asked for at once, at most 1000.
            filters: in Bynder's own names: `tags`, `type`, `dateCreated`, `property_NAME`, `orderBy`, …
        """
        page = 1
        while assets := self._page(filters | {"page": page, "limit": limit}):
            yield from assets
            if len(assets) < limit:
                return
            page += 1

    def _page(self, query: Mapping[str, Any]) -> Sequence[Asset]:
        answer = get_json(self._client, "/api/v4/media/", **query)
        records = answer.get("media", []) if isinstance(answer, dict) else answer
        return [Asset.read(record) for record in records or ()]

    def get(self, id: str, *, versions: bool = False) -> Asset:  # noqa: A002 - Bynder's own term
        """One asset.

        Args:
            versions: with every file it has: versions, derivatives, additionals.

        Raises:
            BynderError: status 404: there is none, or it is in the waiting room.
        """
        return Asset.read(get_json(self._client, f"/api/v4/media/{id}/", versions=int(versions)))

    def modify(self, id: str, **fields: str) -> None:  # noqa: A002
        """Change an asset's fields; what is not given stays. Safe to repeat.

        Args:
            fields: in Bynder's own names: `name`, `description`, `tags` (replaces all), …;
                `metaproperty.ID` by `**{…}`.
        """
        self._client.post(f"/api/v4/media/{id}/", data=fields, idempotent=True)
