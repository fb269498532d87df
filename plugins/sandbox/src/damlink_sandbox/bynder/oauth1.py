"""OAuth 1.0a in three legs: request token, a person's consent, access token.

Source: RFC 5849; the paths, older official SDKs.
"""

from __future__ import annotations

from urllib.parse import urlencode

from damlink_sandbox.bynder import consent
from damlink_sandbox.bynder.access import RequestToken, no_valid_token
from damlink_sandbox.bynder.portal import Portal, refusal
from damlink_sandbox.router import Answer, Call, Routes

_AUTHORISE = "/api/v4/oauth/authorise"
_FORM = "application/x-www-form-urlencoded"
_OUT_OF_BAND = "oob"

routes: Routes[Portal] = Routes()


@routes.add("POST /api/v4/oauth/request_token", open=True)
def _request_token(portal: Portal, call: Call) -> Answer:
    access = portal.access
    signed = access.signatures.verify(call)
    if signed is None:
        raise no_valid_token()
    key = portal.ids.new()
    token = RequestToken(access.new_hex(32), signed.callback or _OUT_OF_BAND, access.new_hex(20))
    access.oauth1_requests[key] = token
    return _keys(key, token.secret, oauth_callback_confirmed="true")


@routes.add(f"GET {_AUTHORISE}", open=True)
@routes.add(f"POST {_AUTHORISE}", open=True)
def _authorise(portal: Portal, call: Call) -> Answer:
    """Show a page to a browser; for any other client the person agrees at once."""
    access, fields = portal.access, {**call.query, **call.form()}
    key = fields.get("oauth_token", "")
    token = access.oauth1_requests.get(key)
    if token is None:
        raise refusal(404, "Unknown oauth_token")  # assumed
    callback = fields.get("callback") or token.callback
    if consent.is_browser(call):
        hidden = {"oauth_token": key, "callback": callback}
        return consent.page(_AUTHORISE, access.user.name, ("Everything you may do",), hidden)
    if fields.get("decision") == "deny":
        del access.oauth1_requests[key]
        raise refusal(403, "Access denied")  # assumed
    access.oauth1_agreed.add(key)
    if callback == _OUT_OF_BAND:
        return Answer(200, token.verifier.encode(), "text/plain")
    answer = urlencode({"oauth_token": key, "oauth_verifier": token.verifier})
    return Answer(302, headers={"location": f"{callback}{'&' if '?' in callback else '?'}{answer}"})


@routes.add("POST /api/v4/oauth/access_token", open=True)
def _access_token(portal: Portal, call: Call) -> Answer:
    """Exchange a request token that a person has agreed to, with its verifier; it serves once."""
    access = portal.access
    requests = access.oauth1_requests
    signed = access.signatures.verify(call, {key: one.secret for key, one in requests.items()})
    if signed is None or signed.token not in access.oauth1_agreed:
        raise no_valid_token()
    if signed.verifier != requests[signed.token].verifier:
        raise no_valid_token()
    del requests[signed.token]
    key = access.add_oauth1_token(portal.ids.new(), access.user.id)
    return _keys(key, access.oauth1_secrets[key])


def _keys(key: str, secret: str, **more: str) -> Answer:
    body = urlencode({"oauth_token": key, "oauth_token_secret": secret, **more})
    return Answer(200, body.encode(), _FORM)
