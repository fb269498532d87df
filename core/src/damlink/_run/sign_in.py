"""Sign-in of a person at a portal or a partner: OAuth 2.0, authorization code.

Source: RFC 6749, section 4.1.
"""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from damlink._http.client import PluginClassify, open_client
from damlink._http.oauth2 import OAuth2
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._system.suggest import suggest
from damlink.errors import ConfigError, DamlinkError

__all__ = ["SignIn", "open_sign_in", "signs_in"]


@attrs.frozen
class SignIn:
    """The sign-in of a portal, or of the partner of a connector.

    Attributes:
        name: of the portal or connector.
        classify: the plugin's; none for a portal.
    """

    session: Session
    name: str
    auth: OAuth2
    classify: PluginClassify | None = None

    def redeem(self, code: Secret) -> str:
        """Exchange the code of a person's consent for a token, and store it; return a notice, or nothing.

        Raises:
            AuthError: the other side refuses the code.
        """
        session, auth = self.session, self.auth
        pace = session.pace if self.name in session.config.portals else None
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


def open_sign_in(session: Session, name: str) -> SignIn:
    """Open the sign-in of a portal or connector.

    Args:
        name: or the title of a connector, which errors and `damlink status` show.

    Raises:
        ConfigError: there is none of this name, or it does not sign in with a browser.
    """
    config = session.config
    if name and name not in config.portals:
        name = next((each.name for each in config.connectors.values() if each.title == name), name)
    known = {*config.portals, *config.connectors}
    if name not in known:
        raise ConfigError(str(config.path), f"no portal or connector {name!r}", hint=suggest(name, known))
    runtime = None if name in config.portals else session.open_connector(name)
    auth = runtime.auth if runtime else session.portal_auth(name)
    if not isinstance(auth, OAuth2) or not auth.authorize_url:
        raise ConfigError(str(config.path), f"{name} does not sign in with a browser")
    return SignIn(session, name, auth, runtime.plugin.classify if runtime else None)


def signs_in(session: Session, name: str) -> bool:
    """Return whether a portal or connector needs a person's consent; false where it cannot be opened."""
    try:
        return open_sign_in(session, name).auth.needs_consent
    except DamlinkError:
        return False
