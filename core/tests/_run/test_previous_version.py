"""A database of an earlier version (tables of migration 0002) opens, is upgraded, and its run goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from canaries import KEY
from cryptography.fernet import Fernet

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.report import RunReport
from damlink._run.runner import RunOptions, run_connector
from damlink._run.session import Session
from damlink._state import migrations
from damlink._state.ledger import Ledger
from damlink_sandbox import Sandbox

PLUGIN = """
import attrs
from damlink import *

about = About(title="Acme", summary="Carries assets.")

@attrs.frozen
class settings_class:
    key: Secret = setting()

@hookimpl
def list_source_assets(ctx, since):
    if ctx.settings.key.reveal() != "opens acme":
        raise AuthError("another key")
    first = int(since or 0) + 1
    yield from (SourceAsset(str(number), "a", f"Asset {number}") for number in range(first, 11))
    yield Cursor("10")

@hookimpl
def transform(source):
    content = Content.from_bytes(b"sand", f"{source.source_id}.jpg")
    return PreparedAsset(content=content, name=source.title, tags=(source.source_id,))

@hookimpl
def push(ctx, prepared, checkpoint):
    return ctx.bynder.upload(prepared, checkpoint)
"""
LONG_AGO = "2026-01-01 00:00:00"
SINCE = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
NO_SELECTION = "44136fa355b3678a"  # the digest of a plugin without settings that select
SAVE = {"since": SINCE, "size": 4, "tries": 1}

# Source id, state, attempts, target id, and the checkpoint in its form of then: the upload's values stand
# at its root, and there is no source asset in it.
ROWS: tuple[tuple[str, str, int, str | None, dict[str, Any] | None], ...] = (
    ("1", "pushed", 0, "earlier-1", None),
    ("2", "skipped", 0, None, None),
    ("3", "rejected", 0, None, None),
    ("4", "uncertain", 0, None, {"save": SAVE | {"filename": "4.jpg"}}),
    ("5", "failed", 2, None, None),
    ("6", "waiting", 0, None, {"save": SAVE | {"filename": "6.jpg", "lost": SINCE}}),
    ("7", "due", 0, None, None),
    ("8", "running", 0, None, {"save": SAVE | {"filename": "8.jpg"}, "saved": "earlier-8"}),
)
ROW = sa.text(
    "INSERT INTO ledger (connector, source_id, state, title, raw, fingerprint_seen, fingerprint_carried,"
    " attempts, due_at, epoch, target_id, result, checkpoint, checkpoint_fingerprint, listed_at, updated_at)"
    f" VALUES ('stock', :id, :state, 'title', '{{}}', 'a', :carried, :attempts, '{LONG_AGO}', 1, :target,"
    f" :result, :checkpoint, :noted, '{LONG_AGO}', '{LONG_AGO}')"
)
OTHERS = (
    f"INSERT INTO cursor VALUES ('stock', '8', '{NO_SELECTION}', '{NO_SELECTION}', '{LONG_AGO}')",
    f"INSERT INTO lease VALUES ('stock', 1, 'elsewhere/1/1', '{LONG_AGO}')",
    "INSERT INTO run (connector, epoch, owner, started_at)"
    f" VALUES ('stock', 1, 'elsewhere/1/1', '{LONG_AGO}')",
)
SECRET = sa.text(
    "INSERT INTO credential (name, sealed, version, updated_at)"
    f" VALUES ('secret:acme', :sealed, 1, '{LONG_AGO}')"
)


def seal(values: object) -> bytes:
    return Fernet(KEY).encrypt(json.dumps(values).encode())


def values_of(
    source_id: str, state: str, attempts: int, target: str | None, checkpoint: dict[str, Any] | None
) -> dict[str, Any]:
    is_finished = state in ("pushed", "skipped", "rejected")
    result = {"target_id": target, "url": "", "fingerprint_after": None, "notice": "", "detail": {}}
    return {
        "id": source_id,
        "state": state,
        "attempts": attempts,
        "target": target,
        "result": json.dumps(result) if target else None,
        "carried": "a" if is_finished else None,
        "checkpoint": seal(checkpoint) if checkpoint else None,
        "noted": "a" if checkpoint else None,
    }


def write_earlier(url: str) -> None:
    """Make the database as the earlier version left it when it was killed."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        connection.execute(ROW, [values_of(*row) for row in ROWS])
        connection.execute(SECRET, {"sealed": Fernet(KEY).encrypt(b"opens acme")})
        for statement in OTHERS:
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([]) as running:
        running.part("bynder").control("lag", {"index": 0})
        yield running


@pytest.fixture
def site(
    tmp_path: Path,
    empty_url: str,
    sandbox: Sandbox,
    install: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    hurried: None,
) -> Path:
    """A config with the earlier database; asset 6 is in the portal, though its save got no answer."""
    install("acme", PLUGIN)
    monkeypatch.setenv("TOKEN", sandbox.part("bynder").connector()["token"])
    portal = {"url": sandbox.origins["portal"], "token": {"env": "TOKEN"}, "index_lag": "1s"}
    stock = {"plugin": "acme", "key": {"secret": "acme"}}
    tables = {"state": {"url": empty_url}, "portals": {"brand": portal}, "connectors": {"stock": stock}}
    (tmp_path / "damlink.toml").write_text(document(tables))
    sandbox.part("bynder").control("add_asset", {"text": "sand", "tags": ["6"]})
    write_earlier(empty_url)
    return tmp_path


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Session]:
    with Session(load(folder / "damlink.toml")) as session:
        yield session


def run(folder: Path) -> RunReport:
    with opened(folder) as session:
        return run_connector(session, "stock", RunOptions())


def states(folder: Path) -> dict[str, str]:
    with opened(folder) as session:
        return {row.source_id: row.state.value for row in Ledger(session.database, "stock").rows()}


def arrived(sandbox: Sandbox) -> list[str]:
    return sorted(tag for asset in sandbox.part("bynder").state()["assets"] for tag in asset["tags"])


def test_run_on_an_earlier_database_goes_on_and_carries_no_asset_twice(site: Path, sandbox: Sandbox) -> None:
    listed = run(site).listed
    done = dict.fromkeys(("1", "5", "6", "7", "8", "9", "10"), "pushed")
    assert states(site) == done | {"2": "skipped", "3": "rejected", "4": "uncertain"}
    assert arrived(sandbox) == ["10", "5", "6", "7", "9"]
    assert (listed["new"], listed.get("unchanged", 0)) == (2, 0), "it begins behind the earlier cursor"


def test_run_on_an_earlier_database_when_repeated_carries_nothing(site: Path, sandbox: Sandbox) -> None:
    run(site)
    first = arrived(sandbox)
    assert run(site).outcomes == {}
    assert arrived(sandbox) == first
