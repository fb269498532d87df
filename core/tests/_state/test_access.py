"""Links, sessions and tokens end when they should, and only their hashes are stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from damlink._state.access import ABSOLUTE, IDLE, LINK, MOST_SESSIONS, NOTE_AFTER, Access, Kind
from damlink._state.console_tables import console_access as t
from damlink._state.database import Database
from damlink._state.users import Role, Users

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("age", "works"), [(LINK, True), (LINK + SECOND, False)], ids=["fresh", "old"])
def test_link_when_old_begins_nothing(database: Database, time_: Any, age: timedelta, works: bool) -> None:
    access = Access(database)
    link = access.make_link("ann")
    time_.pass_by(seconds=age.total_seconds())
    assert (access.use_link(link) is not None) is works


def test_link_when_used_by_many_at_once_begins_one_session(
    database: Database, together: Callable[..., list[Any]]
) -> None:
    access = Access(database)
    link = access.make_link("ann")
    begun = [each for each in together(4, lambda _: access.use_link(link)) if each]
    assert [user for user, _ in begun] == ["ann"]


def test_session_when_not_used_ends(database: Database, time_: Any) -> None:
    access = Access(database)
    secret = access.begin("ann")
    time_.pass_by(seconds=(IDLE + NOTE_AFTER + SECOND).total_seconds())
    assert access.touch(secret, Kind.SESSION) is None
    assert access.listing("ann") == []


def test_session_when_always_used_ends_as_well(database: Database, time_: Any) -> None:
    access = Access(database)
    secret = access.begin("ann")
    used = [_touch_later(access, time_, secret) for _ in range(int(ABSOLUTE / IDLE) + 1)]
    assert used == [True] * (len(used) - 1) + [False]


def _touch_later(access: Access, time_: Any, secret: str) -> bool:
    time_.pass_by(seconds=IDLE.total_seconds())
    return access.touch(secret, Kind.SESSION) is not None


def test_sessions_when_too_many_end_the_one_that_rested_longest(database: Database, time_: Any) -> None:
    access = Access(database)
    first, other = access.begin("ann"), access.begin("bob")
    time_.pass_by(seconds=1)
    later = [access.begin("ann") for _ in range(MOST_SESSIONS)]
    alive = [access.touch(each, Kind.SESSION) is not None for each in (first, other, *later)]
    assert alive == [False, *[True] * (MOST_SESSIONS + 1)]


@pytest.mark.parametrize("lasts", [timedelta(days=1), None], ids=["a-day", "for-ever"])
def test_token_when_its_time_is_over_lets_nobody_in(
    database: Database, time_: Any, lasts: timedelta | None
) -> None:
    access = Access(database)
    token = access.make_token("ann", "report", lasts)
    assert access.touch(token, Kind.SESSION) is None
    time_.pass_by(days=2)
    assert (access.touch(token, Kind.TOKEN) is None) is (lasts is not None)


def test_secrets_when_stored_are_hashes(database: Database) -> None:
    access = Access(database)
    secrets = [access.make_link("ann"), access.begin("ann"), access.make_token("ann", "report", None)]
    with database.read() as connection:
        stored = str(connection.execute(sa.select(t)).all())
    assert [each for each in secrets if each in stored] == []


def test_user_when_signed_out_everywhere_keeps_the_session_at_hand(database: Database) -> None:
    access = Access(database)
    kept, *ended = (access.begin("ann") for _ in range(3))
    other = access.begin("bob")
    found = access.touch(kept, Kind.SESSION)
    assert found is not None
    access.revoke_all("ann", but=found.hash)
    assert all(access.touch(each, Kind.SESSION) for each in (kept, other))
    assert not any(access.touch(each, Kind.SESSION) for each in ended)


def test_user_when_removed_is_let_in_no_longer(database: Database) -> None:
    users, access = Users(database), Access(database)
    assert users.add("ann", Role.OPERATOR, None)
    assert not users.add("ann", Role.ADMINISTRATOR, None)
    secret = access.begin("ann")
    assert users.remove("ann")
    assert (users.find("ann"), access.touch(secret, Kind.SESSION)) == (None, None)


@pytest.mark.parametrize("role", Role)
def test_role_when_compared_includes_those_before_it(role: Role) -> None:
    order = list(Role)
    assert [role.includes(each) for each in order] == [
        each in order[: order.index(role) + 1] for each in order
    ]
