"""A person's consent at a portal or a partner (OAuth 2.0 authorization code): its answer, and the token.

Source: RFC 6749, section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._http.client import PluginClassify, open_client
from damlink._http.oauth2 import OAuth2
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._system.printable import one_line
from damlink.errors import AuthError, ConfigError

__all__ = ["SignIn", "is_consent", "open_sign_in", "read_code", "redeem_code"]

# Of the reason for a refusal. The codes of RFC 6749, section 4.1.2.1, are shorter.
MOST_REASON: Final = 100


@attrs.frozen
class SignIn:
    """The sign-in of a person at a portal, or at the partner of a connector.

    Attributes:
        name: of the portal or the connector.
        classify: the plugin's; none for a portal.
    """

    name: str
    is_portal: bool
    auth: OAuth2
    classify: PluginClassify | None = None


def open_sign_in(session: Session, name: str, *, is_portal: bool) -> SignIn:
    """Open what a person signs in to.

    Raises:
        ConfigError: there is no such portal or connector, or nobody signs in to it with a browser.
    """
    runtime = None if is_portal else session.open_connector(name)
    auth = runtime.auth if runtime else session.portal_auth(name)
    if not isinstance(auth, OAuth2) or not auth.authorize_url:
        raise ConfigError(str(session.config.path), f"{name} does not sign in with a browser")
    return SignIn(name, is_portal, auth, runtime.plugin.classify if runtime else None)


def is_consent(answer: Mapping[str, str]) -> bool:
    """Return whether the answer at the redirect address is a consent, and no refusal."""
    return bool(answer.get("code")) and "error" not in answer


def read_code(answer: Mapping[str, str], name: str, *, hint: str) -> Secret:
    """Return the code of the answer at the redirect address.

    Args:
        answer: the query of the request.
        name: of the portal or connector, for errors.
        hint: what to do if consent was refused.

    Raises:
        AuthError: consent was refused.
    """
    if is_consent(answer):
        return Secret(answer["code"])
    reason = one_line(answer.get("error", "")[:MOST_REASON]) or "no reason given"
    raise AuthError(f"{name}: consent was refused: {reason}", hint=hint)


def redeem_code(session: Session, sign_in: SignIn, code: Secret) -> str:
    """Exchange a code for a token, and store the token.

    Returns:
        A notice for the person, or an empty text.

    Raises:
        AuthError: the other side refuses the code.
    """
    auth = sign_in.auth
    pace = session.pace if sign_in.is_portal else None
    with open_client(auth.token_url, pace=pace, connection=session.connection) as client:
        client.classify_with(sign_in.classify)
        token = auth.redeem(code, client)
    if token.refresh is not None:
        return ""
    until = datetime.fromtimestamp(token.renew_at, UTC).strftime("%H:%M")
    return (
        f"the sign-in ends at {until} UTC, because no refresh token came with it; ask for the scope that "
        "gives one (`offline` at Bynder, also at the app there), then sign in again"
    )
