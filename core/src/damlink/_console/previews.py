"""Previews of assets as answers: a picture of an allowed type, or nothing of what was received."""

from __future__ import annotations

import threading
from typing import Final

from starlette.responses import PlainTextResponse, Response

from damlink._console.desk import Desk
from damlink._console.page import Query
from damlink._run.preview import SECONDS, fetch_preview
from damlink.errors import DamlinkError

__all__ = ["Previews"]

# A portal that does not answer must not hold the threads that make the pages.
MOST_AT_ONCE: Final = 4


class Previews:
    """The previews of one server.

    Args:
        seconds: the limit of one preview; see `fetch_preview`.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)

    def answer(self, desk: Desk, query: Query) -> Response:
        """Return the picture, or 404 if there is none, whatever the reason."""
        if not self._free.acquire(blocking=False):
            return _no_preview()
        try:
            found = fetch_preview(desk, query.get("connector", ""), query.get("id", ""), self._seconds)
        except DamlinkError:
            return _no_preview()
        finally:
            self._free.release()
        return Response(found.content, media_type=found.media_type, headers={"content-disposition": "inline"})


def _no_preview() -> Response:
    return PlainTextResponse("there is no preview\n", 404)
