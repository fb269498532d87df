"""Runs of plugins that keep no contract: each asset ends in a state, and each run ends."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import attrs
import pytest
from rude import OUTCOMES, plugin

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.repair import retry
from damlink._run.report import RunReport
from damlink._run.runner import RunOptions, run_connector
from damlink._run.session import Session
from damlink._state.database import Database
from damlink._state.ledger import Ledger
from damlink._state.rows import Row, RowState
from damlink._system.keepable import REPLACEMENT
from damlink.errors import PluginBugError

MODULE = "damlink_acme_plugin"


@attrs.define
class Site:
    """One connector of a plugin whose source a test writes; each run is one of a new process."""

    folder: Path
    url: str
    source: Path

    def write(self, **rude: str) -> None:
        self.source.write_text(plugin(**rude))
        sys.modules.pop(MODULE, None)
        importlib.invalidate_caches()

    def run(self, **options: Any) -> RunReport:
        """In a thread: in the main one `KeyboardInterrupt` is a person's."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self._run, RunOptions(**options)).result()

    def _run(self, options: RunOptions) -> RunReport:
        with Session(load(self.folder / "damlink.toml")) as session:
            return run_connector(session, "stock", options)

    def rows(self) -> dict[str, Row]:
        database = Database(self.url, self.folder)
        try:
            return {row.source_id: row for row in Ledger(database, "stock").rows()}
        finally:
            database.close()

    def states(self) -> dict[str, RowState]:
        return {key: row.state for key, row in self.rows().items()}

    @property
    def pushes(self) -> list[str]:
        log = self.folder / "pushes"
        return log.read_text().split() if log.exists() else []


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    """Half a surrogate in a captured traceback would end pytest-xdist."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def site(tmp_path: Path, url: str, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the source changes faster than its date
    monkeypatch.setenv("PUSHES", str(tmp_path / "pushes"))
    folder = install("acme", plugin())
    tables = {
        "state": {"url": url},
        "portals": {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}},
        "connectors": {"stock": {"plugin": "acme", "workers": 2}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))
    return Site(tmp_path, url, folder / f"{MODULE}.py")


# The others are tried without a database, hook by hook, in `test_rude_hooks.py`.
SOME = {name: OUTCOMES[name] for name in ("SystemExit 0", "KeyboardInterrupt", "panic")}

# --- rude hooks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("hook", ["transform", "push"])
def test_run_when_a_hook_is_rude_to_one_asset_fails_that_one_and_carries_the_others(
    site: Site, hook: str, statement: str
) -> None:
    site.write(**{hook: statement})
    assert site.run().exit_code == 1
    rows = site.rows()
    assert site.states() == {"1": RowState.FAILED, "2": RowState.PUSHED}
    assert rows["1"].last_error.startswith(f"{hook} of damlink-acme 1.0 raised ")
    assert rows["1"].attempts == 1
    assert rows["1"].due_at > rows["1"].updated_at  # type: ignore[operator]


@pytest.mark.parametrize("part", ["open", "a piece", "close"])
@pytest.mark.parametrize("statement", SOME.values(), ids=SOME)
def test_run_when_content_is_rude_keeps_what_has_become_of_the_asset(
    site: Site, statement: str, part: str
) -> None:
    places = {name: statement if name == part else "pass" for name in ("open", "a piece", "close")}
    site.write(
        transform="return PreparedAsset(Rude('a.jpg', opened), 'a')",
        push="list(prepared.content.open())",
        content=CONTENT.format(**{name.replace(" ", "_"): each for name, each in places.items()}),
    )
    expected = RowState.PUSHED if part == "close" else RowState.FAILED
    assert site.run().exit_code == (0 if part == "close" else 1)
    assert site.states() == {"1": expected, "2": RowState.PUSHED}


CONTENT = """
def opened(offset):
    {open}
    def pieces():
        yield b'a'
        {a_piece}
    return pieces()

class Rude(Content):
    def close(self):
        {close}
"""


@pytest.mark.parametrize("statement", SOME.values(), ids=SOME)
def test_run_when_the_listing_is_rude_says_so_and_carries_what_it_listed(site: Site, statement: str) -> None:
    site.write(list_source_assets=statement)
    report = site.run()
    assert isinstance(report.error, PluginBugError)
    assert str(report.error).startswith("list_source_assets of damlink-acme 1.0 raised ")
    assert (report.exit_code, site.states()) == (3, {"1": RowState.PUSHED})


@pytest.mark.parametrize("statement", SOME.values(), ids=SOME)
def test_run_when_authenticate_is_rude_does_not_begin(site: Site, statement: str) -> None:
    site.write(authenticate=statement)
    with pytest.raises(PluginBugError, match="authenticate of damlink-acme 1.0 raised"):
        site.run()
    assert site.rows() == {}


# --- what cannot be kept ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "state", "said"),
    [
        ("PushResult('t', notice=None)", RowState.PUSHED, ""),
        ("PushResult('t', notice='a\\0\\ud83d')", RowState.PUSHED, f"a{REPLACEMENT}{REPLACEMENT}"),
        (
            "PushResult('t', detail={'a': datetime.datetime.min})",
            RowState.PUSHED,
            "could not be kept as it was",
        ),
        ("PushResult('t', detail={'a': float('nan')})", RowState.PUSHED, "could not be kept as it was"),
        ("PushResult(None)", RowState.UNCERTAIN, "target_id is None"),
        ("PushResult('a\\0')", RowState.UNCERTAIN, "target_id is str"),
        ("None", RowState.UNCERTAIN, "gave None instead of PushResult"),
    ],
)
def test_run_when_a_result_is_odd_never_delivers_again(
    site: Site, given: str, state: RowState, said: str
) -> None:
    site.write(push=f"return {given}")
    site.run()
    row = site.rows()["1"]
    assert row.state is state
    assert said in (row.reason or row.last_error)
    site.run(full=True)
    assert sorted(site.pushes) == ["1", "2"]


@pytest.mark.parametrize(
    ("raised", "state", "said"),
    [
        ("NotYet(None, float('inf'))", RowState.WAITING, "no reason given"),
        ("NotYet('a\\0', float('nan'))", RowState.WAITING, f"a{REPLACEMENT}"),
        ("AssetRejectedError(None)", RowState.REJECTED, "no reason given"),
        ("AssetRejectedError('\\ud83d')", RowState.REJECTED, REPLACEMENT),
        ("TransientError('a\\0', retry_after=float('inf'))", RowState.FAILED, f"a{REPLACEMENT}"),
        ("UnclearError(5)", RowState.UNCERTAIN, "5"),
    ],
)
def test_run_when_an_error_is_odd_keeps_it(site: Site, raised: str, state: RowState, said: str) -> None:
    site.write(transform=f"raise {raised}")
    site.run()
    row = site.rows()["1"]
    assert row.state is state
    assert (row.reason or row.last_error).startswith(said)


REFUSE_PUSHED = {
    "sqlite": "CREATE TRIGGER no BEFORE UPDATE ON ledger WHEN new.state = 'pushed' "
    "BEGIN SELECT raise(ABORT, 'no room'); END",
    "postgresql": "ALTER TABLE ledger ADD CONSTRAINT no_room CHECK (state <> 'pushed')",
}


def test_run_when_a_delivery_cannot_be_written_leaves_it_uncertain_with_the_cause(
    site: Site, backend: str
) -> None:
    database = Database(site.url, site.folder)
    with database.write() as connection:
        connection.exec_driver_sql(REFUSE_PUSHED[backend])
    database.close()
    assert site.run().exit_code == 1
    assert site.run(full=True).exit_code == 0
    row = site.rows()["1"]
    assert row.state is RowState.UNCERTAIN
    assert row.last_error.startswith("it was delivered as '1', but that could not be written: ")
    assert "decide with `damlink settle stock 1 --saved or --again`" in row.last_error
    assert sorted(site.pushes) == ["1", "2"]


# --- source assets that cannot be kept -------------------------------------------------------------


def test_listing_when_an_asset_cannot_be_kept_fails_that_one_and_its_cursor_is_kept(site: Site) -> None:
    site.write(list_source_assets="yield SourceAsset('9', None, 'Beach')\n    yield Cursor('c')")
    report = site.run()
    row = site.rows()["9"]
    assert (report.exit_code, report.error, report.outcomes) == (1, None, {"pushed": 2, "failed": 1})
    assert (row.state, row.due_at, row.title) == (RowState.FAILED, None, "Beach")
    assert "fingerprint is None; write text that changes" in row.last_error
    assert cursor_of(site) == "c"


def test_listing_when_an_asset_has_no_usable_id_says_so_and_meets_it_again(site: Site) -> None:
    site.write(list_source_assets="yield SourceAsset('a\\0', 'a')\n    yield Cursor('c')")
    report = site.run()
    assert report.exit_code == 1
    assert "source_id is str 'a\\x00'" in str(report.error)
    assert site.states() == {"1": RowState.PUSHED, "2": RowState.PUSHED}
    assert cursor_of(site) is None


def test_listing_when_a_refused_asset_is_mended_carries_it(site: Site) -> None:
    site.write(list_source_assets="yield SourceAsset('9', None)")
    site.run()
    site.write(list_source_assets="yield SourceAsset('9', 'a')")
    assert site.run().exit_code == 0
    assert site.states()["9"] is RowState.PUSHED


def test_listing_when_a_carried_asset_is_refused_and_mended_is_not_carried_twice(site: Site) -> None:
    site.run()
    site.write(list_source_assets="yield SourceAsset('2', None)\n    return")
    assert (site.run().exit_code, site.states()["2"]) == (1, RowState.FAILED)
    site.write()
    assert (site.run().exit_code, site.states()["2"]) == (0, RowState.PUSHED)
    assert sorted(site.pushes) == ["1", "2"]


def test_listing_when_a_carried_asset_is_refused_and_has_changed_is_carried_again(site: Site) -> None:
    site.run()
    site.write(list_source_assets="yield SourceAsset('2', 'b', raw=5)\n    return")
    assert (site.run().exit_code, site.states()["2"]) == (1, RowState.FAILED)
    site.write(list_source_assets="yield SourceAsset('2', 'b')\n    return")
    assert (site.run().exit_code, site.states()["2"]) == (0, RowState.PUSHED)
    assert sorted(site.pushes) == ["1", "2", "2"]


def test_listing_when_a_carried_asset_is_refused_unchanged_leaves_it(site: Site) -> None:
    site.run()
    site.write(list_source_assets="yield SourceAsset('2', 'a', raw=5)\n    return")
    assert (site.run().exit_code, site.states()["2"]) == (0, RowState.PUSHED)


def test_retry_when_an_asset_was_refused_fails_it_again_and_carries_nothing(site: Site) -> None:
    site.write(list_source_assets="yield SourceAsset('9', None)\n    return")
    site.run()
    database = Database(site.url, site.folder)
    assert retry(database, "stock", ["9"]) == 1
    database.close()
    site.run(events_only=True)
    row = site.rows()["9"]
    assert (row.state, site.pushes.count("9")) == (RowState.FAILED, 0)
    assert "fingerprint is None" in row.last_error


def cursor_of(site: Site) -> str | None:
    database = Database(site.url, site.folder)
    try:
        return Ledger(database, "stock").progress().cursor
    finally:
        database.close()


# --- not yet, for ever -----------------------------------------------------------------------------


@pytest.mark.parametrize("pause", [0, 0.05, 100])
def test_run_when_an_asset_is_never_ready_ends_and_leaves_it_waiting(site: Site, pause: float) -> None:
    site.write(transform=f"raise NotYet('the index lags', {pause})")
    assert site.run(max_wait=0.3).exit_code == 0
    row = site.rows()["1"]
    assert (row.state, row.reason) == (RowState.WAITING, "the index lags")
    assert site.states()["2"] is RowState.PUSHED


def test_run_when_no_asset_is_ever_ready_ends_however_many_there_are(site: Site) -> None:
    listing = "for number in range(200):\n        yield SourceAsset(f'n{number}', 'a')"
    never = "pass\n    raise NotYet('the index lags', 0)"
    site.write(list_source_assets=listing, transform=never)
    assert site.run(max_wait=0.3).exit_code == 0
    assert set(site.states().values()) == {RowState.WAITING}


def test_run_when_an_asset_is_ready_in_time_carries_it_in_the_same_run(site: Site) -> None:
    site.write(
        transform="if len(ready) < 3:\n            ready.append(1)\n            raise NotYet('soon', 0)",
        more="ready = []\n",
    )
    site.run()
    assert site.states()["1"] is RowState.PUSHED
