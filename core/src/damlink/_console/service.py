"""The console as a part of `damlink serve`, on an address of its own."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Final

from damlink._console.address import find_hosts, parse_any_address, verify_exposure
from damlink._console.server import BACKLOG, Console
from damlink._run.session import Session
from damlink._serve.http_server import listen
from damlink._serve.service import OneThread
from damlink._state.users import Role, Users
from damlink.errors import ConfigError

__all__ = ["ConsoleService"]

HINT: Final = "set another [console] listen, or end what listens there"


class ConsoleService(OneThread):
    """The pages of the console in a thread of their own.

    It listens from the beginning, so that an address that cannot be used is the error of the command.

    Raises:
        ConfigError: it would be reached from elsewhere, and lacks what that needs; or it cannot listen.
    """

    def __init__(self, session: Session, *, on_listening: Callable[[str], None]) -> None:
        super().__init__("console", self._serve, keeps_process=True)
        settings, place = session.config.console, f"{session.config.path}: console"
        exposed = verify_exposure(settings, place, has_users=_has_administrator(session))
        if session.config.oidc:
            # An error of the command, rather than of the first person who signs in.
            session.config.oidc.open(session.opener)
        tls = _find_tls(session, place)
        host, port = parse_any_address(settings.listen, f"{place}.listen")
        self._bound = listen(host, port, backlog=BACKLOG, place=place, hint=HINT)
        hosts = find_hosts(settings, self._bound)
        self._console = Console(session, on_listening=on_listening, alone=not exposed)
        self._http = self._console.prepare(hosts, **tls)
        name, scheme = next(iter(hosts.items()))
        self._on_listening, self._url = on_listening, f"{scheme}://{name}/"

    def _serve(self) -> None:
        with self._bound:
            self._console.serve(self._http, self._bound)

    def start(self) -> None:
        """Begin to answer."""
        super().start()
        self._on_listening(self._url)

    def stop(self) -> None:
        """Ask the server to end."""
        self._console.stop()


def _has_administrator(session: Session) -> bool:
    oidc = session.config.oidc
    if oidc and oidc.unopened.administrators:
        return True
    users = Users(session.database).listing()
    return any(each.role is Role.ADMINISTRATOR and each.has_password for each in users)


def _find_tls(session: Session, place: str) -> dict[str, str]:
    """Return uvicorn's settings for TLS; none without it.

    Raises:
        ConfigError: certificate and key cannot be read, or do not belong together.
    """
    settings, folder = session.config.console, session.config.folder
    if not settings.tls_certificate:
        return {}
    found = {
        "ssl_certfile": str(folder / settings.tls_certificate),
        "ssl_keyfile": str(folder / settings.tls_private_key),
    }
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(found["ssl_certfile"], found["ssl_keyfile"])
    except (OSError, ssl.SSLError) as error:
        what = f"the certificate cannot be used: {error.strerror or error}"
        raise ConfigError(
            f"{place}.tls_certificate", what, hint="name PEM files that belong together"
        ) from error
    return found
