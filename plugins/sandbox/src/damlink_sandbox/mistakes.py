"""Errors that the code of a stand-in raises: each is noted, and shown as one short traceback."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

from damlink_sandbox.router import Message, Receive, Send, json_answer
from damlink_sandbox.world import World

__all__ = ["note_mistakes"]

Application = Callable[[Message, Receive, Send], Awaitable[None]]
# Frames of these are of no help to the author.
_FOREIGN: Final = (
    "/starlette/",
    "/anyio/",
    "/asyncio/",
    "/concurrent/",
    "/threading.py",
    "/damlink_sandbox/",
)
_log: Final = logging.getLogger(__name__)


def note_mistakes(app: Application, world: World, service: str) -> Application:
    """Return an application that answers 500 where `app` raises, and notes the error in the world."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, send_on)
        except ConnectionError:
            # The client has gone.
            raise
        except Exception as error:  # noqa: BLE001 - whatever the stand-in raises
            line = f"{scope['method']} {scope['path']}"
            _note(world, f"the stand-in of {service} raised at {line}", error)
            if not begun:
                await json_answer(500, {"error": "the stand-in raised"}).deliver(send)

    return answer


def _note(world: World, what: str, error: Exception) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if not any(part in each.filename for part in _FOREIGN)] or frames[-1:]
    place = f"{own[-1].filename}:{own[-1].lineno}"
    world.mistakes.append(f"{type(error).__name__}: {error} ({place})")
    if len(world.mistakes) == 1:
        # Further ones come of the same line, mostly.
        said = "".join((*traceback.format_list(own), *traceback.format_exception_only(error)))
        _log.error("%s:\n%s", what, said.rstrip())
