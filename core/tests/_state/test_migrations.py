from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from databases import of_version

from damlink._state import migrations
from damlink._state.database import SCHEMA, Database
from damlink._state.ledger import Ledger
from damlink._state.runs import Runs
from damlink._state.tables import metadata
from damlink.errors import StateError


def version(database: Database, new: str | None = None) -> str:
    with database.write() as connection:
        if new is not None:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = :new"), {"new": new})
        return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar())


def test_migrations_when_applied_make_exactly_the_tables(empty_url: str, tmp_path: Path) -> None:
    database = Database(empty_url, tmp_path)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert version(database) == SCHEMA
    database.close()


def of_the_first_version(url: str) -> sa.Engine:
    """A database as the first version made it, with one run in it."""
    engine = of_version(url, "0001")
    with engine.begin() as connection:
        columns, row = "connector, epoch, owner, started_at", "'stock', 1, 'me', '2026-01-01 00:00:00'"
        connection.execute(sa.text(f"INSERT INTO run ({columns}) VALUES ({row})"))
    return engine


def test_database_when_of_the_first_version_is_brought_up_to_date(empty_url: str, tmp_path: Path) -> None:
    of_the_first_version(empty_url).dispose()
    with contextlib.closing(Database(empty_url, tmp_path)) as database:
        with database.read() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
        assert version(database) == SCHEMA
        assert [run.listing for run in Runs(database, "stock").latest()] == [True]


def test_database_when_a_row_was_skipped_for_a_sibling_that_did_not_push_makes_it_due(
    empty_url: str, tmp_path: Path
) -> None:
    columns = (
        "connector, source_id, state, reason, target_id, title, raw, fingerprint_seen, listed_at, updated_at"
    )
    rest = "'t', '{}', 'a', '2026-01-01 00:00:00', '2026-01-01 00:00:00'"
    engine = of_the_first_version(empty_url)
    with engine.begin() as connection:
        for source_id, state, target in (("1", "pushed", "'x'"), ("2", "rejected", "NULL")):
            for row in (
                f"'first', '{source_id}', '{state}', '', {target}",
                f"'second', '{source_id}', 'skipped', 'already brought by first', NULL",
            ):
                connection.execute(sa.text(f"INSERT INTO ledger ({columns}) VALUES ({row}, {rest})"))
    engine.dispose()
    with contextlib.closing(Database(empty_url, tmp_path)) as database:
        states = {row.source_id: row.state.value for row in Ledger(database, "second").rows()}
    assert states == {"1": "skipped", "2": "due"}


def test_database_when_many_open_an_old_one_at_once_is_upgraded_once(
    empty_url: str, tmp_path: Path, together: Callable[..., list[Any]]
) -> None:
    of_the_first_version(empty_url).dispose()
    together(4, lambda _: Database(empty_url, tmp_path).close())
    with contextlib.closing(Database(empty_url, tmp_path)) as database:
        assert version(database) == SCHEMA


def put_rows(connection: sa.Connection, **dues: str) -> None:
    """Insert rows that are due, by source id with their moments."""
    columns = "connector, source_id, state, due_at, title, raw, fingerprint_seen, listed_at, updated_at"
    rest = "'t', '{}', 'a', '2026-01-01 00:00:00', '2026-01-01 00:00:00'"
    for source_id, due_at in dues.items():
        row = f"'stock', '{source_id}', 'due', '{due_at}'"
        connection.execute(sa.text(f"INSERT INTO ledger ({columns}) VALUES ({row}, {rest})"))


def test_database_when_rows_were_stored_as_due_a_century_earlier_marks_them_urgent(
    empty_url: str, tmp_path: Path
) -> None:
    engine = of_version(empty_url, "0014")
    with engine.begin() as connection:
        put_rows(connection, listed="2026-02-03 04:05:06", heard="1926-02-03 04:05:06")
    engine.dispose()
    with contextlib.closing(Database(empty_url, tmp_path)) as database:
        rows = {row.source_id: (row.is_urgent, row.due_at) for row in Ledger(database, "stock").rows()}
    due_at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert rows == {"listed": (False, due_at), "heard": (True, due_at)}


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_database_when_an_index_is_built_lets_writers_go_on(empty_url: str, tmp_path: Path) -> None:
    engine = of_version(empty_url, "0015")
    with engine.connect() as held, ThreadPoolExecutor(1) as pool:
        put_rows(held, held="2026-01-01 00:00:00")
        upgrading = pool.submit(lambda: Database(empty_url, tmp_path).close())
        wait_for_index(engine)
        with engine.begin() as writer:
            writer.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
            put_rows(writer, written="2026-01-01 00:00:00")
        assert not upgrading.done()
        held.commit()
        upgrading.result(timeout=60)
    assert "ledger_urgent" in {each["name"] for each in sa.inspect(engine).get_indexes("ledger")}
    engine.dispose()


def wait_for_index(engine: sa.Engine) -> None:
    """Wait until the index is being built."""
    until = time.monotonic() + 60
    while "ledger_urgent" not in {each["name"] for each in sa.inspect(engine).get_indexes("ledger")}:
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_database_when_building_an_index_was_interrupted_builds_it_anew(
    empty_url: str, tmp_path: Path
) -> None:
    engine = of_version(empty_url, "0015")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE INDEX ledger_urgent ON ledger (connector)"))
    Database(empty_url, tmp_path).close()
    (found,) = (each for each in sa.inspect(engine).get_indexes("ledger") if each["name"] == "ledger_urgent")
    assert found["column_names"] == ["is_urgent", "connector", "state", "due_at", "source_id"]
    engine.dispose()


def test_migrations_when_listed_end_where_the_code_is() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_heads() == [SCHEMA]
    assert [script.revision for script in scripts.walk_revisions()][-1] == "0001"


def test_database_when_newer_than_the_code_is_refused_untouched(
    database: Database, opened: Callable[[], Database]
) -> None:
    version(database, "9999")
    with pytest.raises(StateError) as caught:
        opened()
    assert str(caught.value) == (
        f"{database.place}: the database is newer (9999) than this Damlink; "
        "install the Damlink that wrote it, or a newer one"
    )
    assert version(database) == "9999"


def test_database_when_up_to_date_never_imports_alembic(prepared_file: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom damlink._state.database import Database\n"
        "Database(sys.argv[1], Path()).close()\nassert 'alembic' not in sys.modules\n"
    )
    program_call = [sys.executable, "-c", program, f"sqlite:///{prepared_file}"]
    subprocess.run(program_call, check=True, timeout=60)
