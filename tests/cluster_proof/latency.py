"""How long an event waits while a back-fill runs."""

from __future__ import annotations

import contextlib
import time
from typing import Final

import psycopg
from loopback import Site, until

from damlink._serve.sent_event import USUAL_EVENT, make_event
from damlink._state.database import Database
from damlink._state.inbox import Inbox

__all__ = ["EVERY_SECONDS", "PAUSE_SECONDS", "time_events"]

# An event takes some ten requests, and the reserved tenth is 45 in 30 s.
EVERY_SECONDS: Final = 8.0
# Bynder's advised pause, for which an event rests.
PAUSE_SECONDS: Final = 5.0


def time_events(site: Site, url: str, connector: str, seconds: float) -> dict[str, list[float]]:
    """Tag an asset now and then; return the seconds, beyond the pause, until each was begun and pushed."""
    told: dict[str, float] = {}
    seen: dict[str, dict[str, float]] = {"begun": {}, "pushed": {}}
    with contextlib.closing(Database(url, site.folder)) as database, psycopg.connect(url) as asking:
        inbox, ends, next_at = Inbox(database), time.monotonic() + seconds, 0.0

        def look() -> bool:
            query = "SELECT source_id, state FROM ledger WHERE connector = %s AND source_id = ANY(%s)"
            for key, state in asking.execute(query, [connector, [*told]]):
                if state != "due":
                    seen["begun"].setdefault(key, time.monotonic())
                if state == "pushed":
                    seen["pushed"].setdefault(key, time.monotonic())
            asking.commit()
            return len(seen["pushed"]) == len(told)

        while time.monotonic() < ends:
            if time.monotonic() >= next_at:
                next_at = time.monotonic() + EVERY_SECONDS
                key = _tag(site, inbox, len(told))
                told[key] = time.monotonic()
            look()
            time.sleep(0.1)
        until(look, 120, pause=0.1)
    return {
        what: sorted(round(moment - told[key] - PAUSE_SECONDS, 2) for key, moment in each.items())
        for what, each in seen.items()
    }


def _tag(site: Site, inbox: Inbox, number: int) -> str:
    asset = site.portal.control(
        "add_asset", {"name": f"tagged {number}", "tags": ["protect"], "media": number % 3}
    )
    key = str(asset["id"])
    inbox.put(make_event("brand", key, USUAL_EVENT))
    return key
