"""The machine that looks for secrets finds them: tests that leak on purpose fail, each for its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

LEAKS: Final = """
import base64, logging, sqlite3, subprocess, sys
import pytest
from canaries import CANARY, canaries

def test_stdout(): print(CANARY)
def test_stderr(): print(CANARY, file=sys.stderr)
def test_base64(): print(base64.b64encode(f"user:{CANARY}".encode()).decode())
def test_log(): logging.getLogger("damlink.http").warning("GET /?key=%s", CANARY)
def test_captured(capsys): print(CANARY); capsys.readouterr()
def test_export(tmp_path): (tmp_path / "export.jsonl").write_text(CANARY)
def test_file_name(tmp_path): (tmp_path / CANARY).touch()
def test_folder_below(tmp_path): (tmp_path / "a").mkdir(); (tmp_path / "a" / "b").write_text(f"{CANARY}\\n")
def test_command_line(): subprocess.run([sys.executable, "-c", "pass", CANARY])
def test_child():
    subprocess.run([sys.executable, "-c", "import canaries; print(canaries.CANARY)"], capture_output=True)
def test_answer(): canaries.look("an answer", f'{{"error": "{CANARY}"}}')

@pytest.fixture
def database(tmp_path):
    opened = sqlite3.connect(tmp_path / "damlink.db")
    opened.execute("PRAGMA journal_mode=wal")
    opened.execute("CREATE TABLE a (b)")
    yield opened
    opened.close()

def test_wal(database):
    with database:
        database.execute("INSERT INTO a VALUES (?)", [CANARY])

def test_shared_folder(tmp_path_factory): (tmp_path_factory.mktemp("shared") / "a").write_text(CANARY)
def test_innocent(tmp_path): (tmp_path / "key.secret").write_text(CANARY); print("innocent")
"""
HERE: Final = Path(__file__).parents[1]
WAYS: Final = [*re.findall(r"def test_(\w+)", LEAKS)]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about tests that leak."""
    folder = tmp_path_factory.mktemp("leaky")
    (folder / "test_leaky.py").write_text(LEAKS)
    (folder / "secrets").mkdir()
    command = [sys.executable, "-m", "pytest", "-p", "canaries", "-p", "no:cacheprovider", "-rA", "--tb=no"]
    options = [f"--basetemp={folder / 'secrets' / 'base'}", f"--rootdir={folder}", "test_leaky.py"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path]),
        "PYTEST_ADDOPTS": "",
        "COLUMNS": "400",
    }
    done = subprocess.run(
        [*command, "--no-header", "--show-capture=no", "-q", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        errors="replace",
    )
    return re.sub(r"canary-\w+", "…", done.stdout)


@pytest.mark.parametrize("way", WAYS[:-2])
def test_test_when_it_leaks_a_secret_fails(said: str, way: str) -> None:
    assert f"ERROR test_leaky.py::test_{way} - AssertionError: a secret was found in" in said


def test_session_when_a_shared_folder_holds_a_secret_fails(said: str) -> None:
    assert "test_innocent - AssertionError: a folder that tests share holds a secret" in said


def test_test_when_it_keeps_a_secret_where_it_belongs_passes(said: str) -> None:
    assert "PASSED test_leaky.py::test_innocent" in said
    assert "a secret was found in: key.secret" not in said
