"""The assets of a tag or a collection: put there and taken away by the same two requests."""

from __future__ import annotations

import json
from collections.abc import Sequence

from damlink._http.client import Client
from damlink.bynder._fields import batches
from damlink.bynder._request import remove

__all__ = ["put_assets", "take_assets"]


def put_assets(client: Client, path: str, ids: Sequence[str]) -> None:
    """Put assets where a path leads. Safe to repeat."""
    client.post(path, data={"data": json.dumps([*ids])}, idempotent=True)


def take_assets(client: Client, path: str, ids: Sequence[str]) -> None:
    """Take assets away from where a path leads."""
    for lot in batches(ids):
        remove(client, path, params={"deleteIds": ",".join(lot)})
