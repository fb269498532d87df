"""Which assets go to Gelato, and what makes one go again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from damlink import Event, NotYet, Removed
from damlink.testing import Trial


def ids(trial: Trial) -> set[str]:
    return {source.source_id for source in trial.source_assets()}


def event(trial: Trial, asset: dict[str, Any] | None, asset_id: str = "") -> list[str]:
    kind, now = "asset_bank.media.meta_updated", datetime.now(UTC)
    given = Event(kind, asset_id, asset, "sandbox", now, {"media_id": asset_id})
    return [source.source_id for source in trial.connector.on_event(trial.context, given)]


def fields(trial: Trial, asset_id: str) -> dict[str, Any]:
    return dict(trial.context.bynder.assets.get(asset_id).raw)


# --- the tag ---------------------------------------------------------------------------------------


def test_tag_is_compared_letter_by_letter(bench: Any) -> None:
    meant = bench.add()
    for tag in (bench.tag.lower(), bench.tag.upper(), f"{bench.tag}s", f"{bench.tag} a4"):
        bench.add(tags=[tag])
    assert ids(bench.trial()) == {meant}


@pytest.mark.parametrize("tag", ["Print, large", "Print & cut / 100 %", "Drück mich ☂", "a:b", " edge"])
def test_tag_may_be_any_text(bench: Any, tag: str) -> None:
    meant = bench.add(tags=["other", tag])
    bench.add(tags=["Print", "large"])
    assert ids(bench.trial(tag=tag)) == {meant}


def test_archived_asset_stays_away(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    bench.portal("change_asset", id=asset_id, archive=True)
    assert ids(trial) == set()
    assert event(trial, fields(trial, asset_id)) == []


# --- events ----------------------------------------------------------------------------------------


def test_event_makes_a_tagged_asset_due_as_the_listing_does(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    asset = fields(trial, asset_id)
    given = Event("asset_bank.media.create", asset_id, asset, "sandbox", datetime.now(UTC))
    assert list(trial.connector.on_event(trial.context, given)) == list(trial.source_assets())


def test_event_of_another_asset_is_not_ours(bench: Any) -> None:
    other = bench.add(tags=[bench.tag.upper()])
    trial = bench.trial()
    assert event(trial, fields(trial, other)) == []


def test_event_of_an_asset_that_is_gone_is_not_ours(bench: Any) -> None:
    assert event(bench.trial(), None, "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6") == []


def test_event_whose_asset_is_gone_meanwhile_is_left_to_the_transfer(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    asset = fields(trial, asset_id)
    bench.portal("delete_asset", id=asset_id)
    assert event(trial, asset) == [asset_id]
    assert trial.run() == {}


# --- again -----------------------------------------------------------------------------------------


def test_metadata_when_changed_carries_nothing(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    trial.run()
    bench.portal("change_asset", id=asset_id, name="Another name", description="new")
    assert trial.run() == {}
    assert len(bench.files()) == 1


def test_tag_when_taken_off_and_put_on_again_carries_nothing(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    trial.run()
    bench.portal("change_asset", id=asset_id, tags=[])
    assert trial.run() == {}
    bench.portal("change_asset", id=asset_id, tags=[bench.tag])
    assert trial.run() == {}
    assert len(bench.files()) == 1
    assert bench.link(asset_id) == bench.files()[0]["checkout_url"]


def test_new_version_is_another_file_with_another_link(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    trial.run()
    bench.add_version(trial, asset_id, b"the second version")
    assert trial.run() == {"pushed": 1}
    first, second = bench.files()
    assert (first["version"], second["version"]) == (1, 2)
    assert second["sha256"] == bench.asset(asset_id)["sha256"] != first["sha256"]
    assert bench.link(asset_id) == second["checkout_url"] != first["checkout_url"]


def test_version_that_is_active_again_gets_its_first_link_back(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    trial.run()
    bench.add_version(trial, asset_id, b"the second version")
    trial.run()
    bench.portal("change_asset", id=asset_id, version=1)
    assert trial.run() == {"pushed": 1}
    assert len(bench.files()) == 2
    assert bench.link(asset_id) == bench.files()[0]["checkout_url"]


# --- between the listing and the transfer ----------------------------------------------------------


def test_tag_when_taken_off_meanwhile_waits_until_it_is_back(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    source = bench.only(trial)
    bench.portal("change_asset", id=asset_id, tags=[])
    with pytest.raises(NotYet, match="taken off"):
        trial.transform(source)
    bench.portal("change_asset", id=asset_id, tags=[bench.tag])
    assert trial.run() == {"pushed": 1}


def test_asset_when_deleted_meanwhile_is_removed(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    source = bench.only(trial)
    bench.portal("delete_asset", id=asset_id)
    removed = Removed(asset_id, "it is not in the portal any more")
    assert trial.transform(source) == trial.carry(source) == removed


def test_version_when_uploaded_meanwhile_is_the_one_that_goes(bench: Any) -> None:
    asset_id = bench.add()
    trial = bench.trial()
    source = bench.only(trial)
    bench.add_version(trial, asset_id, b"quicker")
    result = trial.carry(source)
    assert result.fingerprint_after == "version 2"
    assert [file["sha256"] for file in bench.files()] == [bench.asset(asset_id)["sha256"]]
