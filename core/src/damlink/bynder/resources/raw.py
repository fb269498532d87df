"""Any request to the portal, for what no other method covers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import httpx
import msgspec

from damlink._http.client import ANSWERED, TERMS, Client
from damlink._http.origin import origin_of
from damlink._http.retry import Terms
from damlink.bynder._action import action
from damlink.bynder.records.convert import decode
from damlink.bynder.resources.raw_content import FormValue, encode_content
from damlink.errors import ArgumentError, BynderError, ConnectorError, UnclearError

__all__ = ["Raw", "RawAnswer"]

Kind = Literal["json", "text", "bytes"]
_READS: Final = ("GET", "HEAD", "OPTIONS")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


@attrs.frozen(kw_only=True)
class RawAnswer:
    """An answer as it came.

    Attributes:
        status: such as 200.
        headers: by name, in lower case.
        body: JSON, text or bytes, as asked for; `None` where JSON was asked for and nothing came.
    """

    status: int
    headers: Mapping[str, str]
    body: Any = attrs.field(repr=False)


class Raw:
    """Any request to the portal, for what no other command covers.

    Args:
        elsewhere: a client that signs nothing, for other hosts.
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
        json: Any = None,
        body: str | bytes | None = None,
        body_file: Path | None = None,
        form: Mapping[str, FormValue] | None = None,
        multipart: bool = False,
        files: Mapping[str, Path | Sequence[Path]] | None = None,
        filenames: Mapping[str, str | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        response: Kind = "json",
        timeout: float | None = None,
        max_retries: int = 0,
        retry_delay_ms: int = 0,
        exponential_backoff: bool = False,
        retry_on_all_errors: bool = False,
    ) -> RawAnswer:
        """Send any request: signed, paced, and repeated as often as said here, whatever its method is.

        Args:
            method: such as GET or POST.
            path: of the portal, or a whole address; that of another host is asked without credentials.
            query: `name=value`, as often as needed.
            json: what to send as JSON.
            body: what to send as it is; name its kind with the header `Content-Type`.
            body_file: a file to send as it is, of any size; name its kind with the header `Content-Type`.
            form: fields to send as a form; several values of one name are sent one after the other.
            multipart: send the form as multipart/form-data even if no file is with it.
            files: to send in a multipart form: the path of each, or several, by the name of its field.
            filenames: what the files are to be called, by the same names of fields and in their order.
            headers: to send besides.
            response: what the answer holds.
            timeout: seconds to wait for an answer; 60 if not given.
            max_retries: how often to send it again, at most.
            retry_delay_ms: milliseconds between two tries; a `Retry-After` of the answer may prolong them.
            exponential_backoff: pauses that double instead, from half a second to a minute.
            retry_on_all_errors: after any refusal, and not only after a 5xx or a broken connection.

        Raises:
            ArgumentError: the arguments are written wrongly, or do not fit together.
            BynderError: the portal refuses it; the attribute `answer` of this and the other errors has
                the whole `RawAnswer`, where one came.
            UnclearError: it may or may not have happened.
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
            content = encode_content(
                open_files,
                json=json,
                body=body,
                body_file=body_file,
                form=form,
                files=files,
                filenames=filenames,
                multipart=multipart,
            )
            request = client.build_request(
                method.upper(),
                url.copy_merge_params(_query(query)) if query else url,
                headers={**content.pop("headers", {}), **(headers or {})},
                timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                extensions={TERMS: terms, ANSWERED: answers.append},
                **content,
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
        """Who sends it, and where to: our client signs and paces, and is for the portal alone."""
        own, url = self._client.origin, _url(path)
        if not url.host:
            return self._client, url
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
    """Refuse what no request can carry, before anything is sent."""
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
            # Whoever sent it must not think that nothing happened, and send it again.
            message = f"{message}: the {answer.request.method} may or may not have been carried out"
            raise UnclearError(message, hint=hint, status=answer.status_code) from error
        raise BynderError(message, hint=hint, status=answer.status_code) from error


def _whole(answer: httpx.Response, kind: Kind) -> RawAnswer:
    """Return a refusal as it came; a body that is not of the kind asked for as text."""
    try:
        body = _read(answer, kind)
    except (BynderError, UnclearError):
        body = answer.text
    return RawAnswer(status=answer.status_code, headers=dict(answer.headers), body=body)
