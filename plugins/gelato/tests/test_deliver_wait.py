"""Files that Gelato is still at work on, and links that come later, or must not be written."""

from __future__ import annotations

from typing import Any

import pytest

from damlink import NotYet, SourceAsset, TransientError
from damlink.errors import BynderError, ConfigError


def send(bench: Any, processing: int) -> tuple[Any, SourceAsset]:
    """Send a file that Gelato is at work on for so many seconds."""
    bench.add()
    bench.gelato("settings", processing=processing)
    trial = bench.trial()
    source = bench.only(trial)
    with pytest.raises(NotYet):
        bench.pushed(trial, source)
    return trial, source


# --- waited for ------------------------------------------------------------------------------------


def test_processing_is_asked_after_with_growing_pauses_and_sent_once(bench: Any) -> None:
    bench.add()
    bench.gelato("settings", processing=1000)
    trial = bench.trial()
    source, pauses = bench.only(trial), []
    for _ in range(8):
        with pytest.raises(NotYet) as pause:
            bench.pushed(trial, source)
        pauses.append(pause.value.retry_after)
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    trial.clock.advance(1000)
    assert bench.pushed(trial, source).url
    assert len(bench.files()) == 1


def test_error_page_in_place_of_the_status_is_asked_past(bench: Any) -> None:
    trial, source = send(bench, processing=100)
    bench.fault(match="^GET", status=200, body="<html>")
    with pytest.raises(NotYet, match="Gelato is not finished"):
        bench.pushed(trial, source)


def test_processing_that_fails_is_a_failure_with_its_words_and_sent_anew(bench: Any) -> None:
    bench.gelato("fail")
    trial, source = send(bench, processing=5)
    trial.clock.advance(5)
    with pytest.raises(TransientError, match="FILE_UNREADABLE: the file cannot be read"):
        bench.pushed(trial, source)
    bench.gelato("settings", processing=0)
    assert bench.pushed(trial, source).target_id == bench.files()[0]["id"]


def test_failure_told_at_once_is_a_failure_with_its_words(bench: Any) -> None:
    bench.add()
    bench.gelato("fail")
    with pytest.raises(TransientError, match="FILE_UNREADABLE"):
        bench.carried(bench.trial())


def test_reason_in_place_of_a_file_is_a_failure_with_its_words(bench: Any) -> None:
    bench.add()
    bench.fault(status=200, body='{"code": "FILE_UNREADABLE", "message": "no"}', times=0)
    with pytest.raises(TransientError, match="FILE_UNREADABLE: no"):
        bench.carried(bench.trial())


def test_status_that_is_accepted_but_told_by_no_word_is_not_done(bench: Any) -> None:
    trial, source = send(bench, processing=100)
    bench.fault(match="^GET", status=202, body="{}")
    with pytest.raises(NotYet, match="Gelato is not finished"):
        bench.pushed(trial, source)


def test_processing_without_end_is_given_up_after_half_an_hour(bench: Any) -> None:
    trial, source = send(bench, processing=100_000)
    trial.clock.advance(31 * 60)
    with pytest.raises(TransientError, match="after 30 minutes"):
        bench.pushed(trial, source)


def test_processing_that_cannot_be_asked_after_says_what_is_missing(bench: Any) -> None:
    bench.add()
    bench.gelato("settings", processing=100)
    with pytest.raises(TransientError, match="set status_url"):
        bench.carried(bench.trial(status_url=""))


def test_file_that_gelato_has_forgotten_is_sent_anew(bench: Any) -> None:
    trial, source = send(bench, processing=100)
    trial.clock.advance(100)
    bench.fault(match="^GET", status=404, body='{"code": "FILE_NOT_FOUND"}')
    assert bench.pushed(trial, source).url
    assert len(bench.files()) == 1


# --- the link --------------------------------------------------------------------------------------


def test_link_when_it_comes_later_than_the_file_is_waited_for(bench: Any) -> None:
    asset_id = bench.add()
    bench.gelato("settings", link_lag=10)
    trial = bench.trial()
    source = bench.only(trial)
    with pytest.raises(NotYet, match="link is not there yet") as pause:
        bench.pushed(trial, source)
    assert pause.value.retry_after == 2
    trial.clock.advance(10)
    assert bench.pushed(trial, source).url == bench.link(asset_id) != ""


def test_link_when_it_does_not_come_for_long_is_left_to_the_next_run(bench: Any) -> None:
    bench.add()
    bench.gelato("settings", link_lag=100_000)
    trial = bench.trial()
    source = bench.only(trial)
    with pytest.raises(NotYet):
        bench.pushed(trial, source)
    trial.clock.advance(31 * 60)
    with pytest.raises(NotYet) as pause:
        bench.pushed(trial, source)
    assert pause.value.retry_after == 900


def test_link_to_a_foreign_host_is_not_written_and_a_person_is_told(bench: Any) -> None:
    asset_id = bench.add()
    bench.gelato("settings", checkout_host="checkout.gelato.example.evil.example")
    result = bench.carried(bench.trial())
    assert "not in checkout_hosts" in result.notice
    assert (result.url, bench.link(asset_id)) == (None, "")


def test_link_without_backlink_is_neither_waited_for_nor_written(bench: Any) -> None:
    asset_id = bench.add()
    bench.gelato("settings", link_lag=100)
    changes = bench.sandbox.world.counts["modifications"]
    assert bench.carried(bench.trial(backlink=False)).notice == ""
    assert bench.link(asset_id) == ""
    assert bench.sandbox.world.counts["modifications"] == changes


def test_link_that_could_not_be_written_keeps_the_file_from_being_imported(bench: Any) -> None:
    asset_id = bench.add()
    bench.portal("metaproperty", name=f"Where_{bench.tag[6:]}", type="select", options=["Here"])
    trial = bench.trial(backlink_metaproperty=f"Where_{bench.tag[6:]}")
    source = SourceAsset(asset_id, "version 1")  # as an event brings it
    with pytest.raises(ConfigError, match="is of type select, and takes no link; name another"):
        trial.run()
    with pytest.raises(BynderError, match="of the type select"):
        bench.pushed(trial, source)
    assert bench.files() == []


def test_links_of_many_files_make_one_metaproperty_of_the_type_text(bench: Any) -> None:
    ids = [bench.add() for _ in range(8)]
    label = f"Order {bench.tag}"
    bench.trial(backlink_metaproperty=label).run()
    names = list(bench.asset(ids[0])["metaproperties"])
    assert names == [label.replace(" ", "_")]
    assert all(bench.asset(each)["metaproperties"][names[0]] for each in ids)
