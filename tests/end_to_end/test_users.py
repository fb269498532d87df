"""Users of the console on the command line, and the log of what was done to them."""

from __future__ import annotations

import io
import json
import sqlite3

import pytest
from loopback import Site

PASSWORD = "correct horse battery"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program pipes in."""
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))


def test_user_when_added_and_changed_is_listed_and_logged(site: Site, typed: None) -> None:
    site.run("users", "add", "ann", "--role", "operator")
    site.run("users", "role", "ann", "administrator")
    (user,) = map(json.loads, site.run("users", "list", "--json").stdout.splitlines())
    assert (user["name"], user["role"], user["has_password"]) == ("ann", "administrator", True)
    logged = [json.loads(line) for line in site.run("audit", "--json").stdout.splitlines()]
    assert [each["action"] for each in logged] == ["users role", "users add"]
    assert json.loads(logged[0]["details"]) == {"role": ["operator", "administrator"]}
    assert "2 entries, none changed" in site.run("audit", "--verify").stdout
    assert PASSWORD.encode() not in (site.folder / "damlink.db").read_bytes()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "ann"], "damlink users role"),
        (["add", "../ann"], "cannot be the name of a user"),
        (["add", "bob"], "take 12 to 200 characters"),
        (["role", "bob", "viewer"], "no user 'bob'"),
        (["token", "bob", "report"], "no user 'bob'"),
        (["revoke", "bob"], "no user 'bob'"),
        (["remove", "bob"], "no user 'bob'"),
    ],
    ids=" ".join,
)
def test_users_when_asked_for_what_cannot_be_say_why(
    site: Site, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    site.run("users", "add", "ann", "--no-password")
    without = ["--no-password"] if words[-1] != "bob" and words[0] == "add" else []
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert said in site.run("users", *words, *without, expect=3).stderr


def test_token_when_made_is_shown_once(site: Site) -> None:
    site.run("users", "add", "ann", "--no-password")
    token = site.run("users", "token", "ann", "report").stdout.strip()
    assert len(token) == 43
    assert token.encode() not in (site.folder / "damlink.db").read_bytes()
    assert token not in site.run("audit", "--json").stdout


def test_log_when_cut_behind_our_back_is_named(site: Site) -> None:
    site.run("users", "add", "ann", "--no-password")
    site.run("users", "revoke", "ann")
    with sqlite3.connect(site.folder / "damlink.db") as database:
        database.execute("DROP TRIGGER audit_no_delete")
        database.execute("DELETE FROM audit WHERE number = 1")
    database.close()
    assert "entry 1 of the audit log was changed" in site.run("audit", "--verify", expect=3).stderr
