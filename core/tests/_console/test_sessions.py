"""Who is let in, by a link, a password or a token, and with which role."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from canaries import KEY

from damlink._config.load import loads
from damlink._console.sessions import Sessions
from damlink._console.throttle import FREE
from damlink._run.session import Session
from damlink._secrets.passwords import hash_password
from damlink._state.access import OWNER, Access
from damlink._state.audit import Audit
from damlink._state.users import Role, Users

PASSWORD = "correct horse battery"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    with Session(loads("", tmp_path / "damlink.toml")) as opened:
        Users(opened.database).add("ann", Role.OPERATOR, hash_password(PASSWORD))
        yield opened


@pytest.mark.parametrize(("alone", "enters"), [(True, True), (False, False)], ids=["alone", "reachable"])
def test_person_at_the_machine_when_others_reach_the_console_does_not_enter(
    session: Session, alone: bool, enters: bool
) -> None:
    sessions = Sessions(session, alone=alone)
    assert (sessions.begin(sessions.make_link()) is not None) is enters
    owners = Access(session.database).begin(OWNER)
    assert (sessions.admit(owners) is not None) is enters


def test_sessions_when_the_command_ends_are_over_for_the_person_at_the_machine(session: Session) -> None:
    sessions = Sessions(session)
    own, anns = sessions.begin(sessions.make_link()), sessions.begin(sessions.make_link("ann"))
    sessions.close()
    assert sessions.admit(own or "") is None
    assert sessions.admit(anns or "") is not None


def test_user_when_the_role_changes_has_it_from_the_next_request_on(session: Session) -> None:
    sessions = Sessions(session)
    secret = sessions.sign_in("ann", PASSWORD) or ""
    before = sessions.admit(secret)
    Users(session.database).change("ann", {"role": "viewer"})
    after = sessions.admit(secret)
    Users(session.database).remove("ann")
    assert [each and each.role for each in (before, after, sessions.admit(secret))] == [
        Role.OPERATOR,
        Role.VIEWER,
        None,
    ]


def test_link_when_its_user_is_gone_lets_nobody_in(session: Session) -> None:
    sessions = Sessions(session)
    link = sessions.make_link("bob")
    assert sessions.begin(link) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", ""), ("ann", "Correct horse battery"), ("bob", PASSWORD), ("", ""), ("ann\0", PASSWORD)],
)
def test_password_when_wrong_lets_nobody_in(session: Session, name: str, password: str) -> None:
    assert Sessions(session).sign_in(name, password) is None


def test_password_when_wrong_too_often_locks_the_name_and_is_noted_once(session: Session) -> None:
    sessions = Sessions(session)
    assert [sessions.sign_in("ann", "wrong") for _ in range(FREE)] == [None] * FREE
    assert sessions.wait_seconds("ann") > 0
    assert [(each.user, each.action) for each in Audit(session.database).latest(9)] == [
        ("ann", "sign-in is locked")
    ]


def test_token_when_sent_as_a_session_lets_nobody_in(session: Session) -> None:
    sessions = Sessions(session)
    token = Access(session.database).make_token("ann", "report", timedelta(days=1))
    visitor = sessions.admit_token(token)
    assert visitor is not None
    assert (visitor.user, visitor.role, sessions.admit(token)) == ("ann", Role.OPERATOR, None)
