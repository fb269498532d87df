"""Text from outside is shown on a terminal and never obeyed."""

from __future__ import annotations

import ast
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import damlink._cli
from damlink._cli import main
from damlink._config.edit import document
from damlink._system.printable import json_escaped, one_line, printable

POISON = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp\r\nstock: pushed 9"
PLUGIN = """
from damlink import *

POISON = {poison!r}

@hookimpl
def list_source_assets(ctx):
    ctx.log.warning("listing %s", POISON)
    for number, what in enumerate(("push", "skip", "fail", "reject", "wait", "bug", "unclear")):
        yield SourceAsset(f"{{number}}{{POISON}}", what, POISON)

@hookimpl
def transform(source):
    if source.fingerprint == "skip":
        return Skip(POISON)
    raised = {{
        "fail": TransientError, "reject": AssetRejectedError, "wait": NotYet, "bug": ValueError,
        "unclear": UnclearError,
    }}.get(source.fingerprint)
    if raised:
        raise raised(POISON)
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), POISON)

@hookimpl
def push(source):
    return PushResult("target" + POISON, notice=POISON)
"""
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2028]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\0\x7f", "a\\x0db\\x00\\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\ud83d", "\\ud83d"),
        ("Équipe \N{GRINNING FACE}", "Équipe \N{GRINNING FACE}"),
    ],
)
def test_printable_when_there_are_controls_writes_them_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_one_line_when_there_are_line_breaks_is_one() -> None:
    assert one_line("a\nb\r\nc\u2028d\te") == "a b c d e"


def test_json_when_escaped_means_the_same() -> None:
    text = json_escaped(json.dumps(POISON, ensure_ascii=False))
    assert OBEYED.search(text) is None
    assert json.loads(text) == POISON


FOLDER = Path(damlink._cli.__file__).parent


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_command_when_it_writes_does_so_through_the_one_place(path: Path) -> None:
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    written = {ast.unparse(call) for call in calls} & {"click.echo", "click.secho", "print", "echo.echo"}
    assert written == ({"click.echo"} if path.stem.strip("_") == "output" else set())


@pytest.fixture
def folder(tmp_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    install("acme", PLUGIN.format(poison=POISON))
    tables = {
        "portals": {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}},
        "connectors": {"stock": {"plugin": "acme"}},
    }
    (tmp_path / "damlink.toml").write_text(document(tables))
    monkeypatch.chdir(tmp_path)
    log = logging.getLogger("damlink")
    monkeypatch.setattr(log, "handlers", [*log.handlers])
    monkeypatch.setattr(log, "propagate", log.propagate)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit):
        main(arguments)
    out, err = capsys.readouterr()
    return out + err


BEFORE = [["plan"], ["plan", "--json"], ["run"], ["--log-format", "json", "run", "--json"]]
AFTER = [
    ["assets", "stock"],
    ["assets", "stock", "--json"],
    ["assets", "stock", "--state", "failed"],
    ["plan"],
    ["status"],
    ["status", "--json"],
    ["runs", "stock"],
    ["retry", "stock", f"6{POISON}"],
    ["retry", "stock", POISON],
    ["settle", "stock", f"6{POISON}", "--again"],
    ["state", "show", "stock"],
    ["run", POISON],
    [POISON],
]


@pytest.mark.parametrize("command", BEFORE, ids=" ".join)
def test_command_when_a_source_is_hostile_obeys_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    shown = said(capsys, *command)
    assert OBEYED.search(shown) is None
    assert "\nstock: pushed 9" not in shown


@pytest.mark.parametrize("command", AFTER, ids=lambda command: " ".join(command).replace(POISON, "POISON"))
def test_command_when_the_ledger_holds_hostile_text_obeys_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    said(capsys, "run")
    shown = said(capsys, *command)
    assert OBEYED.search(shown) is None
    assert "\nstock: pushed 9" not in shown
