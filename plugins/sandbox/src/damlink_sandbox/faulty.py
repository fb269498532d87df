"""The outermost layer of each service: counts requests and plays the scripted failures."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import format_datetime
from typing import Any, Protocol

from uvicorn.protocols.http.h11_impl import H11Protocol

from damlink_sandbox.frames import (
    Half,
    Unfinished,
    another_etag,
    another_range,
    half_announced,
    in_one_segment,
    reset,
)
from damlink_sandbox.garbage import bomb, garble
from damlink_sandbox.router import Answer, Message, Receive, Send, json_answer, whole_body
from damlink_sandbox.world import Fault, World

Application = Callable[[Message, Receive, Send], Awaitable[None]]
DELAY_STEP_SECONDS = 0.02
_TRANSPORT = "damlink.transport"
_CREDENTIAL = re.compile(rb"auth|key|token|sign|cookie")
_ID = re.compile(r"(?<=/)(?:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){2,3}-[0-9A-Fa-f]{12,16}|[^/]{32,})(?=/|$)")


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that shows each request the connection it came by, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio."""
        super().connection_made(transport)
        inner: Application = self.app

        async def app(scope: Message, receive: Receive, send: Send) -> None:
            async def send_on(message: Message) -> None:
                if transport.is_closing():
                    # The client has gone: end the reading of a large file, too.
                    raise ConnectionError
                await send(message)

            scope[_TRANSPORT] = transport
            with contextlib.suppress(ConnectionError):
                await inner(scope, receive, send_on)
            if transport.is_closing():
                # An application must not end before its lost connection has.
                await _wait_for_disconnect(receive)

        self.app = app


class Admitting(Protocol):
    """An application that wants to see every request first, also those a scripted failure swallows."""

    def admit(self, client: str) -> Answer | None:
        """Return the refusal for this client address, if any."""


class Faulty:
    """`app` as `service` of the world, with the world's failures in front."""

    def __init__(self, app: Application, world: World, service: str) -> None:
        self._app, self._world, self._service = app, world, service
        self._admit: Callable[[str], Answer | None] = getattr(app, "admit", lambda _: None)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or fail as scripted."""
        self._count(scope["method"], scope["path"])
        send = _add_date(send, self._world)
        # First of all: a request that a failure swallows counts against the limit, too.
        refusal = self._admit(scope["client"][0] if scope.get("client") else "")
        if refusal is not None:
            await _answer(refusal, receive, send)
        elif fault := self._world.faults.strike(self._service, scope["method"], scope["path"]):
            await _STRIKES[fault.kind](self._app, fault, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _count(self, method: str, path: str) -> None:
        # Without its ids, so that all requests of one route are counted together.
        route = _ID.sub("{id}", path.rstrip("/")) or "/"
        self._world.counts.add(f"requests:{self._service}")
        self._world.counts.add(f"{self._service} {method} {route}")


def _add_date(send: Send, world: World) -> Send:
    """Return a function that sends answers dated by the sandbox's clock."""

    async def send_on(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ())]
            if all(name.lower() != b"date" for name, _ in headers):
                headers.append((b"date", format_datetime(world.clock.now(), usegmt=True).encode()))
            message = {**message, "headers": headers}
        await send(message)

    return send_on


async def _answer(answer: Answer, receive: Receive, send: Send) -> None:
    await _drain(receive)
    await answer.deliver(send)


async def _drain(receive: Receive) -> None:
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        raise ConnectionError


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _status(_app: Application, fault: Fault, _scope: Message, receive: Receive, send: Send) -> None:
    await _answer(_answer_of(fault), receive, send)


def _answer_of(fault: Fault) -> Answer:
    """Build the answer that a fault spells out."""
    kinds = {"{": "application/json", "[": "application/json", "<": "text/html"}
    return Answer(fault.status, fault.body.encode(), kinds.get(fault.body[:1], "text/plain"), fault.headers)


async def _cut(_app: Application, _fault: Fault, scope: Message, _receive: Receive, _send: Send) -> None:
    scope[_TRANSPORT].abort()


async def _cut_after(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    async def swallow(message: Message) -> None:
        pass

    await app(scope, receive, swallow)
    await _cut(app, fault, scope, receive, send)


async def _reset(_app: Application, _fault: Fault, scope: Message, _receive: Receive, _send: Send) -> None:
    reset(scope[_TRANSPORT])


async def _reset_within(
    _app: Application, _fault: Fault, scope: Message, receive: Receive, _send: Send
) -> None:
    await receive()
    reset(scope[_TRANSPORT])


async def _reset_after(
    app: Application, _fault: Fault, scope: Message, receive: Receive, _send: Send
) -> None:
    await _own_answer(app, scope, receive)
    reset(scope[_TRANSPORT])


async def _delay(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    began = time.monotonic()
    # In steps, because a test may shorten the delay of a request that it holds.
    while (left := began + fault.seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left, DELAY_STEP_SECONDS))
    await app(scope, receive, send)


async def _truncate(app: Application, _fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    await app(scope, receive, Half(send, scope[_TRANSPORT]))


class _Recorder:
    """A `send` that keeps an answer instead of sending it."""

    def __init__(self) -> None:
        self._head: Message = {}
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = message
        else:
            self._body += message.get("body", b"")

    @property
    def answer(self) -> Answer:
        """The answer kept."""
        head = {name.decode(): value.decode("latin-1") for name, value in self._head["headers"]}
        # `Answer` counts the bytes anew, since a changed body has another length.
        head.pop("content-length", None)
        kind = head.pop("content-type", "application/json")
        return Answer(self._head["status"], bytes(self._body), kind, head)


async def _own_answer(app: Application, scope: Message, receive: Receive) -> Answer:
    """Let the service act, and return what it would have answered."""
    recorder = _Recorder()
    await app(scope, receive, recorder)
    return recorder.answer


async def _status_after(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    await _own_answer(app, scope, receive)
    await _answer_of(fault).deliver(send)


async def _garble(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    answer = garble(fault.garbage, await _own_answer(app, scope, receive))
    await answer.deliver(Unfinished(send, scope[_TRANSPORT]) if answer.size else send)


async def _overlong(app: Application, _fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    announced, rest = half_announced(await _own_answer(app, scope, receive))
    with in_one_segment(scope[_TRANSPORT]):
        await announced.deliver(send)
        scope[_TRANSPORT].write(rest)


def _change_answer(change: Callable[[Answer], Answer]) -> Callable[..., Awaitable[None]]:
    """Return a strike that acts, and sends the answer with a change."""

    async def strike(app: Application, _fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
        await change(await _own_answer(app, scope, receive)).deliver(send)

    return strike


async def _hang(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    await _own_answer(app, scope, receive)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_wait_for_disconnect(receive), fault.seconds or None)
    await _cut(app, fault, scope, receive, send)


async def _drip(app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    async def send_slowly(message: Message) -> None:
        for number in range(len(message.get("body", b""))):
            await asyncio.sleep(fault.seconds)
            piece = message["body"][number : number + 1]
            await send(message | {"body": piece, "more_body": True})
        await send(message | {"body": b""} if message["type"] == "http.response.body" else message)

    await app(scope, receive, send_slowly)


async def _bomb(app: Application, _fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    own = await _own_answer(app, scope, receive)
    await Answer(own.status, bomb(), headers={"content-encoding": "deflate"}).deliver(send)


async def _echo(_app: Application, fault: Fault, scope: Message, receive: Receive, send: Send) -> None:
    said = [value.decode("latin-1") for name, value in scope["headers"] if _CREDENTIAL.search(name)]
    said += [scope["query_string"].decode(), (await whole_body(receive)).decode("utf-8", "replace")]
    words = " ".join(filter(None, [fault.body, *said]))
    await json_answer(fault.status, {"message": f"refused: {words}"}).deliver(send)


_STRIKES: Mapping[str, Callable[[Application, Fault, Message, Receive, Send], Awaitable[Any]]] = {
    "status": _status,
    "cut": _cut,
    "cut-after": _cut_after,
    "truncate": _truncate,
    "delay": _delay,
    "status-after": _status_after,
    "garble": _garble,
    "hang": _hang,
    "drip": _drip,
    "bomb": _bomb,
    "echo": _echo,
    "reset": _reset,
    "reset-within": _reset_within,
    "reset-after": _reset_after,
    "overlong": _overlong,
    "wrong-range": _change_answer(another_range),
    "wrong-etag": _change_answer(another_etag),
}
