"""A token endpoint: short-lived access tokens, and refresh tokens of which each can be used once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import attrs
from simulation.answers import Answer

__all__ = ["TokenServer"]


@attrs.define
class TokenServer:
    """The token endpoint of one client.

    Args:
        clock: the virtual clock.
        life: seconds of an access token.
        is_strict: a refresh token that is used twice ends the grant, as RFC 9700 (4.14.2) recommends.
        has_refresh: it gives refresh tokens.
        rotates: each refresh brings another refresh token; else the first one stays good.
        needs_consent: only a person's consent begins a grant; else the client's secret or a password does.

    Attributes:
        refresh: the refresh token that is good now; empty if a person must sign in.
        issued: every refresh token that was ever issued.
    """

    clock: Callable[[], float]
    life: float
    is_strict: bool = True
    has_refresh: bool = True
    needs_consent: bool = True
    rotates: bool = True
    refresh: str = ""
    issued: list[str] = attrs.field(factory=list)
    count: int = 0
    _good: dict[str, float] = attrs.field(factory=dict)
    _numbers: Any = attrs.field(factory=lambda: itertools.count(1))

    def sign_in(self) -> str:
        """Return the refresh token of a new consent."""
        self.refresh = self._issue()
        return self.refresh

    def revoke(self) -> None:
        """End all access tokens before their time."""
        self._good.clear()

    def is_valid(self, header: str) -> bool:
        """Return whether an access token is good now."""
        return self._good.get(header.removeprefix("Bearer "), 0.0) > self.clock()

    def answer(self, fields: dict[str, str]) -> Answer:
        """Answer a token request."""
        self.count += 1
        access = f"access-{next(self._numbers)}"
        body = {"access_token": access, "token_type": "Bearer", "expires_in": self.life}
        if fields.get("grant_type") == "refresh_token":
            if fields["refresh_token"] != self.refresh:
                if self.is_strict and fields["refresh_token"] in self.issued:
                    self.refresh = ""
                    self.revoke()
                return Answer(400, {"error": "invalid_grant"})
        elif self.needs_consent:
            return Answer(400, {"error": "unauthorized_client"})
        is_refresh = fields.get("grant_type") == "refresh_token"
        if self.has_refresh and (self.rotates or not is_refresh):
            self.refresh = body["refresh_token"] = self._issue()
        self._good[access] = self.clock() + self.life
        return Answer(200, body)

    def _issue(self) -> str:
        token = f"refresh-{next(self._numbers)}"
        self.issued.append(token)
        return token
