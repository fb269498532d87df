"""A portal of the sandbox that keeps what it is asked, and every call of the client to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from official import calls_on_assets, calls_on_people, calls_on_services
from official.one_of_each import World
from recorder import RecordedSandbox

from damlink import Secret
from damlink._http.bearer import BearerAuth
from damlink.bynder import Portal
from damlink_sandbox import BynderSandbox, Synthetic

__all__ = ["make_every_call", "open_portal", "open_world"]

MEDIA: Final = [
    Synthetic("beach.jpg", 40_000, "image", 1, 64, 48),
    Synthetic("film.mp4", 60_000, "video", 2, 64, 48),
]
CALLS: Final = (*calls_on_assets.CALLS, *calls_on_people.CALLS, *calls_on_services.CALLS)


@contextlib.contextmanager
def open_portal() -> Iterator[RecordedSandbox]:
    """A portal without lags and without a limit."""
    with RecordedSandbox([BynderSandbox], media=MEDIA) as running:
        portal = running.part("bynder")
        portal.control("lag", {"index": 0, "conversion": 0.01, "s3": 0})
        portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        yield running


@contextlib.contextmanager
def open_world(sandbox: RecordedSandbox, file: Path) -> Iterator[World]:
    """A client of the portal, and one of everything in it.

    Args:
        file: is written, and uploaded.
    """
    file.write_bytes(b"a small picture")
    part: Any = sandbox.part("bynder")
    origin, client = sandbox.origins["portal"], (part.client_id, part.client_secret)
    with (
        Portal(origin, BearerAuth(Secret(part.token)), pace=None) as portal,
        Portal.with_client_credentials(origin, *client, pace=None) as application,
    ):
        yield World(portal, application, lambda action, **body: part.control(action, body), file)


def make_every_call(world: World) -> None:
    """Call every method with every argument; lists are read to their end."""
    for calls in CALLS:
        for answer in calls(world):
            list(answer) if isinstance(answer, Iterator) else None
