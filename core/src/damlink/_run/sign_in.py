"""Sign-in of a person at a portal or a partner: OAuth 2.0, authorization code.

Source: RFC 6749, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._config.load import Config
from damlink._http.client import PluginClassify, open_client
from damlink._http.oauth2 import OAuth2
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._system.printable import one_line
from damlink._system.suggest import suggest
from damlink.errors import AuthError, ConfigError, DamlinkError

__all__ = ["SignIn", "is_consent", "open_sign_in", "read_code", "signs_in"]

# Of the reason for a refusal. The codes of RFC 6749, section 4.1.2.1, are shorter.
MOST_REASON: Final = 100


class _NoSignInError(ConfigError):
    """A portal or connector that does not sign in with a browser."""


@attrs.frozen
class SignIn:
    """The sign-in of a portal, or of the partner of a connector.

    Attributes:
        name: of the portal or connector.
        classify: the plugin's; none for a portal.
    """

    session: Session
    name: str
    is_portal: bool
    auth: OAuth2
    classify: PluginClassify | None = None

    def redeem(self, code: Secret) -> str:
        """Exchange the code of a person's consent for a token, and store it; return a notice, or nothing.

        Raises:
            AuthError: the other side refuses the code.
        """
        session, auth = self.session, self.auth
        pace = session.pace if self.is_portal else None
        with open_client(auth.token_url, pace=pace, connection=session.connection) as client:
            client.classify_with(self.classify)
            token = auth.redeem(code, client)
        if token.refresh is not None:
            return ""
        until = datetime.fromtimestamp(token.renew_at, UTC).strftime("%H:%M")
        return (
            f"the sign-in ends at {until} UTC, because no refresh token came with it; ask for the scope that "
            "gives one (`offline` at Bynder, also at the app there), then sign in again"
        )


def open_sign_in(session: Session, name: str, *, is_portal: bool | None = None) -> SignIn:
    """Open the sign-in of a portal or connector.

    Args:
        name: or the title of a connector, which errors and `damlink status` show.
        is_portal: whether it is a portal; a portal comes before a connector of its name if not given.

    Raises:
        ConfigError: there is none of this name, or it does not sign in with a browser.
    """
    name, is_portal = _find(session.config, name, is_portal)
    runtime = None if is_portal else session.open_connector(name)
    auth = runtime.auth if runtime else session.portal_auth(name)
    if not isinstance(auth, OAuth2) or not auth.authorize_url:
        raise _NoSignInError(str(session.config.path), f"{name} does not sign in with a browser")
    return SignIn(session, name, is_portal, auth, runtime.plugin.classify if runtime else None)


def _find(config: Config, name: str, is_portal: bool | None) -> tuple[str, bool]:
    """Return the name in the config, and whether it is a portal."""
    if is_portal is not False and name in config.portals:
        return name, True
    known: set[str] = set() if is_portal is False else {*config.portals}
    if not is_portal:
        known |= {*config.connectors}
        titles = (each.name for each in config.connectors.values() if name and each.title == name)
        if (found := next(titles, name)) in config.connectors:
            return found, False
    raise ConfigError(str(config.path), f"no portal or connector {name!r}", hint=suggest(name, known))


def signs_in(session: Session, name: str, *, is_portal: bool) -> bool | None:
    """Return whether a portal or connector needs a person's consent; `None` where it cannot be opened."""
    try:
        return open_sign_in(session, name, is_portal=is_portal).auth.needs_consent
    except _NoSignInError:
        return False
    except DamlinkError:
        return None


def is_consent(answer: Mapping[str, str]) -> bool:
    """Return whether the answer of a consent page has a code, and no error."""
    return bool(answer.get("code")) and "error" not in answer


def read_code(answer: Mapping[str, str], name: str, *, hint: str) -> Secret:
    """Return the code of the answer of a consent page.

    Args:
        answer: the query of the request to the redirect address.
        name: of the portal or connector, for errors.
        hint: what to do if consent was refused.

    Raises:
        AuthError: consent was refused.
    """
    if is_consent(answer):
        return Secret(answer["code"])
    reason = one_line(answer.get("error", "")[:MOST_REASON]) or "no reason given"
    raise AuthError(f"{name}: consent was refused: {reason}", hint=hint)
