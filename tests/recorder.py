"""A sandbox that keeps every request and its answer, as they were on the wire."""

from __future__ import annotations

import urllib.parse
from typing import Any, Self

import attrs

from damlink_sandbox import Sandbox


@attrs.define
class Exchange:
    """One request and its answer."""

    service: str
    method: str
    path: str
    query: str
    content_type: str
    body: bytes = b""
    status: int = 0
    answer_type: str = ""
    answer: bytes = b""
    answer_headers: dict[str, str] = attrs.field(factory=dict)

    def form(self) -> dict[str, str]:
        """The fields of a form body."""
        return dict(urllib.parse.parse_qsl(self.body.decode(), keep_blank_values=True))


class Recorder:
    """An ASGI application around another: hands everything on, and keeps it."""

    def __init__(self, app: Any, service: str, kept: list[Exchange]) -> None:
        self._app, self._service, self._kept = app, service, kept

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the other answer one request."""
        exchange = Exchange(
            self._service,
            scope["method"],
            scope["path"],
            scope["query_string"].decode(),
            _type(scope["headers"]),
        )

        async def hear() -> Any:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def say(message: Any) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.answer_type = message["status"], _type(message["headers"])
                exchange.answer_headers = {
                    name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]
                }
                self._kept.append(exchange)
            exchange.answer += message.get("body", b"")
            await send(message)

        await self._app(scope, hear, say)


class RecordedSandbox(Sandbox):
    """A sandbox that keeps all that is asked of it, and what it answers.

    Attributes:
        exchanges: what has been asked and answered so far.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.exchanges: list[Exchange] = []
        super().__init__(*arguments, **options)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def _services(self) -> dict[str, Any]:
        return {
            name: app if name == "control" else Recorder(app, name, self.exchanges)
            for name, app in super()._services().items()
        }


def _type(headers: Any) -> str:
    found: dict[bytes, str] = {name.lower(): value.decode("latin-1") for name, value in headers}
    return found.get(b"content-type", "").partition(";")[0].strip().lower()
