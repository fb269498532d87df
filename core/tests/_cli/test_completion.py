"""The shell completes portals, connectors, resources, their commands and options."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from click.shell_completion import BashComplete

from damlink._cli import main, root
from damlink._cli.bynder import actions, resources

PAGE: Final = Path(__file__).parents[3] / "docs/how-to/bynder-api.md"
CONFIG: Final = """
[portals.brand]
url = "https://brand.example"
token = { env = "TOKEN" }
[portals.other]
url = "https://other.example"
token = { env = "TOKEN" }
[connectors.stock]
plugin = "istock"
portal = "brand"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAMLINK_CONFIG", raising=False)
    (tmp_path / "damlink.toml").write_text(CONFIG)
    return tmp_path


def completed(line: str) -> list[str]:
    """What the shell offers at the end of a line."""
    *words, begun = line.split(" ")
    completion = BashComplete(root, {}, "damlink", "_DAMLINK_COMPLETE")
    return [each.value for each in completion.get_completions(words, begun)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("byn", ["bynder"]),
        ("bynder b", ["brand", "brands"]),
        ("bynder d", ["dependencies", "documents", "drift"]),
        ("bynder brand dr", ["drift"]),
        ("bynder brand assets d", ["delete", "download"]),
        ("bynder assets d", ["delete", "download"]),
        ("bynder brand assets list --ta", ["--tag", "--tags"]),
        ("bynder brand quarantine review --status ", ["APPROVED", "DENIED"]),
        ("events list o", ["other"]),
        ("portal check b", ["brand"]),
        ("run s", ["stock"]),
        ("assets s", ["stock"]),
        ("login s", ["stock"]),
    ],
)
def test_line_when_begun_is_completed(folder: Path, line: str, offered: list[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("resource", [name for name in resources() if name != "raw"])
def test_commands_of_a_resource_when_completed_are_all_there(folder: Path, resource: str) -> None:
    commands = [name.replace("_", "-") for name, _ in actions(resources()[resource])]
    assert completed(f"bynder brand {resource} ") == commands


def test_portal_when_another_config_is_named_is_of_that(folder: Path) -> None:
    (folder / "other.toml").write_text(CONFIG.replace("brand", "third"))
    assert completed(f"--config {folder / 'other.toml'} events list t") == ["third"]


@pytest.mark.parametrize(("shell", "offered"), [("bash", "plain,brand"), ("zsh", "plain\nbrand\n_")])
def test_shell_when_it_asks_is_answered(
    folder: Path,
    shell: str,
    offered: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("_DAMLINK_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "damlink bynder br")
    monkeypatch.setenv("COMP_CWORD", "2")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert (ended.value.code, capsys.readouterr().out.startswith(offered)) == (0, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_line_of_the_docs_when_a_shell_runs_it_prints_its_completion(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"_DAMLINK_COMPLETE={shell}_source damlink" in PAGE.read_text("utf-8")
    monkeypatch.setenv("_DAMLINK_COMPLETE", f"{shell}_source")
    with pytest.raises(SystemExit) as ended:
        main([])
    assert (ended.value.code, f"_DAMLINK_COMPLETE={shell}_complete" in capsys.readouterr().out) == (0, True)


@pytest.mark.parametrize("config", [None, "[portals", "[portals.brand]\nurl = 1"])
@pytest.mark.parametrize("line", ["bynder brand assets li", "bynder assets li"])
def test_line_when_there_is_no_good_config_is_completed_as_far_as_known(
    folder: Path, config: str | None, line: str
) -> None:
    (folder / "damlink.toml").unlink() if config is None else (folder / "damlink.toml").write_text(config)
    assert (completed(line), completed("bynder x"), completed("run ")) == (["list"], [], [])
