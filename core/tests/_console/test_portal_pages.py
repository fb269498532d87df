"""What the page of portals says about a sign-in, from what is stored alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from canaries import KEY

from damlink._config.load import loads
from damlink._console.desk import Desk, Texts
from damlink._console.jobs import Jobs
from damlink._console.portal_pages import show_portals
from damlink._http.oauth2 import OAuth2
from damlink._http.token import Token
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._state.runs import Runs

CONFIG = """
[portals.{name}]
url = "http://127.0.0.1:9"
auth = "{auth}"
client_id = "id"
client_secret = {{ env = "CLIENT_SECRET" }}

[connectors.stock]
plugin = "missing"
"""
HOUR = 3600.0
TOKENS = {
    "none": None,
    "renewed": (HOUR, "refresh"),
    "old-but-renewed": (-HOUR, "refresh"),
    "fresh": (HOUR, None),
    "old": (-HOUR, None),
}
# Whether it renews, and whether it takes a person.
EXPECTED = {
    ("oauth2-code", "none"): (False, True),
    ("oauth2-code", "renewed"): (True, False),
    ("oauth2-code", "old-but-renewed"): (True, False),
    ("oauth2-code", "fresh"): (False, False),
    ("oauth2-code", "old"): (False, True),
    ("oauth2-client-credentials", "none"): (True, False),
    ("oauth2-client-credentials", "old"): (True, False),
}


@attrs.define
class Opened:
    """A desk with one portal."""

    desk: Desk

    def show(self) -> dict[str, Any]:
        (portal,) = show_portals(self.desk, {}).data["portals"]
        return portal


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> Iterator[Opened]:
    monkeypatch.setenv("DAMLINK_KEY", KEY)
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("CLIENT_SECRET", "a client secret of the tests")
    config = loads(CONFIG.format(name="brand", auth=request.param), tmp_path / "damlink.toml")
    with Session(config) as session, Desk(config, session, Jobs(config.path), Texts()) as desk:
        yield Opened(desk)


@pytest.mark.parametrize(("opened", "stored"), EXPECTED, ids=map("-".join, EXPECTED), indirect=["opened"])
def test_sign_in_when_shown_says_whether_it_takes_a_person(
    opened: Opened, stored: str, request: pytest.FixtureRequest
) -> None:
    auth = opened.desk.portal_auth("brand")
    assert isinstance(auth, OAuth2)
    _store(auth, TOKENS[stored])
    shown = opened.show()
    kind = shown["auth"]
    assert (shown["sign_in"]["renews"], shown["sign_in"]["needs_person"]) == EXPECTED[kind, stored]
    assert (shown["sign_in"]["until"] is None) is (TOKENS[stored] is None)
    assert bool(shown["sign_in"]["login"]) is (kind == "oauth2-code")
    assert shown["scopes"]


def _store(auth: OAuth2, token: tuple[float, str | None] | None) -> None:
    if token is not None:
        seconds, refresh = token
        auth.custody.save(
            Token(Secret("an access token"), time.time() + seconds, Secret(refresh) if refresh else None)
        )


@pytest.mark.parametrize("opened", ["oauth2-code"], indirect=True)
def test_sign_in_when_a_secret_is_missing_names_it(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLIENT_SECRET")
    assert "CLIENT_SECRET" in opened.show()["sign_in"]["problem"]


@pytest.mark.parametrize("opened", ["oauth2-code"], indirect=True)
def test_portal_when_a_run_has_failed_shows_the_error_of_its_connector(opened: Opened) -> None:
    runs = Runs(opened.desk.database, "stock")
    runs.end(runs.begin(1), 4, {}, "brand: sign in again")
    assert opened.show()["connectors"] == [{"name": "stock", "error": "brand: sign in again"}]
