"""Assets of a tag or a collection, which the same two requests add and remove."""

from __future__ import annotations

from collections.abc import Sequence

from damlink._http.client import Client
from damlink.bynder._fields import batches, json_data
from damlink.bynder._request import remove

__all__ = ["put_assets", "take_assets"]


def put_assets(client: Client, path: str, ids: Sequence[str]) -> None:
    """Add assets to the tag or collection at a path. Safe to repeat."""
    client.post(path, data=json_data([*ids]), idempotent=True)


def take_assets(client: Client, path: str, ids: Sequence[str]) -> None:
    """Remove assets from the tag or collection at a path."""
    # The ids are part of the address, the length of which is limited.
    for lot in batches(ids):
        remove(client, path, params={"deleteIds": ",".join(lot)})
