"""A connector that is edited to another account, at the source or at the target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.plan import plan_connector
from damlink._run.runner import RunOptions, run_connector
from damlink._run.session import Session
from damlink._state.accounts import Accounts
from damlink._state.ledger import Ledger

PLUGIN = """
import attrs
from damlink import *

about = About(title="Acme", summary="Pictures.", uploads=False)

@attrs.frozen
class settings_class:
    user: str = setting(default="", identifies="source")
    key: Secret = setting(identifies="source")
    password: Secret = setting()
    account: str = setting(default="", identifies="target")

@hookimpl
def list_source_assets(ctx, since):
    if since is None:
        yield SourceAsset(f"old of {ctx.settings.user}", "a")
    yield SourceAsset("new", "a")
    yield Cursor("1")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"x", "x.jpg"), name="x")

@hookimpl
def push(ctx, source):
    return PushResult(f"{ctx.settings.account}/{source.source_id}")
"""


@attrs.define
class Place:
    """A folder with a config of one connector, run after each change of it."""

    folder: Path
    settings: dict[str, Any]
    portal: str = "http://127.0.0.1:1"

    def session(self, *, keeps: bool = True, **settings: Any) -> Session:
        self.settings |= settings
        portal = {"url": self.portal, "token": {"env": "SECRET"}}
        tables = {"portals": {"brand": portal}, "connectors": {"acme": {"plugin": "acme", **self.settings}}}
        (self.folder / "damlink.toml").write_text(document(tables), encoding="utf-8")
        return Session(load(self.folder / "damlink.toml"), keeps=keeps)

    def run(self, **settings: Any) -> dict[str, int]:
        with self.session(**settings) as session:
            report = run_connector(session, "acme", RunOptions())
            assert report.error is None
            return report.listed | report.outcomes

    def plan(self, **settings: Any) -> tuple[list[str], list[str]]:
        with self.session(keeps=False, **settings) as session:
            plan = plan_connector(session, "acme")
            return plan.notices, sorted(each.source_id for each in plan.assets)

    def targets(self) -> set[str]:
        with self.session() as session:
            return {row.previous.target_id for row in Ledger(session.database, "acme").rows() if row.previous}


@pytest.fixture
def place(tmp_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Place:
    install("acme", PLUGIN)
    for name in ("SECRET", "OTHER", "THIRD"):
        monkeypatch.setenv(name, name)
    secrets = {"key": {"env": "SECRET"}, "password": {"env": "SECRET"}}
    return Place(tmp_path, {"user": "jane", "account": "one", **secrets})


def test_source_account_when_another_is_set_is_listed_from_the_beginning(place: Place) -> None:
    place.run()
    what = "it is listed from the beginning, and finished assets stay as they are"
    assert place.plan(user="joe") == ([f"acme: another source account (user): {what}"], ["old of joe"])
    counts = place.run()
    assert (counts["new"], counts["unchanged"], counts["pushed"]) == (1, 1, 1)
    assert place.plan() == ([], [])


def test_target_account_when_another_is_set_makes_every_finished_asset_due(place: Place) -> None:
    place.run()
    said = "acme: another target account (account): every finished asset is due for it"
    assert place.plan(account="two") == ([said], ["new", "old of jane"])
    assert place.run()["pushed"] == 2
    assert place.targets() == {"two/new", "two/old of jane"}
    assert place.run().get("pushed", 0) == 0


@pytest.mark.parametrize(
    ("settings", "is_noticed"),
    [
        pytest.param({"key": {"env": "OTHER"}}, True, id="a secret that identifies"),
        pytest.param({"password": {"env": "OTHER"}}, False, id="a secret that is renewed"),
        pytest.param({"user": ""}, False, id="a setting that says nothing now"),
    ],
)
def test_account_when_a_setting_changes_is_another_if_the_setting_says_so(
    place: Place, settings: dict[str, Any], is_noticed: bool
) -> None:
    place.run()
    assert bool(place.plan(**settings)[0]) is is_noticed


def test_account_when_a_setting_says_nothing_for_a_while_is_compared_with_the_last(place: Place) -> None:
    place.run()
    place.run(user="")
    assert place.plan(user="jane")[0] == []
    assert len(place.plan(user="joe")[0]) == 1


def test_account_when_the_database_does_not_know_it_carries_nothing_again(place: Place) -> None:
    place.run()
    with place.session() as session, session.database.write() as connection:
        connection.exec_driver_sql("UPDATE cursor SET source = NULL, target = NULL, portal = NULL")
    assert place.plan(user="joe", account="two") == ([], [])
    assert place.run().get("pushed", 0) == 0
    assert len(place.plan(account="three")[0]) == 1


@pytest.mark.parametrize(
    ("uploads", "source", "target"), [(True, ("portal",), ("portal",)), (False, ("portal",), ())]
)
def test_portal_when_another_is_set_is_a_target_where_the_plugin_uploads(
    uploads: bool, source: tuple[str, ...], target: tuple[str, ...]
) -> None:
    change = Accounts(portal="b").change_from(Accounts(portal="a"), uploads=uploads)
    assert (change.source, change.target) == (source, target)
