"""Text of a sent request, without its secrets."""

from __future__ import annotations

import json
import re
import shlex
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs
import httpx

from damlink._http.body import stream_of
from damlink._http.origin import origin_of
from damlink._secret import REDACTED, redact

__all__ = ["SentRequest", "is_secret_name"]

_READS: Final = ("GET", "HEAD")
# A longer body is shown as its size.
LONGEST_BODY: Final = 64 * 1024
_OUR_OWN: Final = frozenset({"accept-encoding", "connection", "content-length", "host"})
# The endpoint of a webhook is a secret address; the policy of an upload gives access to the storage.
_SECRET: Final = re.compile(
    r"auth|cookie|pass|secret|token|signature|credential|policy|access.?key|api.?key|assertion|^code$|^endpoint$",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Return whether the value of a header, parameter or field with this name is a secret."""
    return _SECRET.search(name) is not None


@attrs.frozen(kw_only=True)
class SentRequest:
    """A sent request; its text is a `curl` command.

    Attributes:
        method: such as `POST`.
        url: the whole address; secrets are redacted here and in all other attributes.
        headers: by name.
        body: form fields and JSON as text, a file as its size.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str

    @classmethod
    def of(cls, request: httpx.Request, own: httpx.URL) -> SentRequest:
        """Create the record of a request.

        Args:
            own: the origin that we are signed in to; the query of another address may be a secret.
        """
        return cls(
            method=request.method,
            url=redact(_address(request, own)),
            headers={
                name: REDACTED if _SECRET.search(name) else redact(value)
                for name, value in request.headers.items()
                if name not in _OUR_OWN
            },
            body=redact("".join(_body(request))),
        )

    def __str__(self) -> str:
        lines = [f"curl -X {self.method} {shlex.quote(self.url)}"]
        lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in self.headers.items()]
        lines += [f"--data {shlex.quote(self.body)}"] if self.body else []
        return " \\\n  ".join(lines)


def _address(request: httpx.Request, own: httpx.URL) -> str:
    url = request.url
    is_foreign = origin_of(url) != origin_of(own)
    query = _redact(url.params.multi_items(), everything=is_foreign)
    bare = str(url.copy_with(query=None, username=None, password=None))
    if is_foreign and request.method in _READS:
        # The path of a file's address may be the key that opens it.
        bare = f"{url.scheme}://{url.netloc.decode()}/{REDACTED}"
    return f"{bare}?{_pairs(query)}" if query else bare


def _redact(items: Iterable[tuple[str, str]], *, everything: bool = False) -> list[tuple[str, str]]:
    return [(name, REDACTED if everything or _SECRET.search(name) else value) for name, value in items]


def _pairs(items: Iterable[tuple[str, str]]) -> str:
    return urllib.parse.urlencode(list(items), safe="*/:,@")


def _body(request: httpx.Request) -> Iterator[str]:
    kind = request.headers.get("content-type", "")
    # httpx's multipart body has them, and is no public type.
    fields = getattr(stream_of(request), "fields", None)
    if fields is not None:
        yield from _multipart(fields)
        return
    length = int(request.headers.get("content-length") or 0)
    if not length or length > LONGEST_BODY or not isinstance(request.stream, httpx.ByteStream):
        yield (
            f"<{length} bytes>" if length else "<a stream>" if "transfer-encoding" in request.headers else ""
        )
        return
    content = request.read()
    if "json" in kind:
        yield _json(content)
    elif "urlencoded" in kind:
        yield _pairs(_redact(urllib.parse.parse_qsl(content.decode(), keep_blank_values=True)))
    else:
        yield f"<{length} bytes>"


def _multipart(fields: Iterable[Any]) -> Iterator[str]:
    for number, field in enumerate(fields):
        shown = REDACTED if _SECRET.search(field.name) else _part(field)
        yield f"{'&' if number else ''}{field.name}={shown}"


def _part(field: Any) -> str:
    """Return the name of a file, or the value of any other field."""
    if getattr(field, "filename", None):
        return f"<file {field.filename}>"
    value = field.value if hasattr(field, "value") else field.file
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _json(content: bytes) -> str:
    try:
        return json.dumps(_without_secrets(json.loads(content)), ensure_ascii=False)
    except ValueError:
        return f"<{len(content)} bytes>"


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: REDACTED if _SECRET.search(name) else _without_secrets(inner)
            for name, inner in value.items()
        }
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value
