"""A small router: routes with the rights they ask for, sync handlers over one state, plain answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

import attrs

from damlink_sandbox.multipart import read_fields

State = TypeVar("State")
# ASGI's own shapes.
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@attrs.define
class Call:
    """One request to a handler.

    Attributes:
        path: without a trailing slash.
        headers: names in lower case.
        params: what stood in the places of the route's `{names}`.
        caller: the caller, as the guard has identified it.
        multipart: whether the route reads multipart/form-data as well as urlencoded bodies.
        query_string: as it came, for what `query` cannot hold: a name given more than once.
        url: the whole address as it was asked.
    """

    method: str
    path: str
    headers: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    params: Mapping[str, str] = attrs.field(factory=dict)
    # Each router's guard has its own idea of a caller.
    caller: Any = None
    multipart: bool = False
    query_string: str = ""
    url: str = ""

    def form(self) -> dict[str, str]:
        """Read the fields of a form body; none for a body of another type."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        if self.multipart and kind.startswith("multipart/form-data"):
            return read_fields(kind, self.body)
        return {}


@attrs.define
class Answer:
    """Response: a status and a body, or a stream of `size` bytes."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = attrs.field(factory=dict)
    stream: Iterator[bytes] | None = None
    size: int = 0

    async def deliver(self, send: Send) -> None:
        """Send it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self._head()})
        for piece in self.stream or ():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": self.body})

    def _head(self) -> list[tuple[bytes, bytes]]:
        head = dict(self.headers)
        if self.status != 204:
            head |= {"content-type": self.media_type, "content-length": str(self.size or len(self.body))}
        return [(name.encode(), value.encode("latin-1", "replace")) for name, value in head.items()]


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """Raised anywhere below a handler: the answer is this one."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(status: int, data: Any, **headers: str) -> Answer:
    """Return an answer with a JSON body; header names are given with `_` for `-`."""
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, headers={name.replace("_", "-"): value for name, value in headers.items()})


Handler = Callable[[State, Call], Answer]


@attrs.frozen
class Route(Generic[State]):
    """One way in.

    Attributes:
        pattern: such as `/api/v4/media/{id}`, without a trailing slash; both spellings are answered.
        scopes: any of these on the token; empty: any valid token.
        roles: any of these in the caller's profile; empty: none needed.
        open: asked without a token.
        slow: runs in a thread of its own and takes the state's lock itself.
    """

    method: str
    pattern: str
    handler: Handler[State]
    scopes: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    open: bool = False
    slow: bool = False
    multipart: bool = False
    segments: tuple[str, ...] = attrs.field(init=False)

    @segments.default
    def _segments(self) -> tuple[str, ...]:
        return tuple(self.pattern.split("/"))

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """Return the values of the pattern's names, or `None` where the path is another."""
        params = {}
        for own, given in zip(self.segments, segments, strict=True):
            if own.startswith("{"):
                params[own[1:-1]] = given
            elif own != given:
                return None
        return params


class Routes(Generic[State]):
    """The routes of one resource, collected by decorator."""

    def __init__(self) -> None:
        self.all: list[Route[State]] = []

    def add(
        self, line: str, *, scopes: str = "", roles: str = "", open: bool = False,  # noqa: A002 - the route's word
        slow: bool = False, multipart: bool = False,
    ) -> Callable[[Handler[State]], Handler[State]]:  # fmt: skip
        """Add the decorated handler at `line`, such as `"GET /api/v4/account"`.

        Args:
            line: method and pattern.
            scopes: any of these, separated by spaces.
            roles: any of these, separated by spaces.
            open: no token is asked for.
            slow: see `Route`.
            multipart: see `Call`.
        """
        method, pattern = line.split()

        def register(handler: Handler[State]) -> Handler[State]:
            wanted = frozenset(scopes.split()), frozenset(roles.split())
            self.all.append(Route(method, pattern, handler, *wanted, open, slow, multipart))
            return handler

        return register


Guard = Callable[[State, Route[State], Call], None]


class Router(Generic[State]):
    """An ASGI application over `state`: finds the route, asks the guard, runs the handler under the lock."""

    def __init__(
        self,
        state: State,
        routes: Iterable[Route[State]],
        *,
        lock: contextlib.AbstractContextManager[Any],
        unknown: Callable[[Call], Answer],
        guard: Guard[State] = lambda *_: None,
    ) -> None:
        self._state, self._lock, self._unknown, self._guard = state, lock, unknown, guard
        self._by_length: defaultdict[int, list[Route[State]]] = defaultdict(list)
        # A literal goes first: `/media/save` must not be taken for `/media/{id}`.
        for route in sorted(routes, key=lambda route: route.pattern.count("{")):
            self._by_length[len(route.segments)].append(route)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = _call(scope, await whole_body(receive))
        route = self._find(call)
        if route is not None and route.slow:
            answer = await asyncio.to_thread(self._run, route, call)
        else:
            with self._lock:
                answer = self._run(route, call)
        await answer.deliver(send)

    def _find(self, call: Call) -> Route[State] | None:
        segments = call.path.split("/")
        for route in self._by_length[len(segments)]:
            params = route.match(segments) if route.method == call.method else None
            if params is not None:
                call.params, call.multipart = params, route.multipart
                return route
        return None

    def _run(self, route: Route[State] | None, call: Call) -> Answer:
        if route is None:
            return self._unknown(call)
        try:
            # Any other route runs under the lock already.
            with self._lock if route.slow else contextlib.nullcontext():
                self._guard(self._state, route, call)
            return route.handler(self._state, call)
        except Refusal as refusal:
            return refusal.answer


def _call(scope: Message, body: bytes) -> Call:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
    path, text = scope["path"].rstrip("/"), scope["query_string"].decode()
    raw = scope["raw_path"].decode("latin-1") + (f"?{text}" if text else "")
    url = f"{scope['scheme']}://{headers.get('host', '')}{raw}"
    return Call(scope["method"], path, headers, query, body, query_string=text, url=url)


async def pieces_of(receive: Receive) -> list[bytes]:
    """Read a small body as it arrives.

    Raises:
        ConnectionError: the client went away before its end.
    """
    pieces = []
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return pieces


async def whole_body(receive: Receive) -> bytes:
    """Read a small body; where the client goes away, return its beginning."""
    return b"".join(await pieces_of(receive))
