"""A portal with short-lived access tokens, and refresh tokens that two processes may renew at once."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
from simulation.answers import Answer, read_fields
from simulation.parts.part import Stage
from simulation.parts.source import SourcePart
from simulation.tasks import Process, SimulationError
from simulation.tokens import TokenServer

__all__ = ["TokensPart"]

_QUERY: Final = "SELECT name, sealed FROM credential WHERE name LIKE 'token:%' AND sealed IS NOT NULL"
_PATH: Final = "/token"


class TokensPart(SourcePart):
    """The simulation's plugin, on a portal with OAuth 2.0.

    Attributes:
        kept: every refresh token that was ever stored.
        received: process and refresh token of each answer that came back whole.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        dice = stage.dice
        self._needs_consent = dice.random() < 0.7
        self.server = TokenServer(
            lambda: stage.scheduler.now,
            life=dice.choice((20.0, 120.0, 3600.0)),
            is_strict=dice.random() < 0.5,
            has_refresh=self._needs_consent or dice.random() < 0.5,
            needs_consent=self._needs_consent,
        )
        stage.portal.tokens = self.server
        stage.auditor.commit_checks.append(self._note_stored)
        self.kept: set[str] = set()
        self.received: list[tuple[Process | None, str]] = []
        self._is_signed_out = False
        self._unanswered = 0
        self._renewing: list[Process] = []

    def portal_auth(self) -> str:
        """Return the lines of the portal's table that sign requests."""
        way = "oauth2-code" if self._needs_consent else "oauth2-client-credentials"
        return f'auth = "{way}"\nclient_id = "client"\nclient_secret = {{ env = "TOKEN" }}'

    # --- people ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Sign in, as `damlink login` does."""
        if self._needs_consent:
            self._sign_in()

    def run_last(self) -> None:
        """Sign in if the connector has asked for it, then run."""
        if self._is_signed_out:
            self._sign_in()
        super().run_last()

    def change(self, kind: str) -> None:
        """End all access tokens, or what else happens."""
        if kind == "revoked":
            self.server.revoke()
        else:
            super().change(kind)

    def _sign_in(self) -> None:
        from damlink._config.load import load
        from damlink._http.token import Token
        from damlink._run.session import Session
        from damlink._secret import Secret

        self._is_signed_out = False
        with Session(load(self.stage.folder / "damlink.toml")) as session:
            auth: Any = session.portal_auth("brand")
            auth.custody.save(Token(Secret("none"), 0.0, Secret(self.server.sign_in())))

    def on_report(self, name: str, report: Any) -> None:
        """Note that a person must sign in; this must be true, and explained by a fault."""
        error = getattr(report, "error", report)
        if error is None or "damlink login" not in f"{error} {getattr(error, 'hint', '')}":
            return
        self._is_signed_out = True
        # Without a whole answer the connector cannot know whether its token is still good.
        if self._unanswered == 0 and self.server.refresh and self.stored() == self.server.refresh:
            raise SimulationError("a person is asked to sign in, and the stored grant is good")
        if self._unanswered == 0 and all(token in self.kept for _, token in self.received):
            raise SimulationError("the grant is lost, and every answer came and was stored")

    # --- the truth ---------------------------------------------------------------------------------

    def is_once(self, request: httpx.Request) -> bool:
        """Return whether a request must never be repeated blindly: a refresh token is good for one."""
        return request.url.path.endswith(_PATH) or super().is_once(request)

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """A refresh token that was replaced must never be sent again."""
        sent = read_fields(request, body).get("refresh_token") if request.url.path.endswith(_PATH) else None
        stored = self.stored() if sent else None
        if sent is None:
            return
        self._unanswered += 1
        others = [each for each in self._renewing if not each.is_crashed]
        # The lock of a frozen process is taken over in the end.
        if others and "freeze" not in self.stage.plan.struck:
            raise SimulationError(f"{process} renews the token while {others[0]} does")
        if process is not None:
            self._renewing.append(process)
        if stored is not None and stored != sent:
            raise SimulationError(f"{process} sent {sent}, and {stored} was stored before")

    def on_over(self, process: Process | None, request: httpx.Request) -> None:
        """Note that a renewal is over."""
        if request.url.path.endswith(_PATH) and process in self._renewing:
            self._renewing.remove(process)

    def on_answered(
        self, process: Process | None, request: httpx.Request, body: bytes, answer: Answer
    ) -> None:
        """Note the refresh tokens that have come back whole."""
        if not request.url.path.endswith(_PATH):
            return
        if "refresh_token" in read_fields(request, body):
            self._unanswered -= 1
        if "refresh_token" in (answer.body or {}):
            self.received.append((process, answer.body["refresh_token"]))

    def stored(self) -> str | None:
        """Return the refresh token in the database."""
        from damlink._secrets.crypto import Cipher
        from damlink._secrets.key import find_key
        from damlink._state.sealed import credential_name

        for name, sealed in self.stage.auditor.query(_QUERY):
            cipher = Cipher(*find_key(self.stage.folder, str))
            refresh: str | None = json.loads(cipher.open(sealed, credential_name(name)))["refresh"]
            return refresh
        return None

    def _note_stored(self, _process: Process | None, tables: set[str]) -> None:
        if "credential" in tables and (refresh := self.stored()):
            self.kept.add(refresh)

    def check_end(self) -> None:
        """Every refresh token that came back to a process that lived on was stored."""
        if {"database locked", "disk full", "disk error"}.intersection(self.stage.plan.struck):
            return
        newest = max((self.server.issued.index(each) for each in self.kept), default=-1)
        for process, token in self.received:
            is_over = process is None or process.is_crashed or token in self.kept
            if not is_over and self.server.issued.index(token) > newest:
                raise SimulationError(f"{process} received {token} and did not store it")
