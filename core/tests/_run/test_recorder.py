"""Batches of a listing: in order, bounded, and no cursor before the rows that it stands behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

import attrs
import pytest
from loopback import until

from damlink._model import SourceAsset
from damlink._run.recorder import FEWEST_ROWS, MOST_TEXT, Batch, Recorder
from damlink.errors import LeaseLostError

Item = SourceAsset | str


@attrs.define
class Store:
    """Receiver of batches, which waits until it may store them.

    Attributes:
        begun: set when the first batch has arrived.
        may_store: set when batches may be stored.
        fails_at: number of the batch that cannot be stored.
    """

    batches: list[Batch] = attrs.field(factory=list)
    begun: threading.Event = attrs.field(factory=threading.Event)
    may_store: threading.Event = attrs.field(factory=threading.Event)
    fails_at: int = -1

    def __call__(self, batch: Batch) -> None:
        self.begun.set()
        self.may_store.wait()
        if len(self.batches) == self.fails_at:
            raise LeaseLostError("another run has taken over")
        self.batches.append(batch)

    @property
    def ids(self) -> list[str]:
        return [asset.source_id for batch in self.batches for asset in batch.assets]


@pytest.fixture
def store() -> Store:
    return Store()


def assets(first: int, last: int, text: str = "") -> list[SourceAsset]:
    return [SourceAsset(str(number), "a", raw={"x": text}) for number in range(first, last)]


def give(recorder: Recorder, *items: Item) -> None:
    for item in items:
        if isinstance(item, SourceAsset):
            recorder.add(item)
        else:
            recorder.reach(item)


def test_recorder_when_finished_has_stored_everything_in_order(store: Store) -> None:
    store.may_store.set()
    with Recorder(store) as recorder:
        give(recorder, *assets(0, 1000), "cursor", *assets(1000, 1100))
        recorder.finish()
    assert store.ids == [str(number) for number in range(1100)]


def test_recorder_when_a_batch_is_being_stored_gathers_one_more_and_then_waits(store: Store) -> None:
    taken: list[SourceAsset] = []
    with Recorder(store) as recorder:
        give(recorder, *assets(0, FEWEST_ROWS))
        store.begun.wait()
        late = threading.Thread(target=lambda: [recorder.add(noted(each, taken)) for each in assets(0, 1000)])
        late.start()
        until(lambda: len(taken) > FEWEST_ROWS)
        held = len(taken)
        store.may_store.set()
        late.join()
        recorder.finish()
    assert held == FEWEST_ROWS + 1, "one of them waits"
    assert len(store.ids) == FEWEST_ROWS + 1000


def noted(asset: SourceAsset, taken: list[SourceAsset]) -> SourceAsset:
    taken.append(asset)
    return asset


@pytest.mark.parametrize("every", [1, 7, 250, 1000])
def test_recorder_when_cursors_are_reached_stores_none_before_its_rows(store: Store, every: int) -> None:
    store.may_store.set()
    listed = assets(0, 2000)
    with Recorder(store) as recorder:
        for first in range(0, 2000, every):
            give(recorder, *listed[first : first + every], str(min(first + every, 2000)))
        recorder.finish()
    stored = 0
    for batch in store.batches:
        stored += len(batch.assets)
        assert int(batch.cursor or 0) <= stored
    assert store.batches[-1].cursor == "2000"


def test_recorder_when_only_a_cursor_is_reached_stores_it(store: Store) -> None:
    store.may_store.set()
    with Recorder(store) as recorder:
        give(recorder, "cursor")
        recorder.finish()
    assert [(batch.assets, batch.cursor) for batch in store.batches] == [([], "cursor")]


def test_recorder_when_a_listing_pauses_stores_what_it_has_listed(store: Store) -> None:
    with Recorder(store) as recorder:
        give(recorder, *assets(0, 1))
        assert store.begun.wait(30), "without waiting for the next item"
        store.may_store.set()


def test_recorder_when_records_are_large_stores_fewer_at_once(store: Store) -> None:
    store.may_store.set()
    with Recorder(store) as recorder:
        give(recorder, *assets(0, 100, "x" * (MOST_TEXT // 10)))
        recorder.finish()
    assert max(len(batch.assets) for batch in store.batches) <= 10


WAYS: dict[str, Callable[[Recorder], None]] = {
    "more assets": lambda recorder: give(recorder, *assets(0, 3 * FEWEST_ROWS)),
    "a cursor": lambda recorder: (give(recorder, *assets(0, 2 * FEWEST_ROWS)), give(recorder, "c"))[1],
    "the end": lambda recorder: recorder.finish(),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_recorder_when_a_batch_cannot_be_stored_says_so_and_stores_nothing_behind_it(
    store: Store, way: Callable[[Recorder], None]
) -> None:
    store.fails_at = 1
    store.may_store.set()
    with pytest.raises(LeaseLostError), Recorder(store) as recorder:
        give(recorder, *assets(0, 2 * FEWEST_ROWS), "cursor")
        way(recorder)
        recorder.finish()
    assert len(store.batches) == 1
