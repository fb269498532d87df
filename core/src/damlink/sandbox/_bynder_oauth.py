"""OAuth 2.0: authorize, and the token endpoint with its three grants. Source: reference 1.3."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from urllib.parse import unquote_plus, urlencode

from damlink.sandbox._bynder_access import SCOPES, Access, Client, Grant
from damlink.sandbox._bynder_portal import Portal
from damlink.sandbox._router import Answer, Call, Refusal, Routes, json_answer

_BASE = "/v6/authentication/oauth2"

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_BASE}/auth", open=True)
def _authorize(portal: Portal, call: Call) -> Answer:
    client, query = portal.access.client, call.query
    if query.get("client_id") != client.id or query.get("redirect_uri") not in client.redirects:
        raise _error(400, "invalid_request", "unknown client, or a redirect_uri that is not registered")
    if query.get("response_type") != "code":
        raise _error(400, "unsupported_response_type", "only code")
    scopes = _scopes(query.get("scope"), client.scopes)
    challenge = portal.access.new_hex(32)
    grant = Grant(client.id, client.user_id, scopes, query["redirect_uri"])
    portal.access.challenges[challenge] = (grant, query.get("state", ""))
    return Answer(302, headers={"location": f"/v6/login-provider/login?login_challenge={challenge}"})


@routes.add("GET /v6/login-provider/login", open=True)
def _login(portal: Portal, call: Call) -> Answer:
    """The person behind the browser always agrees at once."""
    challenge = portal.access.challenges.pop(call.query.get("login_challenge", ""), None)
    if challenge is None:
        raise _error(400, "invalid_request", "unknown login_challenge")
    grant, state = challenge
    code = portal.access.new_hex(32)
    portal.access.codes[code] = grant
    target = urlencode({"code": code, **({"state": state} if state else {})})
    return Answer(302, headers={"location": f"{grant.redirect}?{target}"})


@routes.add(f"POST {_BASE}/token", open=True)
def _token(portal: Portal, call: Call) -> Answer:
    fields = call.form()
    client = _client(portal.access, call, fields)
    grant_type = fields.get("grant_type")
    if grant_type == "client_credentials":
        grant = Grant(client.id, client.user_id, _scopes(fields.get("scope"), client.scopes) - {"offline"})
        return _issued(portal.access, grant)
    if grant_type == "authorization_code":
        return _exchange(portal.access, fields)
    if grant_type == "refresh_token":
        return _refresh(portal.access, fields)
    raise _error(400, "unsupported_grant_type", "unknown grant_type")


def _client(access: Access, call: Call, fields: Mapping[str, str]) -> Client:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    given = (fields.get("client_id", ""), fields.get("client_secret", ""))
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        given = (unquote_plus(user), unquote_plus(password))
    if given != (access.client.id, access.client.secret):
        raise _error(401, "invalid_client", "client authentication failed")
    return access.client


def _exchange(access: Access, fields: Mapping[str, str]) -> Answer:
    grant = access.codes.pop(fields.get("code", ""), None)  # a code serves once
    if grant is None or fields.get("redirect_uri") != grant.redirect:
        raise _error(400, "invalid_grant", "unknown code, or another redirect_uri")
    refresh = access.new_hex(64) if "offline" in grant.scopes else ""
    if refresh:
        access.refreshes[refresh] = grant
    return _issued(access, grant, refresh)


def _refresh(access: Access, fields: Mapping[str, str]) -> Answer:
    """A refresh answer does not repeat the refresh token, unless the test makes it rotate."""
    given = fields.get("refresh_token", "")
    grant = access.refreshes.get(given)
    if grant is None:
        raise _error(400, "invalid_grant", "unknown refresh_token")
    refresh = access.new_hex(64) if access.rotates else ""
    if refresh:
        access.refreshes[refresh] = access.refreshes.pop(given)
    return _issued(access, grant, refresh)


def _issued(access: Access, grant: Grant, refresh: str = "") -> Answer:
    answer: dict[str, object] = {
        "access_token": access.issue(grant.user_id, grant.scopes),
        "token_type": "bearer",
        "expires_in": int(access.lifetime),
        "scope": " ".join(sorted(grant.scopes)),
    }
    if refresh:
        answer["refresh_token"] = refresh
    return json_answer(200, answer)


def _scopes(asked: str | None, allowed: frozenset[str]) -> frozenset[str]:
    """What is granted: the asked ones that are allowed; all where none is asked for."""
    wanted = frozenset((asked or "").split()) or allowed
    if not wanted <= SCOPES:
        raise _error(400, "invalid_scope", "unknown scope")
    return wanted & allowed


def _error(status: int, error: str, description: str) -> Refusal:
    body = {"error": error, "error_description": description}  # RFC 6749, inferred
    return Refusal(json_answer(status, body))
