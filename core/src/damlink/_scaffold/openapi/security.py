"""Authentication of requests, from a definition's security schemes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from damlink._scaffold.blueprint import Auth
from damlink._scaffold.openapi.document import Document, Operation
from damlink._scaffold.openapi.words import plain_text, squeeze

__all__ = ["is_key", "read_auth"]

_NONE: Final = Auth("none")
_FLOWS: Final = {
    "clientCredentials": "client",
    "application": "client",
    "password": "password",
    "authorizationCode": "refresh",
    "accessCode": "refresh",
}
_KEYS: Final = (
    *("apikey", "xapikey", "accesstoken", "xaccesstoken", "authtoken", "xauthtoken", "apitoken", "xapitoken"),
    *("subscriptionkey", "ocpapimsubscriptionkey", "authorization", "xauthorization"),
)


def read_auth(document: Document, operation: Operation | None, api_url: str) -> tuple[Auth, list[str]]:
    """Return how requests are signed, and what a person has to decide about it."""
    data = document.data
    schemes = document.table(data, "securityDefinitions") if document.is_old else {}
    schemes = schemes or document.table(data, "components", "securitySchemes")
    required = operation.node.get("security") if operation else None
    required = data.get("security") if required is None else required
    if required is None and not schemes and (auth := _key_among(operation)):
        return auth, [
            f"`auth.py`: whether the parameter `{auth.name}` of the list is the key of the account."
        ]
    if required == [] or (required is None and not schemes):
        return _NONE, ["`auth` is missing: the definition names no credentials."]
    stated = list(_alternatives(required))
    wanted = stated or [[name] for name in schemes]
    notes = [] if stated else ["`auth.py`: which credentials the list needs; it names none."]
    found = [(names, _read(document, schemes, names, api_url)) for names in wanted]
    fitting = [(names, auth) for names, auth in found if auth is not None]
    if not fitting:
        return _NONE, ["`auth` is missing: the scheme of the definition is not known to `damlink new`."]
    names, (auth, note) = fitting[0]
    notes += [note] if note else []
    if len(names) > 1:
        notes.append(
            f"`auth.py`: the list needs several credentials at once: {plain_text(', '.join(names))}."
        )
    if len(fitting) > 1:
        others = ", ".join(" and ".join(each) for each, _ in fitting[1:4])
        notes.append(f"`auth.py`: there are other ways to sign: {plain_text(others)}.")
    return auth, notes


def is_key(parameter: Mapping[str, Any], auth: Auth) -> bool:
    """Return whether a parameter is what the authentication sends already."""
    same = (str(parameter["name"]).lower(), parameter.get("in")) == (auth.name.lower(), auth.place)
    return same and auth.kind == "key"


def _key_among(operation: Operation | None) -> Auth | None:
    """Return the key among the parameters of a call, where a definition has it as one of them."""
    for each in operation.parameters if operation else ():
        if squeeze(each["name"]) in _KEYS and each.get("in") in ("header", "query", "cookie"):
            return _key(each)
    return None


def _alternatives(required: Any) -> Iterator[list[str]]:
    """Yield the names of the schemes that are needed together."""
    for each in required if isinstance(required, list) else []:
        if isinstance(each, Mapping) and each:
            yield [str(name) for name in each]


def _read(
    document: Document, schemes: Mapping[str, Any], names: list[str], api_url: str
) -> tuple[Auth, str] | None:
    """Return the first scheme that is known; one of OAuth 2.0 before a key."""
    found = [_scheme(document.follow(schemes.get(name)), api_url) for name in names]
    known = [each for each in found if each is not None]
    return max(known, key=lambda each: each[0].kind == "oauth2", default=None)


def _scheme(node: Mapping[str, Any], api_url: str) -> tuple[Auth, str] | None:
    kind, scheme = node.get("type"), str(node.get("scheme", "")).lower()
    if kind == "apiKey" and node.get("in") in ("header", "query", "cookie"):
        return _key(node), ""
    if kind == "basic" or (kind == "http" and scheme == "basic"):
        return Auth("basic"), ""
    if kind == "http" and scheme in ("bearer", "token"):
        return Auth(name="Authorization", prefix="Bearer ", setting="token"), ""
    if kind == "oauth2":
        return _oauth2(node, api_url)
    if kind == "openIdConnect":
        return _bearer("how a token is got by OpenID Connect; a setting holds one now")
    return None


def _key(node: Mapping[str, Any]) -> Auth:
    name = "".join(letter for letter in str(node.get("name", "")) if letter.isalnum() or letter in "-_.")
    # Some definitions describe a bearer token as a key in this header.
    is_bearer = name.lower() == "authorization" and "bearer" in str(node.get("description", "")).lower()
    return Auth(name=name or "X-Api-Key", place=str(node["in"]), prefix="Bearer " if is_bearer else "")


def _bearer(note: str) -> tuple[Auth, str]:
    return Auth(name="Authorization", prefix="Bearer ", setting="token"), f"`auth.py`: {note}."


def _oauth2(node: Mapping[str, Any], api_url: str) -> tuple[Auth, str]:
    flows = node.get("flows")
    if not isinstance(flows, Mapping):
        flows = {str(node.get("flow")): node}
    for name, grant in _FLOWS.items():
        flow = flows.get(name)
        if isinstance(flow, Mapping) and isinstance(flow.get("tokenUrl"), str):
            token_url, authorize_url = (
                _address(api_url, flow.get(key)) for key in ("tokenUrl", "authorizationUrl")
            )
            scopes = flow.get("scopes")
            note = "`auth.py`: which scopes to ask for; it asks for none." if scopes else ""
            return Auth("oauth2", grant=grant, token_url=token_url, authorize_url=authorize_url), note
    return _bearer("how a token is got; the definition has no grant without a browser")


def _address(api_url: str, given: Any) -> str:
    address = urljoin(f"{api_url}/", given) if isinstance(given, str) and given else f"{api_url}/oauth/token"
    return address.replace("http://", "https://", 1)
