"""`damlink state upgrade`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from damlink import _cli
from damlink._config.edit import document
from damlink._state.database import SCHEMA


def upgrade(folder: Path, url: str) -> str:
    portals = {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}}
    (folder / "damlink.toml").write_text(document({"state": {"url": url}, "portals": portals}))
    result = CliRunner().invoke(_cli.root, ["state", "upgrade", "--config", str(folder / "damlink.toml")])
    assert result.exit_code == 0, result.output
    return result.output


def test_state_upgrade_when_there_is_no_database_makes_it(tmp_path: Path) -> None:
    made = upgrade(tmp_path, "sqlite:///damlink.db")
    assert made == f"tables of Damlink: new, of version {SCHEMA}\ndone\n"
    assert (tmp_path / "damlink.db").exists()


def test_state_upgrade_when_the_database_is_of_this_version_does_nothing(tmp_path: Path) -> None:
    upgrade(tmp_path, "sqlite:///damlink.db")
    assert upgrade(tmp_path, "sqlite:///damlink.db").startswith("nothing to do")


@pytest.mark.servers
def test_state_upgrade_when_on_postgresql_makes_the_tables_of_the_engine_too(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = postgres()
    lines = upgrade(tmp_path, url).splitlines()
    assert lines[0].startswith("tables of Damlink: new")
    assert lines[1].startswith("tables of the job engine, in the schema damlink_jobs: Procrastinate 3.")
    assert upgrade(tmp_path, url).startswith("nothing to do")
