"""Recording of exchanges over the network, and their replay without it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import httpx

from damlink._http.answer import AnswerLimits, read_answer
from damlink._http.network import Send
from damlink._http.outcome import REFUSES
from damlink.errors import ConnectorError
from damlink.testing.recording import Answer, Exchange
from damlink.testing.redaction import Redactor

__all__ = ["EffectRefusedError", "NotRecordedError", "Recorder", "Replayer"]

_HARMLESS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TEXT: Final = re.compile(r"text/|application/(.*json|.*xml|x-www-form-urlencoded|javascript)|.*\+(json|xml)")
_BEGINNING: Final = re.compile(rb"\s*([{\[<]|\Z)")  # of JSON, XML or HTML, or of nothing
# Of a file's bytes, which are not recorded.
MOST_ZEROS: Final = 1024 * 1024
MOST_REQUEST_BODY: Final = 64 * 1024
_FRAMING: Final = ("content-encoding", "transfer-encoding", "content-length")


class EffectRefusedError(ConnectorError):
    """A request that may have an effect is not sent during a recording."""


class NotRecordedError(ConnectorError):
    """A replay has no answer to a request."""


class _Body(httpx.SyncByteStream):
    """Body of an answer, read or made up already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content


def _refuse_effect(request: httpx.Request, allowed: re.Pattern[str]) -> None:
    line = f"{request.method} {request.url.path}"
    if request.method not in _HARMLESS and not allowed.search(line):
        hint = "if it only reads, allow it: --allow PATTERN"
        raise EffectRefusedError(f"{line} may have an effect, and was not sent", hint=hint)


def _text_of(request: httpx.Request) -> str:
    """Return the body of a request, if it is a short text."""
    length = int(request.headers.get("content-length") or 0)
    if not length or length > MOST_REQUEST_BODY or not isinstance(request.stream, httpx.ByteStream):
        return ""
    return request.read().decode("utf-8", "replace")


class Recorder:
    """Sends requests, and keeps them with their answers. Those of an authentication are sent and not kept.

    Args:
        redactor: takes the secrets out.
        allowed: matches "METHOD /path" of requests that only read, whatever their method.
    """

    def __init__(self, redactor: Redactor, allowed: re.Pattern[str]) -> None:
        self._redactor = redactor
        self._allowed = allowed
        self._lock = threading.Lock()
        self._kept: list[tuple[httpx.Request, httpx.Response, str, int]] = []

    def __call__(self, request: httpx.Request, send: Send) -> httpx.Response:
        """Send a request, unless it may have an effect."""
        is_own = REFUSES in request.extensions
        if is_own:
            _refuse_effect(request, self._allowed)
        self._redactor.note_request(request)
        response = send(request)
        response.request = request
        if not _TEXT.match(response.headers.get("content-type", "text/plain")):
            self._keep(request, response, "", int(response.headers.get("content-length") or 0), is_own)
            return response
        read_answer(response, AnswerLimits())
        # An answer that does not say what it is may be a file.
        is_file = "content-type" not in response.headers and not _BEGINNING.match(response.content)
        body, size = ("", len(response.content)) if is_file else (response.text, 0)
        self._redactor.note_answer(response.headers, body)
        self._keep(request, response, body, size, is_own)
        return _copy(response)

    def _keep(
        self, request: httpx.Request, response: httpx.Response, body: str, size: int, is_own: bool
    ) -> None:
        # A failure for now, and a token that has expired, are followed by the same request.
        if is_own and response.status_code < 500 and response.status_code not in (401, 408, 429):
            with self._lock:
                self._kept.append((request, response, body, size))

    def exchanges(self) -> tuple[Exchange, ...]:
        """Return what was recorded, without any secret that was seen until now."""
        redactor = self._redactor
        return tuple(
            Exchange(
                method=request.method,
                url=redactor.address(request.url),
                body=redactor.body(_text_of(request)),
                answer=Answer(
                    response.status_code, redactor.headers(response.headers), redactor.body(body), size
                ),
            )
            for request, response, body, size in self._kept
        )


def _copy(response: httpx.Response) -> httpx.Response:
    """Return an answer that was read, to be read again."""
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _FRAMING]
    size = ("Content-Length", str(len(response.content)))
    if response.request.method == "HEAD":
        size = ("Content-Length", response.headers.get("content-length", "0"))
    return httpx.Response(response.status_code, headers=[*headers, size], stream=_Body(response.content))


class Replayer:
    """Answers requests by a recording, each in the order in which it was recorded; sends nothing.

    A request that was not recorded gets the next answer to one that differs in the values of its query only,
    such as the time: a plugin has other clocks than that of its context.

    Args:
        exchanges: of the recording.
        redactor: makes a request look as it was recorded.
        allowed: as for the recording.
    """

    def __init__(self, exchanges: Iterable[Exchange], redactor: Redactor, allowed: re.Pattern[str]) -> None:
        self._redactor = redactor
        self._allowed = allowed
        self._lock = threading.Lock()
        self._unused = list(exchanges)
        self._used: dict[tuple[str, str, str], Exchange] = {}
        self.missing: list[str] = []

    def __call__(self, request: httpx.Request, _send: Send) -> httpx.Response:
        """Return the recorded answer."""
        redactor = self._redactor
        asked = Exchange(
            request.method,
            redactor.address(request.url),
            Answer(0),
            redactor.body(_text_of(request)),
        )
        with self._lock:
            found = (
                self._take(lambda each: each.key == asked.key)
                or self._used.get(asked.key)
                or self._take(lambda each: _outline(each) == _outline(asked))
            )
            if found is not None:
                self._used[asked.key] = found
                return _answer(found.answer)
            _refuse_effect(request, self._allowed)
            line = f"{asked.method} {asked.url}"
            self.missing.append(line)
        raise NotRecordedError(f"the recording has no {line}", hint="record again, or correct the plugin")

    def _take(self, fits: Callable[[Exchange], bool]) -> Exchange | None:
        found = next((each for each in self._unused if fits(each)), None)
        if found is not None:
            self._unused.remove(found)
        return found


def _outline(exchange: Exchange) -> tuple[object, ...]:
    """Return a request without the values of its query."""
    url = httpx.URL(exchange.url)
    return exchange.method, url.copy_with(query=None), sorted(url.params.keys()), exchange.body


def _answer(recorded: Answer) -> httpx.Response:
    content = recorded.body.encode() or bytes(min(recorded.bytes, MOST_ZEROS))
    headers = {**recorded.headers, "Content-Length": str(len(content))}
    return httpx.Response(recorded.status, headers=headers, stream=_Body(content))
