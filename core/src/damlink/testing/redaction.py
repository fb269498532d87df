"""Taking secrets out of recorded exchanges: by the name of what holds them, and wherever they are echoed."""

from __future__ import annotations

import base64
import itertools
import json
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

from damlink._http.origin import origin_of
from damlink._secret import REDACTED, Revealed, redact

__all__ = ["Redactor", "is_secret_name"]

# Characters. A shorter value is redacted where it stands, and not where it is repeated.
SHORTEST_ECHO: Final = 8
MOST_SECRETS: Final = 1000

_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# Words of a name, each of which says that the value is a secret.
_SECRET_WORDS: Final = frozenset(
    {
        *(
            "assertion",
            "auth",
            "authentication",
            "authorization",
            "bearer",
            "cookie",
            "cookies",
            "credential",
        ),
        *(
            "credentials",
            "csrf",
            "hmac",
            "jwt",
            "nonce",
            "otp",
            "passcode",
            "passphrase",
            "passwd",
            "password",
        ),
        *("passwords", "pin", "pwd", "secret", "secrets", "session", "sessionid", "sig", "signature"),
        *("signatures", "token", "tokens", "xsrf"),
    }
)
# Before `key` they say so, too.
_KEYS: Final = frozenset(
    {
        *("access", "account", "api", "app", "auth", "consumer", "encryption", "private", "secret"),
        *("security", "service", "shared", "signing", "storage", "subscription"),
    }
)
# Last words of a name that speaks of a secret, and holds none: `token_url`, `token_type`.
_ABOUT: Final = frozenset(
    {"url", "uri", "type", "method", "scheme", "status", "at", "in", "expires", "expiry", "ttl"}
)
_ENDINGS: Final = (
    "token",
    "secret",
    "password",
    "passwd",
    "signature",
    "credential",
    "credentials",
    "cookie",
)
# Only of a parameter: in a record they name other things.
_PARAMETERS: Final = frozenset({"key", "code", "policy", "user", "username", "email"})
_HEADERS: Final = re.compile(
    r"content-(type|range|disposition|language)|etag|last-modified|date|link|location|retry-after|allow"
    r"|accept-ranges|(x-)?.*(total|count|page|next|prev|cursor|limit|remaining|reset|offset).*"
)
_ADDRESS: Final = re.compile(r"""https?://[^\s"'<>\\]+""")
_PARAMETER: Final = re.compile(r"""([?&;])([\w.~%\[\]-]+)=([^&;#\s"'<>]+)""")
_ASSIGNMENT: Final = re.compile(
    r"""(?P<name>[A-Za-z][\w.-]*)(?P<between>["']?\s*[:=]\s*["']?|>)(?P<value>[^\s"'<>&;,]+)"""
)
_FILE: Final = re.compile(r"[^/]+\.[A-Za-z0-9]{1,5}")


def is_secret_name(name: str) -> bool:
    """Return whether the name of a field, a header or a parameter says that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if words and words[-1] in _ABOUT:
        return False
    joined = "".join(words)
    keys = any(
        word in _KEYS and following in ("key", "keys") for word, following in itertools.pairwise(words)
    )
    return (
        keys
        or not _SECRET_WORDS.isdisjoint(words)
        or joined.endswith(_ENDINGS)
        or any(joined == f"{word}key" for word in _KEYS)
    )


def _is_secret_parameter(name: str) -> bool:
    return is_secret_name(name) or name.lower() in _PARAMETERS or name.lower().startswith("x-amz-")


class Redactor:
    """Takes secrets out of what is recorded. What it was shown once it finds everywhere.

    Args:
        own: base addresses of the partner and the portal: of any other address, only the host and the name of
            a file are kept, since such an address may itself be the key to what it leads to.
    """

    def __init__(self, own: Iterable[str]) -> None:
        self._own = {origin_of(httpx.URL(each)) for each in own if each}
        self._found = Revealed(MOST_SECRETS)

    def note(self, value: str) -> None:
        """Remember a secret, to find it again where it is echoed."""
        if len(value) >= SHORTEST_ECHO and value != REDACTED:
            self._found.note(value)

    def note_request(self, request: httpx.Request) -> None:
        """Remember what a request was signed with."""
        for name, value in request.headers.items():
            if is_secret_name(name):
                self._note_all(value)
        for name, value in request.url.params.multi_items():
            if _is_secret_parameter(name):
                self.note(value)
        for value in (request.url.username, request.url.password):
            self.note(value)

    def note_answer(self, headers: httpx.Headers, body: str) -> None:
        """Remember the secrets that an answer gives away: of a cookie, or in a field whose name says so."""
        for value in headers.get_list("set-cookie"):
            self.note(value.partition(";")[0].partition("=")[2])
        for name, value in headers.items():
            if is_secret_name(name):
                self._note_all(value)
        parsed = _parse(body)
        if parsed is not None:
            self._note_fields(parsed, is_secret=False)
        else:
            for match in _ASSIGNMENT.finditer(body):
                if is_secret_name(match["name"]):
                    self.note(match["value"])

    def _note_all(self, value: str) -> None:
        """Remember the value of a header, and each part of it, such as that of `Bearer TOKEN`."""
        for part in (value, *re.split(r"[\s,;]+", value)):
            self.note(part)
            self.note(part.partition("=")[2].strip('"'))
            self.note(_decode(part).partition(":")[2])

    def _note_fields(self, value: Any, *, is_secret: bool) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                self._note_fields(inner, is_secret=is_secret or is_secret_name(name))
        elif isinstance(value, list):
            for inner in value:
                self._note_fields(inner, is_secret=is_secret)
        elif is_secret and isinstance(value, str):
            self.note(value)

    # --- what is written ---------------------------------------------------------------------------

    def address(self, url: httpx.URL | str) -> str:
        """Return an address without its secrets."""
        url = httpx.URL(url)
        if origin_of(url) in self._own:
            query = [
                (self.text(name), REDACTED if _is_secret_parameter(name) else self.text(value))
                for name, value in url.params.multi_items()
            ]
            bare = f"{url.scheme}://{url.netloc.decode()}{self.text(url.path)}"
        else:
            query = [(self.text(name), REDACTED) for name, _ in url.params.multi_items()]
            last = url.path.rpartition("/")[2]
            name = self.text(last) if _FILE.fullmatch(last) else ""
            bare = f"{url.scheme}://{url.netloc.decode()}/{REDACTED}/{name}"
        return f"{bare}?{urllib.parse.urlencode(query, safe='*/:,@')}" if query else bare

    def headers(self, headers: httpx.Headers) -> dict[str, str]:
        """Return the headers of an answer that a client reads, without secrets. All others are left out."""
        kept = {
            name: value
            for name, value in headers.items()
            if _HEADERS.fullmatch(name) and not is_secret_name(name)
        }
        return {name: self.text(value) for name, value in kept.items()}

    def body(self, text: str) -> str:
        """Return the body of a request or of an answer without its secrets."""
        parsed = _parse(text)
        if parsed is None:
            return _ASSIGNMENT.sub(self._redact_assignment, self.text(text))
        return json.dumps(self.value(parsed), ensure_ascii=False)

    def value(self, value: Any, *, is_secret: bool = False) -> Any:
        """Return a JSON value without its secrets. Each keeps its type."""
        if isinstance(value, Mapping):
            return {
                self.text(str(name)): self.value(inner, is_secret=is_secret or is_secret_name(str(name)))
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, is_secret=is_secret) for each in value]
        if isinstance(value, str):
            return REDACTED if is_secret and value else self.text(value)
        if is_secret and type(value) in (int, float):
            return type(value)(0)
        # A secret may be a number elsewhere.
        return value if self.text(json.dumps(value)) == json.dumps(value) else 0

    def text(self, text: str) -> str:
        """Return a text without the secrets that are known, and without those of the addresses in it."""
        text = self._found.redact(redact(text))
        text = _ADDRESS.sub(self._readdress, text) if "://" in text else text
        return _PARAMETER.sub(_redact_parameter, text)

    def _readdress(self, match: re.Match[str]) -> str:
        try:
            return self.address(match[0])
        except httpx.InvalidURL:
            return REDACTED

    @staticmethod
    def _redact_assignment(match: re.Match[str]) -> str:
        return f"{match['name']}{match['between']}{REDACTED}" if is_secret_name(match["name"]) else match[0]


def _redact_parameter(match: re.Match[str]) -> str:
    sign, name, value = match.groups()
    return f"{sign}{name}={REDACTED if _is_secret_parameter(name) else value}"


def _decode(text: str) -> str:
    """Return what Base64 holds, such as `user:password`; nothing if it is none."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return ""


def _parse(text: str) -> Any:
    """Return the object or list of a JSON text; `None` for any other text."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None
