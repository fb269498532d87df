"""`damlink serve`, killed while it reads a queue of events."""

from __future__ import annotations

import contextlib
import functools
import random
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from loopback import COMMAND, Site, until
from notifications import notification
from queues import Filled, standing_in

from damlink._state.database import Database
from damlink._state.tables import inbox

COUNT = 10_000
MOST_HELD = 150
MOST_BETWEEN_KILLS = 600
REPEATED = 500  # SNS sends at least once
SEED = 11
# Until a message that a dead process had received is seen again.
HIDDEN_SECONDS = 5
MOST_SECONDS = 3000.0
ASSET = "0A1B2C3D-0000-0000-{:016X}"


@pytest.fixture
def queue(site: Site) -> Iterator[Filled]:
    """A queue, and a config whose portal has its events there; nothing that events concern runs."""
    sns: Any = site.sandbox.part("sns")
    with (
        standing_in() as amazon,
        contextlib.closing(Filled(amazon, "events", visibility=HIDDEN_SECONDS)) as made,
    ):
        site.tables["portals"]["brand"] |= {**sns.portal(), "event_queue": made.url}
        site.tables |= {"serve": {"port": 0}, "connectors": {}}
        site.write()
        yield made


def messages(site: Site) -> list[Any]:
    """Messages about so many assets in any order: signed and raw ones in turn, some signed ones twice."""
    chance = random.Random(SEED)
    signed = [notification(site, ASSET.format(number)) for number in range(0, COUNT, 2)]
    raw = [{"media_id": ASSET.format(number)} for number in range(1, COUNT, 2)]
    all_ = [*signed, *raw, *chance.sample(signed, REPEATED)]
    chance.shuffle(all_)
    return all_


def rows(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one())


def kill_until_read(site: Site, queue: Filled, database: Database) -> int:
    """Run and kill the service after any number of messages, until all have been read; how many kills."""
    chance, kills, waiting = random.Random(SEED), 0, messages(site)
    while waiting or sum(queue.left):
        goal = rows(database) + chance.randrange(1, MOST_BETWEEN_KILLS)
        is_read = functools.partial(is_far_enough, queue, waiting, database, goal)
        log = (site.folder / "serve.log").open("a")
        command = [*COMMAND, "serve", "--quiet"]
        with log, subprocess.Popen(command, cwd=site.folder, env=site.environment, stderr=log) as child:
            try:
                until(is_read, MOST_SECONDS, pause=0.2)
            finally:
                child.kill()
        kills += 1
    return kills


def is_far_enough(queue: Filled, waiting: list[Any], database: Database, goal: int) -> bool:
    """Return whether so much has been stored, or all; put more messages into the queue."""
    left = sum(queue.left)
    # Not all at once: the stand-in takes longer for each message, the more it holds.
    more, waiting[:] = waiting[: max(0, MOST_HELD - left)], waiting[max(0, MOST_HELD - left) :]
    queue.send(*more)
    return rows(database) >= goal or not left + len(more)


@pytest.mark.acceptance
@pytest.mark.timeout(3600)
def test_serve_when_killed_while_it_reads_a_queue_loses_and_repeats_nothing(
    site: Site, queue: Filled, record_property: Callable[[str, object], None]
) -> None:
    database = Database("sqlite:///damlink.db", site.folder)
    with contextlib.closing(database):
        kills = kill_until_read(site, queue, database)
        with database.read() as connection:
            found = sorted(connection.execute(sa.select(inbox.c.asset_id)).scalars())
    record_property("kills", kills)
    record_property("stored", len(found))
    assert found == [ASSET.format(number) for number in range(COUNT)]
    assert kills >= 20
