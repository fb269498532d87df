"""Base of the classes that call one part of the portal's API."""

from __future__ import annotations

from damlink._http.client import Client

__all__ = ["Resource"]


class Resource:
    """One part of the portal's API."""

    def __init__(self, client: Client) -> None:
        self._client = client
