"""The endpoint of the streams by which pages update themselves."""

from __future__ import annotations

from typing import Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from damlink._console.guard import EVENT_STREAM, wants_stream
from damlink._console.live import Live
from damlink.errors import StateError

__all__ = ["Streams"]

MOST_NAME: Final = 200
# A proxy that collects an answer first would hold every event back.
_HEADERS: Final = {"x-accel-buffering": "no"}


class Streams:
    """The streams of one console, at their address."""

    def __init__(self, live: Live) -> None:
        self._live = live

    async def stream(self, request: Request) -> Response:
        """Stream changes to a browser; answer a program with the present digest."""
        connector = request.query_params.get("connector", "")[:MOST_NAME]
        if not wants_stream(request):
            try:
                marks = await to_thread.run_sync(self._live.read)
            except StateError as error:
                return PlainTextResponse(f"{error}\n", 503)
            return JSONResponse({"seen": marks.of(connector)})
        # A browser that comes back says what it has seen last.
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        events = self._live.follow(request.state.visitor.session, connector, seen)
        return StreamingResponse(events, media_type=EVENT_STREAM, headers=_HEADERS)
