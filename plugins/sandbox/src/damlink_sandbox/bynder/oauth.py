"""OAuth 2.0: consent, tokens by three grants, scopes, revoke.

Source: Bynder's published definition of OAuth 2.0; RFC 6749; of revoke, RFC 7009 and the official JavaScript
SDK.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlencode

import attrs

from damlink_sandbox.bynder import consent
from damlink_sandbox.bynder.access import Access, Client, Grant
from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.rights import GROUPS, SCOPES
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_BASE = "/v6/authentication/oauth2"
_LOGIN = "/v6/login-provider/login"
# Assumed: what RFC 6749 calls the longest.
_CODE_SECONDS = 600.0

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_BASE}/auth", open=True)
def _authorize(portal: Portal, call: Call) -> Answer:
    access, query = portal.access, call.query
    client = access.client
    # These errors must not go to an address that is not verified: RFC 6749, section 4.1.2.1.
    if query.get("client_id") != client.id or query.get("redirect_uri") not in client.redirects:
        raise _error(400, "invalid_request", "unknown client, or a redirect_uri that is not registered")
    redirect, state = query["redirect_uri"], query.get("state", "")
    if query.get("response_type") != "code":
        return _back(redirect, state, error="unsupported_response_type")
    if not set(query.get("scope", "").split()) <= SCOPES:
        return _back(redirect, state, error="invalid_scope")
    scopes = _scopes(query.get("scope"), access.grantable(client.user_id))
    if query.get("code_challenge_method", "S256") != "S256":
        return _back(redirect, state, error="invalid_request")
    name, challenge = access.new_hex(32), query.get("code_challenge", "")
    access.challenges[name] = (Grant(client.id, client.user_id, scopes, redirect, challenge), state)
    return Answer(302, headers={"location": f"{_LOGIN}?login_challenge={name}"})


@routes.add(f"GET {_LOGIN}", open=True)
@routes.add(f"POST {_LOGIN}", open=True)
def _login(portal: Portal, call: Call) -> Answer:
    """Show a page to a browser; for any other client the person agrees at once."""
    access, fields = portal.access, {**call.query, **call.form()}
    name = fields.get("login_challenge", "")
    if name not in access.challenges:
        raise _error(400, "invalid_request", "unknown login_challenge")
    grant, state = access.challenges[name]
    if consent.is_browser(call):
        return consent.page(_LOGIN, access.user.name, sorted(grant.scopes), {"login_challenge": name})
    del access.challenges[name]
    if fields.get("decision") == "deny":
        return _back(grant.redirect, state, error="access_denied")
    code = access.new_hex(32)
    access.codes[code] = attrs.evolve(grant, expires=portal.world.clock.seconds() + _CODE_SECONDS)
    return _back(grant.redirect, state, code=code)


def _back(redirect: str, state: str, **answer: str) -> Answer:
    parts = urlencode(answer | ({"state": state} if state else {}))
    return Answer(302, headers={"location": f"{redirect}{'&' if '?' in redirect else '?'}{parts}"})


@routes.add(f"POST {_BASE}/token", open=True)
def _token(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    client, access = _client(portal.access, call, fields), portal.access
    grant_type = fields.get("grant_type")
    if grant_type == "client_credentials":
        scopes = _scopes(fields.get("scope"), access.grantable(client.user_id))
        # Without a refresh token: RFC 6749, section 4.4.3.
        return _issue(access, Grant(client.id, client.user_id, scopes - {"offline"}))
    if grant_type == "authorization_code":
        return _exchange(access, fields, portal.world.clock.seconds())
    if grant_type == "refresh_token":
        return _refresh(access, fields)
    if grant_type:
        raise _error(400, "unsupported_grant_type", "unknown grant_type")
    raise _error(400, "invalid_request", "no grant_type")


def _client(access: Access, call: Call, fields: Mapping[str, str]) -> Client:
    """Return the client of a Basic header, or of the body."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    given = (fields.get("client_id", ""), fields.get("client_secret", ""))
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        # Both are form-encoded within the header: RFC 6749, section 2.3.1.
        given = (unquote_plus(user), unquote_plus(password))
    if given != (access.client.id, access.client.secret):
        raise _error(401, "invalid_client", "client authentication failed", www_authenticate="Basic")
    return access.client


def _exchange(access: Access, fields: Mapping[str, str], now: float) -> Answer:
    # A code serves once.
    grant = access.codes.pop(fields.get("code", ""), None)
    if grant is None or fields.get("redirect_uri") != grant.redirect or now >= (grant.expires or now):
        raise _error(400, "invalid_grant", "unknown or expired code, or another redirect_uri")
    if grant.challenge and grant.challenge != _challenge(fields.get("code_verifier", "")):
        raise _error(400, "invalid_grant", "code_verifier does not fit the code_challenge")
    grant = attrs.evolve(grant, scopes=_scopes(fields.get("scope"), grant.scopes), expires=None)
    refresh = access.new_hex(64) if "offline" in grant.scopes else ""
    if refresh:
        access.refreshes[refresh] = grant
    return _issue(access, grant, refresh)


def _challenge(verifier: str) -> str:
    """Source: RFC 7636, section 4.6."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _refresh(access: Access, fields: Mapping[str, str]) -> Answer:
    """Issue a new access token, without the refresh token unless the test makes it rotate."""
    given = fields.get("refresh_token", "")
    grant = access.refreshes.get(given)
    if grant is None:
        raise _error(400, "invalid_grant", "unknown refresh_token")
    refresh = access.new_hex(64) if access.rotates else ""
    if refresh:
        access.refreshes[refresh] = access.refreshes.pop(given)
    # the person may have lost rights since
    scopes = _scopes(fields.get("scope"), grant.scopes) & access.grantable(grant.user_id)
    return _issue(access, attrs.evolve(grant, scopes=scopes), refresh)


def _issue(access: Access, grant: Grant, refresh: str = "") -> Answer:
    answer: dict[str, object] = {
        "access_token": access.issue(grant.user_id, grant.scopes),
        "token_type": "bearer",
        "expires_in": int(access.lifetime),
        "scope": " ".join(sorted(grant.scopes)),
    }
    if refresh:
        answer["refresh_token"] = refresh
    return json_answer(200, answer, cache_control="no-store")


def _scopes(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """Return the granted scopes: the requested ones that are allowed; all where none is requested."""
    wanted = frozenset((asked or "").split()) or allowed
    if not wanted <= SCOPES:
        raise _error(400, "invalid_scope", "unknown scope")
    return wanted & allowed


@routes.add(f"POST {_BASE}/revoke", open=True)
def _revoke(portal: Portal, call: Call) -> Answer:
    """Known to one official client library only; as RFC 7009 has it, an unknown token is no error."""
    fields, access = call.form(), portal.access
    _client(access, call, fields)
    if not fields.get("token"):
        raise _error(400, "invalid_request", "no token")
    access.refreshes.pop(fields["token"], None)
    if fields["token"] in access.tokens and access.tokens[fields["token"]].expires is not None:
        del access.tokens[fields["token"]]
    return Answer(200)


@routes.add(f"GET {_BASE}/scopes", open=True)
def _scope_list(_portal: Portal, _call: Call) -> Answer:
    """List the scopes. The definition names no right for it."""
    groups = [
        {
            "name": name,
            "scopes": [
                {"name": one.name, "description": one.description, "anyOfPermissions": list(one.permissions)}
                for one in scopes
            ],
        }
        for name, scopes in GROUPS.items()
    ]
    return json_answer(200, {"groups": groups})


def _error(status: int, error: str, description: str, **headers: str) -> Refusal:
    # Assumed: as in RFC 6749.
    body = {"error": error, "error_description": description}
    return Refusal(json_answer(status, body, **headers))
