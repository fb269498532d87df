from __future__ import annotations

from ledger_rows import claim

from damlink._model import SourceAsset
from damlink._state.database import SCHEMA, Database
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.sizes import describe_database
from damlink._state.tables import metadata


def test_database_when_described_has_the_rows_of_every_table(database: Database, ledger: Ledger) -> None:
    ledger.record(Listed([SourceAsset(str(number), "a") for number in range(3)]), "all")
    ledger.mark_rejected(claim(ledger), "too large")
    found = describe_database(database)
    assert {*found["rows"]} == {*metadata.tables}
    assert (found["rows"]["ledger"], found["rows"]["history"], found["rows"]["plan"]) == (3, 1, 0)


def test_database_when_described_has_kind_version_and_size(database: Database) -> None:
    found = describe_database(database)
    assert found["kind"] == ("sqlite" if database.file else "postgresql")
    assert (found["schema"], found["version"] != "") == (SCHEMA, True)
    assert found["bytes"] > 10_000
