"""Raw requests to the portal, for calls that no other method covers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Unpack

import attrs
import httpx
import msgspec

from damlink._http.client import ANSWERED, TERMS, Client
from damlink._http.described import describe
from damlink._http.origin import origin_of
from damlink._http.retry import Terms
from damlink.bynder._action import action
from damlink.bynder.records.convert import decode
from damlink.bynder.resources.raw_content import RawContent, encode_content
from damlink.errors import ArgumentError, BynderError, ConnectorError, UnclearError

__all__ = ["Raw", "RawAnswer"]

Kind = Literal["json", "text", "bytes"]
_READS: Final = ("GET", "HEAD", "OPTIONS")
# RFC 9110, section 5.6.2.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@attrs.frozen(kw_only=True)
class RawAnswer:
    """The answer to a raw request.

    Attributes:
        status: such as 200.
        headers: by name, in lower case.
        body: JSON, text or bytes, as requested; `None` for an empty answer instead of JSON.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = attrs.field(repr=False)


class Raw:
    """Raw requests to the portal, for calls that no other command covers.

    Example:
        answer = portal.raw.request("GET", "/api/v4/smartfilters")
        print(answer.status, answer.body)

    Args:
        elsewhere: client for other hosts, without credentials.
    """

    def __init__(self, client: Client, elsewhere: Client) -> None:
        self._client = client
        self._elsewhere = elsewhere

    @action("Raw Request")
    def request(
        self,
        method: str,
        path: str,
        /,
        *,
        query: Sequence[str] | Mapping[str, Any] | None = None,
        multipart: bool = False,
        headers: Mapping[str, str] | None = None,
        response: Kind = "json",
        timeout: float | None = None,
        max_retries: int = 0,
        retry_delay_ms: int = 0,
        exponential_backoff: bool = False,
        retry_on_all_errors: bool = False,
        **content: Unpack[RawContent],
    ) -> RawAnswer:
        """Send any request: signed, within the rate limit, and retried only as the options say.

        Args:
            method: such as GET or POST.
            path: of the portal, or a whole address; another host does not receive the credentials.
            query: parameter `name=value`; may be repeated.
            multipart: send the form as multipart/form-data even without files.
            headers: additional headers.
            response: type of the answer.
            timeout: seconds to wait for an answer; 60 by default.
            max_retries: maximum number of retries.
            retry_delay_ms: milliseconds between two attempts; a `Retry-After` in the answer may prolong it.
            exponential_backoff: double the delay after each attempt, from half a second to a minute.
            retry_on_all_errors: retry after any error, not only after a 5xx or a broken connection.
            content: see `RawContent`.

        Raises:
            ArgumentError: an argument is malformed, or two exclude each other.
            BynderError: the portal refuses the request; the attribute `answer` of this and the other
                errors contains the whole `RawAnswer`, if there was one.
            UnclearError: it is not known whether the request took effect.
        """
        _check(method, headers or {}, timeout, max_retries, retry_delay_ms)
        terms = Terms(
            retries=max_retries,
            delay_seconds=retry_delay_ms / 1000,
            exponential=exponential_backoff,
            on_all_errors=retry_on_all_errors,
        )
        client, url = self._target(path)
        answers: list[httpx.Response] = []
        with contextlib.ExitStack() as open_files:
            encoded = encode_content(open_files, content, multipart=multipart)
            request = client.build_request(
                method.upper(),
                url.copy_merge_params(_query(query)) if query else url,
                headers={**encoded.pop("headers", {}), **(headers or {})},
                timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                extensions={TERMS: terms, ANSWERED: answers.append},
                **encoded,
            )
            try:
                answer = client.send(request)
            except ConnectorError as error:
                error.answer = _whole(answers[-1], response) if answers else None
                raise
        return RawAnswer(
            status=answer.status_code, headers=dict(answer.headers), body=_read(answer, response)
        )

    def _target(self, path: str) -> tuple[Client, httpx.URL]:
        """Return the client and the address: only requests to the portal are signed and rate limited."""
        own, url = self._client.origin, _url(path)
        if not url.host:
            return self._client, url
        # An address without a scheme, such as `//other.example/a`, takes that of the portal.
        url = own.join(url)
        return self._client if origin_of(url) == origin_of(own) else self._elsewhere, url


def _query(given: Sequence[str] | Mapping[str, Any]) -> httpx.QueryParams:
    if isinstance(given, Mapping):
        return httpx.QueryParams(dict(given))
    pairs = (pair.partition("=") for pair in ([given] if isinstance(given, str) else given))
    return httpx.QueryParams([(name, value) for name, _, value in pairs])


def _check(
    method: str, headers: Mapping[str, str], timeout: float | None, retries: int, delay_ms: int
) -> None:
    """Raise ArgumentError for values that an HTTP request cannot contain."""
    if not _TOKEN.fullmatch(method):
        raise ArgumentError(f"{method!r} is no method", hint="name one such as GET or POST")
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            raise ArgumentError(f"{name!r} is no name of a header", hint="use letters, digits and dashes")
        if not value.isprintable() or not value.isascii():
            raise ArgumentError(f"the header {name} holds what no header may", hint="use plain ASCII text")
    if timeout is not None and not 0 < timeout < float("inf"):
        raise ArgumentError(f"the timeout is {timeout:g} seconds", hint="give more than 0")
    if retries < 0 or delay_ms < 0:
        raise ArgumentError("retries and their delay are counted from 0")


def _url(path: str) -> httpx.URL:
    try:
        return httpx.URL(path)
    except httpx.InvalidURL as error:
        raise ArgumentError(f"{path!r:.200} is no address: {error}") from error


def _read(answer: httpx.Response, kind: Kind) -> Any:
    if kind != "json":
        return answer.content if kind == "bytes" else answer.text
    if not answer.content.strip():
        return None
    try:
        return decode(answer.content)
    except msgspec.DecodeError as error:
        hint = "ask for the answer as text or bytes"
        message = f"{answer.url.host} answered {answer.status_code} without JSON"
        if answer.is_success and answer.request.method not in _READS:
            # The request may have changed data: a retry without a check could do it twice.
            message = f"{message}: the {answer.request.method} may or may not have been carried out"
            raise describe(UnclearError(message, hint=hint), answer) from error
        raise describe(BynderError(message, hint=hint), answer) from error


def _whole(answer: httpx.Response, kind: Kind) -> RawAnswer:
    """Return a refusal; a body that is not of the requested type as text."""
    try:
        body = _read(answer, kind)
    except (BynderError, UnclearError):
        body = answer.text
    return RawAnswer(status=answer.status_code, headers=dict(answer.headers), body=body)
