"""A command imports the libraries that it uses, and no other ones."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLUGIN = """
from damlink import Skip, SourceAsset, hookimpl

@hookimpl
def list_source_assets():
    yield SourceAsset("1", "first")

@hookimpl
def transform():
    return Skip("a test")

@hookimpl
def push():
    raise AssertionError
"""
CONFIG = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "DAMLINK_KEY" }

[connectors.stock]
plugin = "acme"
"""
PROGRAM = """
import sys
from damlink._cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""
# For a service, a terminal, PostgreSQL, an upgrade, other credentials, or a change of the config.
RARE = {
    "PIL", "alembic", "apprise", "authlib", "boto3", "cryptography.x509", "jinja2", "keyring",
    "prometheus_client", "psycopg", "rich", "starlette", "tomlkit", "uvicorn",
}  # fmt: skip
# For requests and for secrets.
SENDING = {"cryptography", "httpx", "msgspec", "pluggy", "tenacity"}
READING = ["status", "runs stock", "assets stock", "state show stock", "state export stock"]


@pytest.fixture
def imported(
    install: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], set[str]]:
    """The modules that a command imports, beside a database in which a run has left a row."""
    monkeypatch.setenv("PYTHONPATH", str(install("acme", PLUGIN)), prepend=":")
    (tmp_path / "damlink.toml").write_text(CONFIG)

    def imported(line: str) -> set[str]:
        child = [sys.executable, "-c", PROGRAM, *line.split()]
        ended = subprocess.run(child, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
        assert ended.returncode == 0, ended.stderr
        return set(ended.stderr.splitlines()[-1].split())

    return imported


def test_run_when_nothing_is_sent_imports_nothing_for_rare_uses(imported: Callable[[str], set[str]]) -> None:
    assert imported("run") & RARE == set()


@pytest.mark.parametrize("line", READING)
def test_command_when_it_reads_the_database_imports_nothing_to_send(
    imported: Callable[[str], set[str]], line: str
) -> None:
    imported("run")
    assert imported(line) & (RARE | SENDING) == set()
