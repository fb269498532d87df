"""Auth with a token that never changes."""

from __future__ import annotations

from collections.abc import Generator

import httpx

from damlink._secret import Secret

__all__ = ["BearerAuth"]


class BearerAuth(httpx.Auth):
    """Auth with a permanent token in the `Authorization` header."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token to a request."""
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request
