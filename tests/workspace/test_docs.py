"""The docs say what the code does: generated pages, commands, settings, examples, links."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import matrices
import pytest
from markdown.extensions.toc import slugify, unique
from ports import free_port

from damlink import _cli
from damlink._config.edit import document
from damlink._config.load import load, reference
from damlink._config.parse import check
from damlink._config.settings import fields_of
from damlink_istock.sandbox.controls import ACTIONS as ISTOCK_ACTIONS
from damlink_istock.settings import IStockSettings
from damlink_sandbox import BynderSandbox, Sandbox
from damlink_sandbox.bynder.controls.people import ACTIONS as OFFICE_ACTIONS
from damlink_sandbox.bynder.controls.portal import ACTIONS as BYNDER_ACTIONS
from damlink_sandbox.bynder.controls.services import ACTIONS as SERVICE_ACTIONS

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = sorted(
    [
        *DOCS.rglob("*.md"),
        *ROOT.glob("*.md"),
        *ROOT.glob("*/*.md"),
        *ROOT.glob("plugins/*/*.md"),
        *ROOT.glob("extensions/*/*.md"),
    ]
)
GENERATED: Final = "<!-- Written by tests/workspace/generate_reference.py"
WRITTEN: Final = [page for page in PAGES if not page.read_text("utf-8").startswith(GENERATED)]
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE: Final = re.compile(r"^`damlink-larkspur/(\S+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK: Final = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
TABLES: Final = {"state", "pace", "http", "serve", "console", "notify", "portals", "connectors"}
PORTAL: Final = {"url": "https://brand.bynder.com", "token": {"env": "TOKEN"}}
STOCK: Final = {"plugin": "istock", "api_key": {"env": "KEY"}, "api_secret": {"env": "SECRET"}}


def named(pages: list[Path]) -> list[Any]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages]


def examples(language: str) -> list[Any]:
    found = ((page, FENCE.findall(page.read_text("utf-8"))) for page in PAGES)
    return [
        pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")
        for page, blocks in found
        for number, (kind, text) in enumerate(blocks)
        if kind == language
    ]


def configs() -> list[Any]:
    return [each for each in examples("toml") if tomllib.loads(each.values[0]).keys() <= TABLES]


# Tables of a connector that are not its plugin's.
CORE: Final = {"metadata", "extensions"}


def stock_tables() -> list[dict[str, Any]]:
    """Each table of an iStock connector, with what an excerpt leaves out."""
    tables = [tomllib.loads(each.values[0]).get("connectors", {}) for each in configs()]
    filled = [STOCK | table for connectors in tables for table in connectors.values()]
    return [table for table in filled if table.pop("plugin") == "istock"]


def command_lines() -> list[Any]:
    """Each `damlink …` of a code span or a shell block in the pages written by hand."""
    return [
        pytest.param(line.partition("#")[0], id=f"{page.relative_to(ROOT)}: {line}")
        for page in WRITTEN
        for line in dict.fromkeys(commands_in(page.read_text("utf-8")))
    ]


def commands_in(text: str) -> list[str]:
    shell = "\n".join(block for kind, block in FENCE.findall(text) if kind == "sh")
    spans = re.findall(r"`(damlink [^`\n]+)`", FENCE.sub("", text))
    return [*spans, *re.findall(r"^(?:\S*/)?damlink .*$", shell, re.MULTILINE)]


def find_command(words: list[str]) -> click.Command:
    """The command that a line calls, down to the last one below a group."""
    command: click.Command = _cli.root
    for word in words:
        below = (
            command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        )
        command = below or command
    return command


def test_generated_pages_when_code_is_as_it_is_say_the_same() -> None:
    child = subprocess.run(
        [sys.executable, ROOT / "tests/workspace/generate_reference.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr


def test_generated_pages_when_one_is_changed_by_hand_name_it(tmp_path: Path) -> None:
    shutil.copytree(DOCS / "reference", tmp_path, dirs_exist_ok=True)
    (tmp_path / "cli.md").write_text("# Commands\n", "utf-8")
    child = subprocess.run(
        [sys.executable, ROOT / "tests/workspace/generate_reference.py", "--check", tmp_path],
        capture_output=True,
        text=True,
    )
    assert (child.returncode, child.stderr.count("is stale")) == (1, 1)
    assert "cli.md is stale" in child.stderr


@pytest.mark.parametrize("name", _cli.COMMANDS)
def test_command_when_it_exists_has_its_section(name: str) -> None:
    assert f"## `damlink {name}`\n" in (DOCS / "reference/cli.md").read_text("utf-8")


@pytest.mark.parametrize("line", command_lines())
def test_command_line_when_docs_show_one_exists_with_its_options(line: str) -> None:
    words = [word.strip("[]\"'.,;") for word in line.split()[1:]]
    names = {name for name in words if re.fullmatch(r"[a-z]+", name)}
    command = find_command(words)
    known = {option for each in (command, _cli.root) for param in each.params for option in param.opts}
    used = {word for word in words if word.startswith("--")} - {"--help", "--version"}
    assert command is not _cli.root or not names, f"there is no such command: {line}"
    assert used <= known, f"there is no such option: {line}"


@pytest.mark.parametrize("table", reference())
def test_setting_of_the_core_when_it_exists_has_its_line(table: str) -> None:
    page = (DOCS / "reference/settings.md").read_text("utf-8")
    assert [field.name for field in reference()[table] if f"| `{field.name}` |" not in page] == []


@pytest.mark.parametrize("name", [field.name for field in fields_of(IStockSettings)])
def test_setting_of_istock_when_it_exists_has_its_line(name: str) -> None:
    assert f"| `{name}` |" in (DOCS / "reference/plugins/istock.md").read_text("utf-8")


@pytest.mark.parametrize(
    "action", sorted({*BYNDER_ACTIONS, *OFFICE_ACTIONS, *SERVICE_ACTIONS, *ISTOCK_ACTIONS})
)
def test_sandbox_action_when_it_exists_is_in_the_how_to(action: str) -> None:
    assert f"`{action}`" in (DOCS / "how-to/sandbox.md").read_text("utf-8")


@pytest.mark.parametrize("text", configs())
def test_config_when_docs_show_one_can_be_loaded(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAMLINK_DATABASE", "sqlite:///elsewhere.db")
    tables = {"portals": {"brand": PORTAL}, **tomllib.loads(text)}
    tables["connectors"] = {name: STOCK | table for name, table in tables.get("connectors", {}).items()}
    (tmp_path / "damlink.toml").write_text(document(tables), "utf-8")
    assert load(tmp_path / "damlink.toml").portals.keys() == tables["portals"].keys()


@pytest.mark.parametrize("table", stock_tables())
def test_settings_of_istock_when_docs_show_them_are_right(table: dict[str, Any]) -> None:
    check(IStockSettings, {name: value for name, value in table.items() if name not in CORE}, "docs")


@pytest.mark.parametrize("page", named(PAGES))
def test_links_when_they_lead_inside_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
    inside = [target for target in targets if "://" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


ANCHOR: Final = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors_of(page: Path) -> set[str]:
    """The names by which the headings of a page are linked to."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", page.read_text("utf-8"))):
        unique(slugify(re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading), "-"), found)
    return found


@pytest.mark.parametrize("page", named([page for page in PAGES if page.is_relative_to(DOCS)]))
def test_anchors_when_a_link_has_one_are_those_of_a_heading(page: Path) -> None:
    links = ANCHOR.findall(FENCE.sub("", page.read_text("utf-8")))
    targets = [(page.parent / target if target else page, anchor) for target, anchor in links]
    inside = [(target, anchor) for target, anchor in targets if target.suffix == ".md"]
    assert [anchor for target, anchor in inside if anchor not in anchors_of(target)] == []


def navigated() -> list[str]:
    """The pages of the navigation."""
    nav = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    return re.findall(r"- (\S+\.md)$", nav, re.MULTILINE)


def test_navigation_when_walked_has_every_page_once() -> None:
    assert sorted(navigated()) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


DISTRIBUTIONS: Final = sorted(
    [*ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("extensions/*/pyproject.toml")]
)


@pytest.mark.parametrize("file", DISTRIBUTIONS, ids=lambda file: file.parent.name)
def test_plugin_or_extension_when_it_is_a_distribution_is_in_the_directory(file: Path) -> None:
    points = tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]
    names = {*points.get("damlink", {}), *points.get("damlink.extensions", {})}
    page = (DOCS / "reference/plugins.md").read_text("utf-8")
    assert [name for name in names if f"`{name}`" not in page] == []


def assumed_places() -> list[Any]:
    """Each file that an assumption names, with the folders where it may be and a setting it should hold."""
    core, found = ROOT / "core/src/damlink", {}
    for section in (DOCS / "reference/assumptions.md").read_text("utf-8").split("\n## "):
        base = re.search(r"Paths here begin at `([^`]+)`", section)
        folders = (ROOT / base[1], core) if base else (core,)
        for setting, file in re.findall(r"(?:`(\[?\w+\]?)`, in )?`([\w/]+\.py)`", section):
            found[section.split("\n")[0], file, setting] = folders
    return [
        pytest.param(folders, file, setting.strip("[]"), id=f"{section}-{file}-{setting}")
        for (section, file, setting), folders in found.items()
    ]


@pytest.mark.parametrize(("folders", "file", "setting"), assumed_places())
def test_file_when_an_assumption_names_it_exists_and_has_the_setting(
    folders: tuple[Path, ...], file: str, setting: str
) -> None:
    there = [folder / file for folder in folders if (folder / file).exists()]
    assert there
    assert setting in there[0].read_text("utf-8")


def test_readme_when_read_by_a_machine_shows_how_to_test() -> None:
    shell = [block for kind, block in FENCE.findall((ROOT / "README.md").read_text("utf-8")) if kind == "sh"]
    assert "make test\n" in shell


@pytest.fixture
def larkspur(tmp_path: Path) -> Path:
    """The how-to's distribution as an installer leaves it, in a folder of its own."""
    for name, text in FILE.findall((DOCS / "how-to/write-a-plugin.md").read_text("utf-8")):
        path = tmp_path / name.removeprefix("src/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    project = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["project"]
    facts = tmp_path / "damlink_larkspur-0.1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n", "utf-8"
    )
    points = project["entry-points"]["damlink"]
    lines = [f"{name} = {module}" for name, module in points.items()]
    (facts / "entry_points.txt").write_text("\n".join(("[damlink]", *lines)), "utf-8")
    return tmp_path


@pytest.fixture
def library(larkspur: Path) -> Iterator[str]:
    """The how-to's stand-in, with one picture and one draft; its address."""
    pictures = larkspur / "pictures"
    pictures.mkdir()
    (pictures / "old-mill.jpg").write_bytes(b"a picture")
    (pictures / "draft-cover.jpg").write_bytes(b"a draft")
    port = free_port()
    stand_in = subprocess.Popen([sys.executable, larkspur / "larkspur.py", pictures, str(port)])
    yield f"http://127.0.0.1:{port}"
    stand_in.kill()
    stand_in.wait()


def test_plugin_of_the_how_to_when_installed_carries_its_pictures(larkspur: Path, library: str) -> None:
    with Sandbox([BynderSandbox], folder=larkspur) as world:
        portal = world.part("bynder")
        connector = {"plugin": "larkspur", "api_url": library, "api_key": {"env": "KEY"}}
        brand = portal.connector() | {"token": {"env": "TOKEN"}}
        tables = {"portals": {"brand": brand}, "connectors": {"larkspur": connector}}
        (larkspur / "damlink.toml").write_text(document(tables), "utf-8")
        secrets = {"KEY": "made-up", "TOKEN": portal.connector()["token"]}
        child = subprocess.run(
            [sys.executable, "-m", "damlink", "run"],
            cwd=larkspur,
            env={**os.environ, **secrets, "DAMLINK_STATE_DIR": str(larkspur), "PYTHONPATH": str(larkspur)},
            capture_output=True,
            text=True,
        )
        assert child.returncode == 0, child.stderr
        (asset,) = portal.state()["assets"]
    assert (asset["name"], "1 skipped" in child.stderr) == ("Old mill", True)


def test_matrices_when_shown_are_those_of_the_last_runs() -> None:
    page = matrices.PAGE.read_text("utf-8")
    assert matrices.written(page) == page


def test_readme_of_the_core_when_it_lists_extras_names_all() -> None:
    extras = tomllib.loads((ROOT / "core" / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    listed = re.findall(r"^\| `damlink\[(\w+)\]` \|", (ROOT / "core" / "README.md").read_text(), flags=re.M)
    assert sorted(listed) == sorted(extras)
