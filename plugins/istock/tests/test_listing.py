from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import hypothesis
import pytest
from hypothesis import strategies as st

from damlink import Cursor, SourceAsset
from damlink.testing import Trial, no_waiting
from damlink_istock import api, plugin
from damlink_istock.listing import FLOOR, windows
from damlink_istock.sandbox import COLLEAGUE, IStockSandbox
from damlink_sandbox import Sandbox, Synthetic

NOW = datetime(2026, 7, 1, 12, 30, tzinfo=UTC)
DAY, MOST = timedelta(days=1), timedelta(days=30)
PAST = st.datetimes(datetime(2010, 1, 1), NOW.replace(tzinfo=None), timezones=st.just(UTC))
unhurried = hypothesis.settings(deadline=None, database=None)


# --- windows ---------------------------------------------------------------------------------------


@unhurried
@hypothesis.given(start=PAST)
def test_windows_are_closed_ordered_at_most_30_days_long_and_overlap_by_a_day(start: datetime) -> None:
    found = list(windows(start, None, NOW))
    assert all(timedelta() < window.end - window.begin <= MOST for window in found)
    assert all(later.begin <= earlier.end - DAY for earlier, later in itertools.pairwise(found))
    assert all(later.end > earlier.end for earlier, later in itertools.pairwise(found))


@unhurried
@hypothesis.given(start=PAST.filter(lambda start: start < NOW))
def test_windows_cover_everything_from_the_start_to_now(start: datetime) -> None:
    found = list(windows(start, None, NOW))
    assert (found[0].begin, found[-1].end) == (start, NOW)


@unhurried
@hypothesis.given(start=PAST, days=st.floats(0, 400), number=st.integers(0, 200))
def test_windows_when_resumed_lose_nothing(start: datetime, days: float, number: int) -> None:
    walked = list(itertools.islice(windows(start, None, NOW), number + 1))
    hypothesis.assume(walked)
    later = NOW + timedelta(days=days)
    resumed = list(windows(start, walked[-1].end.isoformat(), later))
    assert resumed[0].begin == max(start, walked[-1].end - DAY)
    assert resumed[-1].end == later


def test_windows_when_the_cursor_is_in_the_future_begin_a_day_ago() -> None:
    assert next(windows(None, (NOW + 3 * DAY).isoformat(), NOW)).begin == NOW - DAY


def test_windows_without_a_start_go_back_ten_years() -> None:
    assert next(windows(None, None, NOW)).begin == NOW - FLOOR


@pytest.mark.parametrize("since", [None, (NOW + 3 * DAY).isoformat()], ids=["afresh", "resumed"])
def test_windows_of_a_start_to_come_are_none(since: str | None) -> None:
    assert list(windows(NOW + DAY, since, NOW)) == []


# --- over HTTP -------------------------------------------------------------------------------------


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    media = [Synthetic("photo.jpg", 20_000, "image", 1, 600, 400)]
    with Sandbox([IStockSandbox], folder=tmp_path, media=media) as running:
        yield running


@pytest.fixture
def start(sandbox: Sandbox) -> date:
    return (sandbox.world.clock.now() - timedelta(days=50)).date()


@pytest.fixture
def trial(sandbox: Sandbox, start: date, tmp_path: Path) -> Iterator[Trial]:
    folder = tmp_path / "trial"
    folder.mkdir()
    settings = {"sync_after": start, "sync_organization_assets": False, "include_videos": False}
    with no_waiting(), Trial("istock", sandbox, folder, settings) as trial:
        yield trial


def license_assets(trial: Trial, **body: Any) -> list[str]:
    ids: list[str] = trial.sandbox.part("istock").control("license", body)["ids"]
    return ids


def listed(trial: Trial, since: str | None = None) -> list[str]:
    return [item.source_id for item in trial.listing(since) if isinstance(item, SourceAsset)]


def last_cursor(trial: Trial) -> str:
    return [item.value for item in trial.listing() if isinstance(item, Cursor)][-1]


def test_listing_when_resumed_finds_what_was_listed_late(trial: Trial) -> None:
    cursor = last_cursor(trial)
    late = license_assets(trial, days_ago=0.9)
    assert set(late) <= set(listed(trial, cursor))


def test_listing_when_our_clock_is_ahead_keeps_a_cursor_that_istock_has_reached(trial: Trial) -> None:
    ahead = attrs.evolve(trial.context, now=lambda: datetime.now(UTC) + timedelta(days=3))
    *_, last = plugin.list_source_assets(ahead, None)
    assert datetime.fromisoformat(last.value) < datetime.now(UTC) + timedelta(minutes=5)


def test_listing_comes_oldest_first(trial: Trial) -> None:
    newest_first = license_assets(trial, count=30, spread_days=40)
    known = set(newest_first)
    assert list(dict.fromkeys(key for key in listed(trial) if key in known)) == newest_first[::-1]


def test_asset_when_licensed_in_two_sizes_comes_in_the_larger(trial: Trial) -> None:
    (key,) = license_assets(trial, days_ago=3)
    license_assets(trial, id=key, size_name="medium", days_ago=2)
    found = [item for item in trial.source_assets() if item.source_id == key]
    assert [(item.raw["licensed_size"], item.raw["licensed_height"]) for item in found] == [("x_large", 800)]


def test_videos_when_not_included_are_neither_listed_nor_asked_about(trial: Trial) -> None:
    videos = license_assets(trial, kind="video")
    assert not set(videos) & set(listed(trial))
    assert trial.asked("GET /v3/videos").total() == 0


def test_asset_of_a_colleague_is_the_organisations(trial: Trial) -> None:
    (key,) = license_assets(trial, user=COLLEAGUE.username, days_ago=1)
    assert key not in listed(trial)


def test_assets_that_istock_has_withdrawn_are_listed_all_the_same(trial: Trial) -> None:
    before = set(listed(trial))
    for key in before:
        trial.sandbox.part("istock").control("withdraw", {"id": key})
    assert set(listed(trial)) == before


def test_listing_when_a_row_vanishes_while_pages_are_turned_loses_no_other(trial: Trial) -> None:
    keys = license_assets(trial, count=api.PAGE + 20, days_ago=2)
    now, settings = trial.context.now(), trial.context.settings
    pages = api.downloads(trial.context.http, settings, now - 5 * DAY, now + DAY, company=False)
    found = {str(row.id) for row in next(pages)}
    gone = sorted(found & set(keys))[:15]
    for key in gone:
        trial.sandbox.part("istock").control("unlicense", {"id": key})
    found.update(str(row.id) for page in pages for row in page)
    assert set(keys) - found == set()
