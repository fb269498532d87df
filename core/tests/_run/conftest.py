"""One connector of a plugin whose hooks a test writes, and its SQLite ledger; a whole run takes a moment."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from rude import plugin

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.report import RunReport
from damlink._run.runner import RunOptions, Stopping, run_connector
from damlink._run.session import Session
from damlink._state.ledger import Ledger
from damlink._state.rows import Row

MODULE = "damlink_acme_plugin"


@attrs.define
class Stock:
    """The connector `stock`: its two assets are `1` and `2`, and only `1` meets what a hook does instead."""

    session: Session
    source: Path
    pushes: Path

    def write(self, **hooks: str) -> None:
        """Let these hooks do something else."""
        self.source.write_text(plugin(**hooks))
        sys.modules.pop(MODULE, None)
        importlib.invalidate_caches()

    def run(self, stopping: Stopping | None = None, **options: object) -> RunReport:
        return run_connector(self.session, "stock", RunOptions(**options), stopping)  # type: ignore[arg-type]

    @property
    def rows(self) -> dict[str, Row]:
        return {row.source_id: row for row in Ledger(self.session.database, "stock").rows()}

    @property
    def states(self) -> dict[str, str]:
        return {key: row.state.value for key, row in self.rows.items()}

    @property
    def pushed(self) -> list[str]:
        """What has been delivered, in order."""
        return self.pushes.read_text().split() if self.pushes.exists() else []


@pytest.fixture
def stock(tmp_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stock]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # the source changes faster than its date
    monkeypatch.setenv("PUSHES", str(tmp_path / "pushes"))
    folder = install("acme", plugin())
    tables = {
        "state": {"url": f"sqlite:///{tmp_path / 'damlink.db'}"},
        "portals": {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}},
        "connectors": {"stock": {"plugin": "acme", "workers": 1}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))
    with Session(load(tmp_path / "damlink.toml")) as session:
        yield Stock(session, folder / f"{MODULE}.py", tmp_path / "pushes")
