"""Triggers on the ledger: they keep the counters and the history in the transaction of each change.

One more guards the audit log.

No statement can forget them. The counters of a state are spread over shards on PostgreSQL, one for each
connection: two transactions seldom wait for the same counter. The history leaves out rows that are listed
first, and claims.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from damlink._state.console_tables import audit
from damlink._state.tables import counter
from damlink._state.tables import ledger as t

__all__ = ["guard_audit", "install_triggers", "recount"]

# The number of a run that has not ended, of the connector of a changed row.
_RUN: Final = """
    (SELECT CASE WHEN run.finished_at IS NULL THEN run.id END FROM run
     WHERE run.connector = {new}.connector ORDER BY run.id DESC LIMIT 1)"""
_CAUSE: Final = """
    CASE WHEN {new}.state IN ('failed', 'rejected', 'uncertain') THEN {new}.last_error
         WHEN {new}.state = 'due' AND {new}.fingerprint_seen <> {old}.fingerprint_seen THEN 'changed'
         WHEN {new}.state = 'due' AND {new}.fingerprint_carried IS DISTINCT FROM {old}.fingerprint_carried
              THEN 'changed during the transfer'
         ELSE {new}.reason END"""
_REQUESTS: Final = """
    CASE WHEN {new}.state IN ('failed', 'rejected', 'uncertain') THEN {new}.last_requests END"""
_HISTORY: Final = "INSERT INTO history (connector, source_id, at, run, from_state, to_state, cause, requests)"


def _line(new: str, old: str) -> str:
    """Return the values of a line of the history."""
    values = "{new}.connector, {new}.source_id, {new}.updated_at," + _RUN
    values += f", {{old}}.state, {{new}}.state,{_CAUSE},{_REQUESTS}"
    return values.format(new=new, old=old)


def _count_one(row: str, sign: str) -> str:
    return f"""
    INSERT INTO counter (connector, state, shard, count) VALUES ({row}.connector, {row}.state, 0, {sign}1)
    ON CONFLICT (connector, state, shard) DO UPDATE SET count = count {sign} 1;"""  # noqa: S608 - our own words


_SQLITE: Final = (
    f"CREATE TRIGGER ledger_inserted AFTER INSERT ON ledger BEGIN {_count_one('NEW', '+')} END",
    f"CREATE TRIGGER ledger_deleted AFTER DELETE ON ledger BEGIN {_count_one('OLD', '-')} END",
    "CREATE TRIGGER ledger_updated AFTER UPDATE OF state ON ledger WHEN OLD.state <> NEW.state BEGIN "
    f"{_count_one('OLD', '-')}{_count_one('NEW', '+')} END",
    "CREATE TRIGGER ledger_moved AFTER UPDATE OF state ON ledger "
    "WHEN OLD.state <> NEW.state AND NEW.state <> 'running' BEGIN "
    # SQLite has IS DISTINCT FROM since version 3.39 only.
    f"{_HISTORY} SELECT {_line('NEW', 'OLD').replace('IS DISTINCT FROM', 'IS NOT')}; END",
)

_DIFFERENCES: Final = {
    "INSERT": "SELECT connector, state, 1 AS change FROM new_rows",
    "DELETE": "SELECT connector, state, -1 AS change FROM old_rows",
}


def _count_all(differences: str) -> str:
    """Return a statement for all rows of a change, in an order in which two of them cannot deadlock."""
    return f"""
    INSERT INTO counter AS kept (connector, state, shard, count)
    SELECT connector, state, pg_backend_pid() % 32, sum(change) FROM ({differences}) AS each
    GROUP BY connector, state HAVING sum(change) <> 0 ORDER BY connector, state
    ON CONFLICT (connector, state, shard) DO UPDATE SET count = kept.count + excluded.count;"""  # noqa: S608 - our own words


def _function(name: str, body: str) -> str:
    return f"""
    CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN {body} RETURN NULL; END $$"""


_POSTGRESQL: Final = (
    _function("ledger_inserted", _count_all(_DIFFERENCES["INSERT"])),
    _function("ledger_deleted", _count_all(_DIFFERENCES["DELETE"])),
    _function(
        "ledger_updated",
        f"""{_count_all(" UNION ALL ".join(_DIFFERENCES.values()))}
        {_HISTORY} SELECT {_line("later", "earlier")}
        FROM new_rows AS later JOIN old_rows AS earlier
             ON earlier.connector = later.connector AND earlier.source_id = later.source_id
        WHERE earlier.state <> later.state AND later.state <> 'running';""",  # noqa: S608 - our own words
    ),
    "CREATE TRIGGER ledger_inserted AFTER INSERT ON ledger REFERENCING NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_inserted()",
    "CREATE TRIGGER ledger_deleted AFTER DELETE ON ledger REFERENCING OLD TABLE AS old_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_deleted()",
    "CREATE TRIGGER ledger_updated AFTER UPDATE ON ledger "
    "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows "
    "FOR EACH STATEMENT EXECUTE FUNCTION ledger_updated()",
)


def install_triggers(connection: sa.Connection) -> None:
    """Create the triggers."""
    for statement in _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL:
        connection.exec_driver_sql(statement.replace("%", "%%") if "%" in statement else statement)


_REFUSAL: Final = "the audit log is only ever added to"
_GUARD_SQLITE: Final = tuple(
    f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON {audit.name} "
    f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    for what in ("UPDATE", "DELETE")
)
_GUARD_POSTGRESQL: Final = (
    _function("audit_guarded", f"RAISE EXCEPTION '{_REFUSAL}';"),
    f"CREATE TRIGGER audit_guarded BEFORE UPDATE OR DELETE OR TRUNCATE ON {audit.name} "
    "FOR EACH STATEMENT EXECUTE FUNCTION audit_guarded()",
)


def guard_audit(connection: sa.Connection) -> None:
    """Have the database refuse to change or delete entries of the audit log."""
    for statement in _GUARD_SQLITE if connection.dialect.name == "sqlite" else _GUARD_POSTGRESQL:
        connection.exec_driver_sql(statement)


def recount(connection: sa.Connection) -> None:
    """Set the counters to the number of rows, for all connectors, while nothing else writes rows."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE ledger IN SHARE ROW EXCLUSIVE MODE")
    connection.execute(sa.delete(counter))
    counts = sa.select(t.c.connector, t.c.state, sa.literal(0), sa.func.count()).group_by(
        t.c.connector, t.c.state
    )
    connection.execute(sa.insert(counter).from_select(list(counter.c), counts))
