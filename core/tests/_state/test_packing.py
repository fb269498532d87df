from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from ledger_rows import claim, find

from damlink._model import PushResult, SourceAsset
from damlink._state.database import Database
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.packing import pack
from damlink._state.rows import Row
from damlink._state.tables import ledger as t

NewRun = Callable[..., Ledger]
LONG = {"caption": "A lighthouse in the morning. " * 40, "keywords": ["sea", "Größe", "🐚"]}
FINISHES: Mapping[str, Callable[[Ledger, Row], None]] = {
    "pushed": lambda ledger, row: ledger.mark_pushed(row, PushResult("portal-1")),
    "skipped": lambda ledger, row: ledger.mark_skipped(row, "a draft"),
    "rejected": lambda ledger, row: ledger.mark_rejected(row, "no file"),
}
INCOMPRESSIBLE = "".join(random.Random(1).choices([chr(n) for n in range(32, 0x3000)], k=300))


def list_one(ledger: Ledger, raw: Mapping[str, Any] = LONG, fingerprint: str = "a", **options: Any) -> None:
    ledger.record(Listed([SourceAsset("1", fingerprint, "title", raw)], **options), "s")


def stored(database: Database) -> tuple[str, bool]:
    with database.read() as connection:
        text, packed = connection.execute(sa.select(t.c.raw, t.c.raw_packed)).one()
    return text, packed is not None


@pytest.mark.parametrize("state", FINISHES)
def test_record_of_a_row_when_finished_is_compressed_and_read_as_before(
    ledger: Ledger, database: Database, state: str
) -> None:
    list_one(ledger)
    FINISHES[state](ledger, claim(ledger))
    assert stored(database) == ("", True)
    assert (find(ledger).state, find(ledger).raw) == (state, LONG)
    assert [row.raw for row in ledger.rows()] == [LONG]


def test_records_when_listed_together_are_kept_each_in_its_row(ledger: Ledger) -> None:
    raws = {str(n): {"id": n} if n % 3 else LONG | {"id": n} for n in range(20)}
    ledger.record(Listed([SourceAsset(key, "a", "title", raw) for key, raw in raws.items()]), "s")
    assert {row.source_id: row.raw for row in ledger.rows()} == raws


def test_record_when_short_or_incompressible_stays_text(ledger: Ledger, database: Database) -> None:
    list_one(ledger, {"id": 1})
    assert stored(database) == ('{"id": 1}', False)
    assert pack(INCOMPRESSIBLE) == (INCOMPRESSIBLE, None)


def test_record_of_a_finished_row_when_carried_again_is_the_whole_one(ledger: Ledger) -> None:
    list_one(ledger)
    FINISHES["pushed"](ledger, claim(ledger))
    ledger.revive(find(ledger))
    row = claim(ledger)
    FINISHES["pushed"](ledger, row)
    assert row.source.raw == find(ledger).raw == LONG


def test_record_of_a_finished_row_when_listed_anew_is_the_new_one(ledger: Ledger, database: Database) -> None:
    list_one(ledger)
    FINISHES["pushed"](ledger, claim(ledger))
    list_one(ledger, {"new": True}, "b")
    assert stored(database) == ('{"new": true}', False)
    list_one(ledger, LONG | {"new": True}, "c")
    assert claim(ledger).source.raw == LONG | {"new": True}


def test_record_when_listed_anew_during_the_transfer_is_the_new_one(ledger: Ledger) -> None:
    list_one(ledger)
    row = claim(ledger)
    list_one(ledger, LONG | {"new": True}, "b")
    FINISHES["pushed"](ledger, row)
    assert claim(ledger).source.raw == LONG | {"new": True}


def test_record_when_our_own_effect_changed_it_during_the_transfer_is_the_new_one(ledger: Ledger) -> None:
    list_one(ledger)
    row = claim(ledger)
    list_one(ledger, LONG | {"new": True}, "b")
    ledger.mark_pushed(row, PushResult("portal-1", fingerprint_after="b"))
    assert (find(ledger).state, find(ledger).raw) == ("pushed", LONG | {"new": True})


def test_record_of_an_adopted_row_is_compressed(ledger: Ledger, database: Database) -> None:
    list_one(ledger, found={"1": "portal-1"})
    assert stored(database) == ("", True)
    assert (find(ledger).state, find(ledger).raw) == ("pushed", LONG)


def test_record_of_a_finished_row_of_an_earlier_version_is_read(ledger: Ledger, database: Database) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    same = {"connector": "stock", "title": "", "fingerprint_seen": "a", "listed_at": now, "updated_at": now}
    with database.write() as connection:
        connection.execute(sa.insert(t).values(source_id="1", state="pushed", raw='{"a": 1}', **same))
    ledger.revive(find(ledger))
    assert claim(ledger).source.raw == {"a": 1}
