"""The session of one request, with what the console keeps between requests."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink._config.load import Config
from damlink._config.watch import Signature, signature_of
from damlink._console.jobs import Jobs
from damlink._console.roles import CONSENT_RETURN, Visitor
from damlink._console.sessions import Sessions
from damlink._run.session import Session
from damlink._run.sign_in import signs_in
from damlink._state.access import OWNER
from damlink._state.causes import Causes
from damlink._state.rows import NOT_CARRIED, RowState
from damlink._state.search import Cause
from damlink._state.users import Role
from damlink.errors import ConfigError

__all__ = ["Desk", "SignIns", "Texts"]

MOST_TEXTS: Final = 50


class Texts:
    """The configs that forms have shown, by digest: a form that comes back is compared with its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def keep(self, text: str) -> str:
        """Keep a text; return its digest."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self._lock:
            self._texts[digest] = self._texts.pop(digest, text)
            while len(self._texts) > MOST_TEXTS:
                del self._texts[next(iter(self._texts))]
        return digest

    def find(self, digest: str) -> str:
        """Return a text that was kept.

        Raises:
            ConfigError: it was not kept, or is forgotten.
        """
        with self._lock:
            if digest in self._texts:
                return self._texts[digest]
        raise ConfigError("", "this form is too old", hint="open it again")


class SignIns:
    """The connectors that a person signs in at, for one version of the config.

    To know it, the plugin and its secrets are opened, which takes too long for each view of a page.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version: Signature = None
        self._known: dict[str, bool] = {}

    def needs(self, session: Session, connector: str) -> bool:
        """Return whether a connector needs a person's consent; false where it cannot be opened."""
        version = signature_of(session.config.path)
        with self._lock:
            if version != self._version:
                self._version, self._known = version, {}
            known = self._known
        if (found := known.get(connector)) is None:
            found = signs_in(session, connector, is_portal=False)
            if found is not None:
                known[connector] = found
        return bool(found)


class Desk(Session):
    """A session that shares database and pace with that of the console.

    Attributes:
        jobs: the commands that the console has started.
        texts: the configs that its forms have shown.
        visitor: the sender of the request.
        origin: the address of the console, as the sender has reached it.
        noted: what the audit log says of a form instead of its fields.
        subject: of that entry, if another one than the form names.
    """

    def __init__(
        self,
        config: Config,
        base: Session,
        jobs: Jobs,
        texts: Texts,
        causes: Causes | None = None,
        *,
        sign_ins: SignIns | None = None,
        sessions: Sessions | None = None,
        visitor: Visitor | None = None,
        origin: str = "",
    ) -> None:
        super().__init__(config, database=base.database, pace=base.pace)
        self.jobs, self.texts, self._causes = jobs, texts, causes or Causes()
        self._sign_ins = sign_ins or SignIns()
        self.sessions = sessions or Sessions(base)
        self.visitor = visitor or Visitor(OWNER, Role.ADMINISTRATOR)
        self.origin = origin
        self.noted: Mapping[str, Any] | None = None
        self.subject = ""

    @property
    def consent_redirect_url(self) -> str:
        """The address that answers of consent pages come to, as the sender has reached the console."""
        return f"{self.origin}{CONSENT_RETURN}"

    def note(self, subject: str, details: Mapping[str, Any]) -> None:
        """Say what the audit log says of a form."""
        self.subject, self.noted = subject, details

    def signs_in(self, connector: str) -> bool:
        """Return whether a connector needs a person's consent; false where it cannot be opened."""
        return self._sign_ins.needs(self, connector)

    def causes(self, connector: str, limit: int, states: Sequence[RowState] = NOT_CARRIED) -> list[Cause]:
        """Return why assets were not carried, the most frequent causes first."""
        return self._causes.read(self.database, connector, limit, states)
