"""Authentication: API keys, tokens and the grants that issue them.

Source: the Getty Images API v3 definition; developers.gettyimages.com, "Authorization".
"""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response

from damlink_istock.sandbox.vendor import Caller, Key, Token, User, Vendor
from damlink_istock.sandbox.wire import Call, gateway_refusal, refusal, token_refusal

FORM = "application/x-www-form-urlencoded"


def calling_key(vendor: Vendor, call: Call) -> Key:
    """Return the key in `Api-Key`. A missing one is 401, an unknown or revoked one the gateway's 403."""
    given = call.headers.get("api-key")
    if not given:
        raise gateway_refusal(401, "Unauthorized")
    key = _key(vendor, given)
    if key is None:
        raise gateway_refusal(403, "Forbidden")
    vendor.pace()
    return key


def calling_token(vendor: Vendor, call: Call) -> Token:
    """Return the bearer token, of the same key; 401 without or with an expired one."""
    key = calling_key(vendor, call)
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value:
        raise refusal(401, "AuthorizationTokenRequired", "Authorization token required.")
    token = vendor.access.get(value)
    if token is None or token.key is not key or token.expires_at <= vendor.world.clock.seconds():
        # Assumed: the gateway's shape.
        raise gateway_refusal(401, "Unauthorized")
    return token


def calling_user(vendor: Vendor, call: Call) -> Caller:
    """Return the key and the user in the token; 401 without a user. Source:
    gettyimages/gettyimages-api_ruby#12.
    """
    token = calling_token(vendor, call)
    if token.user is None:
        raise refusal(401, "UserTokenRequired", "Security token must contain a user.")
    return Caller(token.key, token.user)


def grant(vendor: Vendor, call: Call) -> Response:
    """`POST /oauth2/token`: client credentials, password and refresh token."""
    vendor.pace()
    if not call.headers.get("content-type", "").startswith(FORM):
        raise token_refusal(400, "invalid_request", f"the body must be {FORM}")
    form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    kind = _field(form, "grant_type")
    key = _client(vendor, form)
    if kind == "client_credentials":
        return _tokens(vendor, key, vendor.user(vendor.switches.client_user), None)
    if kind == "password":
        user = _sign_in(vendor, form)
        return _tokens(vendor, key, user, _new_refresh_token(vendor, key, user))
    if kind == "refresh_token":
        return _refresh(vendor, key, _field(form, "refresh_token"))
    # `authorization_code` too: it needs a person.
    raise token_refusal(400, "unsupported_grant_type", kind)


def _key(vendor: Vendor, given: str) -> Key | None:
    return next((key for key in vendor.keys if key.key == given and not key.revoked), None)


def _field(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise token_refusal(400, "invalid_request", f"{name} is missing")
    return form[name]


def _client(vendor: Vendor, form: dict[str, str]) -> Key:
    key = _key(vendor, _field(form, "client_id"))
    if key is None or key.secret != _field(form, "client_secret"):
        raise token_refusal(401, "invalid_client", "unknown client or wrong secret")
    return key


def _sign_in(vendor: Vendor, form: dict[str, str]) -> User:
    user = vendor.user(_field(form, "username"))
    if user is None or user.password != _field(form, "password"):
        raise token_refusal(400, "invalid_grant", "wrong user name or password")
    return user


def _new_refresh_token(vendor: Vendor, key: Key, user: User | None) -> str:
    value = vendor.opaque_name("refresh")
    vendor.refresh[value] = Token(key, user)
    return value


def _refresh(vendor: Vendor, key: Key, old: str) -> Response:
    """Without rotation no refresh token is answered: the old one stays. Source: the official Node SDK."""
    token = vendor.refresh.get(old)
    if token is None or token.key is not key:
        raise token_refusal(400, "invalid_grant", "unknown refresh token")
    new = None
    if vendor.switches.rotation:
        del vendor.refresh[old]
        new = _new_refresh_token(vendor, key, token.user)
    return _tokens(vendor, key, token.user, new)


def _tokens(vendor: Vendor, key: Key, user: User | None, refresh_token: str | None) -> Response:
    value, lifetime = vendor.opaque_name("access"), vendor.switches.lifetime
    vendor.access[value] = Token(key, user, vendor.world.clock.seconds() + lifetime)
    vendor.world.counts.add("istock-tokens")
    answer = {"access_token": value, "token_type": "Bearer", "expires_in": int(lifetime)}
    return JSONResponse(answer | ({"refresh_token": refresh_token} if refresh_token else {}))
