"""Which assets are listed: by filters that the portal knows, cheaply, and lazily."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest

from damlink import Cursor, Event, NotYet, SourceAsset
from damlink.errors import AuthError, ConfigError
from damlink_imatag import plugin
from damlink_sandbox import Fault

MEDIA = "GET /api/v4/media$"


def ids(items: Any) -> set[str]:
    return {item.source_id for item in items if isinstance(item, SourceAsset)}


def test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(bench: Any) -> None:
    bench.add(times=1001)
    with bench.open() as trial, contextlib.closing(trial.listing()) as items:
        next(items)
        before = trial.asked(MEDIA, "portal").total()
        rest = list(items)
        assert len(rest) == 1001  # and the cursor
        assert trial.asked(MEDIA, "portal").total() == before + 1 == 2


def test_delta_lists_what_changed_since_the_cursor_and_full_everything(bench: Any) -> None:
    old = bench.add()
    bench.sandbox.world.clock.advance(3600)
    with bench.open() as trial:
        cursor = next(item.value for item in trial.listing() if isinstance(item, Cursor))
        new = bench.add()
        assert ids(trial.listing(cursor)) == {new}
        assert ids(trial.listing(None)) == {old, new}
        bench.portal.control("change_asset", {"id": old, "description": "another"})
        assert ids(trial.listing(cursor)) == {old, new}
    with bench.open("whole", delta=False) as trial:
        bench.sandbox.world.clock.advance(3600)
        cursor = trial.context.now().isoformat()
        assert ids(trial.listing(cursor)) == {old, new}


def test_listing_when_our_clock_is_ahead_keeps_a_cursor_that_the_portal_has_reached(bench: Any) -> None:
    with bench.open() as trial:
        ahead = attrs.evolve(trial.context, now=lambda: datetime.now(UTC) + timedelta(days=3))
        *_, last = plugin.list_source_assets(ahead, None)
        assert datetime.fromisoformat(last.value) < datetime.now(UTC) + timedelta(minutes=5)


def test_listing_where_versions_are_told_asks_for_no_asset_by_itself(bench: Any) -> None:
    bench.add(times=5)
    with bench.open() as trial:
        assert len(ids(trial.listing())) == 5
        assert trial.asked("GET /api/v4/media/{id}", "portal").total() == 0


@pytest.mark.parametrize(
    "filters",
    [
        {"type": "image"},
        {"type": ["image", "video"], "tags": ["a", "b"]},
        {"tags": "a,b"},
        {"keyword": "shoe"},
        {"brand": "Main brand"},
        {"property_Season": "Summer"},
        {"property_Season": ["Summer"]},
        {"property_Code": "X 1"},
        {"date_created": "2020-01-01", "date_created_to": "2099-01-01"},
        {"date_modified": "2020-01-01T10:00:00Z"},
        {"date_created": date(2020, 1, 1), "date_modified": datetime(2020, 1, 1, 10, tzinfo=UTC)},
        {"orientation": "landscape"},
        {"limited": False},
    ],
    ids=str,
)
def test_filter_when_it_fits_one_asset_lists_that_one(seasons: Any, filters: dict[str, Any]) -> None:
    with seasons.open(filters=filters) as trial:
        chosen = seasons.add(name="Red shoe", tags=["a", "b"])
        values = {"Season": "Summer", "Code": "X 1"}
        trial.context.bynder.assets.modify(chosen, metaproperties=values)
        assert chosen in ids(trial.listing())


@pytest.mark.parametrize("name", ["Spring, 2026", "a,b"])
def test_filter_when_a_collection_has_a_comma_in_its_name_finds_it(bench: Any, name: str) -> None:
    with bench.open(filters={"collection": name}) as trial:
        collections, chosen = trial.context.bynder.collections, bench.add()
        bench.add()
        collections.create(name=name)
        (collection,) = [each for each in collections.list() if each.name == name]
        collections.add_media(collection.id, asset_ids=[chosen])
        assert ids(trial.listing()) == {chosen}


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("Spring, 2026", 1),
        (["Spring, 2026"], 1),
        ("Autumn,Winter", 0),
        ("Autumn", 1),
    ],
)
def test_filter_when_an_option_has_a_comma_in_its_name_finds_it(bench: Any, value: Any, count: int) -> None:
    options = ["Spring, 2026", "Autumn", "Winter"]
    bench.portal.control("metaproperty", {"name": "When", "type": "select", "options": options})
    with bench.open(filters={"property_When": value}) as trial:
        for option in options:
            trial.context.bynder.assets.modify(bench.add(), metaproperties={"When": option})
        assert len(ids(trial.listing())) == count


def test_filters_leave_out_what_they_do_not_fit(bench: Any) -> None:
    bench.add(tags=["b"])
    bench.add(filename="talk.mp3", tags=["a"])
    with bench.open(filters={"tags": "a"}) as trial:
        chosen = bench.add(tags=["a"])
        assert ids(trial.listing()) == {chosen}  # and no sound: there are no pixels in it


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ({"tag": "a"}, "filters.tag: there is no such filter; did you mean 'tags'"),
        ({"type": "picture"}, "none of image, document"),
        ({"orientation": "flat"}, "none of square"),
        ({"brand": "Main brnad"}, "no brand 'Main brnad'; did you mean 'Main brand'"),
        ({"collection": "none"}, "no collection 'none'"),
        ({"property_Saeson": "Summer"}, "no metaproperty 'Saeson'; did you mean 'Season'"),
        ({"property_Season": "Sumer"}, "no option 'Sumer'; did you mean 'Summer'"),
        ({"property_Until": "2024-01-01"}, "cannot filter by a metaproperty of type date"),
        ({"date_created": "soon"}, "expected a date"),
        ({"limited": "yes"}, "expected true or false"),
        ({"brand": ["One", "Two"]}, "it takes one value"),
    ],
    ids=str,
)
def test_filter_that_the_portal_does_not_know_is_refused_with_its_place(
    seasons: Any, filters: dict[str, Any], words: str
) -> None:
    with seasons.open(filters=filters) as trial, pytest.raises(ConfigError) as refused:
        list(trial.listing())
    assert words in str(refused.value)
    assert str(refused.value).startswith("connectors.imatag.filters.")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key": None}, "set either api_key, or client_id"),
        ({"client_id": "x"}, "set either api_key, or client_id"),
        ({"api_key": None, "client_id": "x"}, "go together"),
        ({"filters": {"tags": []}}, "filters.tags: expected"),
        ({"filters": {"tags": {"a": 1}}}, "filters.tags: expected"),
        ({"marked_path": "/file/"}, "marked_path must hold {id}"),
        ({"new_asset_name": "{title}"}, "new_asset_name may hold {name} and {id}"),
        ({"one_media_path": "/{id}/{"}, "one_media_path may hold {id}, and nothing else"),
        ({"hash_metaproperty": " "}, "hash_metaproperty is empty"),
        ({"requests_per_second": 0.0}, "above 0"),
        ({"deliver_as": "copy"}, "new-version or new-asset or additional"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(seasons: Any, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as refused, seasons.open(**settings):
        pass
    assert words in str(refused.value)


def test_list_that_is_looser_than_the_filters_is_looked_through(bench: Any) -> None:
    meant, other = bench.add(tags=["A", "b"]), bench.add(tags=["a"])
    with bench.open(filters={"tags": ["a", "b"], "type": "image"}) as trial:
        told = json.dumps([dict(trial.context.bynder.assets.get(key).raw) for key in (meant, other)])
        bench.sandbox.world.faults.add(Fault("portal", "GET /api/v4/media/$", status=200, body=told))
        assert ids(trial.listing()) == {meant}


def test_hash_metaproperty_that_is_missing_is_made_under_its_label(bench: Any) -> None:
    key = bench.add()
    with bench.open(hash_metaproperty="Imatag hash") as trial:
        assert trial.run() == {"pushed": 1}
        assert trial.run() == {}
    assert bench.asset(key)["metaproperties"].keys() == {"Imatag_hash"}


def test_hash_metaproperty_that_takes_no_text_is_refused(seasons: Any) -> None:
    with seasons.open(hash_metaproperty="Season") as trial, pytest.raises(ConfigError, match="takes no text"):
        list(trial.listing())


@pytest.mark.parametrize("role", ["MEDIAHIGHRES", "MEDIAUPLOAD", "MEDIAEDIT", "METAPROPERTYMANAGEMENT"])
def test_right_that_is_missing_is_named_before_anything_is_sent(bench: Any, role: str) -> None:
    roles = {"MEDIAHIGHRES", "MEDIAUPLOAD", "MEDIAEDIT", "METAPROPERTYMANAGEMENT"} - {role}
    bench.portal.control("roles", {"roles": sorted(roles)})
    bench.add()
    with bench.open() as trial, pytest.raises(AuthError, match=f"give it the role {role}"):
        trial.run()
    assert bench.imatag.state()["media"] == []


# --- events ---------------------------------------------------------------------------------------


def told(trial: Any, key: str, *, seconds_ago: float = 5, **asset: Any) -> list[SourceAsset]:
    """What an event of so many seconds ago makes due."""
    event = Event(
        "asset_bank.media.updated",
        key,
        {"id": key} | asset,
        "sandbox",
        trial.context.now() - timedelta(seconds=seconds_ago),
    )
    return list(trial.connector.on_event(trial.context, event))


@pytest.fixture
def lagging(bench: Any) -> Any:
    """A portal whose search shows changes late."""
    bench.portal.control("lag", {"index": 3600})
    return bench


def test_event_of_an_asset_that_the_filters_select_makes_it_due(bench: Any) -> None:
    selected, other = bench.add(), bench.add(tags=["x"])
    with bench.open() as trial:
        assert ids(told(trial, selected)) == {selected}
        assert told(trial, other) == []


@pytest.mark.parametrize(
    ("filters", "more"),
    [
        ({"tags": "protect"}, {}),
        ({"type": "image"}, {}),
        ({"type": ["image", "video"], "tags": ["protect", "x"]}, {"tags": ["x", "protect"]}),
    ],
    ids=["tags", "type", "both"],
)
def test_event_when_the_search_lags_makes_the_asset_due_all_the_same(
    lagging: Any, filters: dict[str, Any], more: dict[str, Any]
) -> None:
    key = lagging.add(**more)
    with lagging.open(filters=filters) as trial:
        assert ids(told(trial, key)) == {key}
        assert trial.asked(MEDIA, "portal").total() == 0


def test_event_when_the_search_shows_an_older_version_tells_of_the_newer_one(bench: Any, paint: Any) -> None:
    key = bench.add()
    with bench.open() as trial:
        trial.run()
        bench.portal.control("lag", {"index": 3600})
        bench.replace(trial, key, paint(size=(200, 80)))
        (source,) = told(trial, key)
    assert source.fingerprint.startswith("v3-")


@pytest.mark.parametrize(
    "more",
    [{"tags": ["x"]}, {"archive": True}],
    ids=["another tag", "archived"],
)
def test_event_of_an_asset_that_no_listing_would_bring_makes_nothing_due(
    bench: Any, more: dict[str, Any]
) -> None:
    key = bench.add()
    bench.portal.control("change_asset", {"id": key, **more})
    with bench.open() as trial:
        assert told(trial, key) == []


def test_event_of_an_asset_that_is_gone_makes_nothing_due(bench: Any) -> None:
    with bench.open() as trial:
        assert told(trial, "0A1B2C3D-0000-0000-0000000000000001") == []


def test_event_when_only_the_search_knows_the_filter_comes_back_once_it_shows_the_change(bench: Any) -> None:
    key, other = bench.add(name="Shoe"), bench.add(name="Hat")
    with bench.open(filters={"keyword": "Shoe"}) as trial:
        lag = trial.context.bynder.index_lag
        with pytest.raises(NotYet) as early:
            told(trial, key, seconds_ago=lag - 9)
        assert early.value.retry_after == pytest.approx(9, abs=1)
        assert ids(told(trial, key, seconds_ago=lag + 1)) == {key}
        assert told(trial, other, seconds_ago=lag + 1) == []


def test_check_tells_what_it_found(bench: Any) -> None:
    with bench.open() as trial:
        found = {finding.what: finding.detail for finding in trial.connector.check(trial.context)}
    assert found["directory"] == "files go to acme/bynder"
    assert found["filters"] == "selected by tags"
    assert found["hash metaproperty"] == "'imatag_hash' will be made by the first run"
