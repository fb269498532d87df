"""`damlink new`: what it makes installs, is linted, and passes the rules of the kit untouched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from made_plugins import call_damlink, call_python, install

LINT: Final = "A,ARG,B,C4,D,E,F,I,N,PTH,RET,RUF,SIM,T20,UP,W"
LINT_IGNORED: Final = "D100,D104,D105,D107,D203,D213,D205,D417"
KINDS: Final = {
    "source": ("acme",),
    "source-long": ("very-long-name-of-some-partner",),
    "source-login": ("larch", "--auth", "login", "--pages", "cursor"),
    "destination": ("print-shop", "--destination"),
}
# A wrong argument of one hook, a wrong result of another, and a setting that there is not.
WRONG: Final = {
    "checkpoint: Checkpoint": "checkpoint: int",
    "-> PreparedAsset | Skip": "-> str",
    "-> PreparedAsset | Removed:": "-> str:",
    "create_auth(ctx.settings)": "create_auth(ctx.settings.account)",
}
EXPECTED: Final = ('expected "Push"', 'expected "Transform"', 'has no attribute "account"')


@pytest.fixture(scope="module", params=KINDS.values(), ids=list(KINDS))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a distribution that `damlink new` has made, installed in `site` beside it."""
    folder: Path = tmp_path_factory.mktemp("new")
    child = call_damlink(folder, "new", *request.param)
    assert child.returncode == 0, child.stderr
    install(folder / request.param[0], folder / "site")
    return folder / request.param[0]


def tool(*arguments: str, cwd: Path) -> Any:
    return subprocess.run([sys.executable, "-m", *arguments], cwd=cwd, capture_output=True, text=True)


def test_distribution_when_made_has_every_file(made: Path) -> None:
    (package,) = (made / "src").iterdir()
    roles = ("plugin", "settings", "auth", "api", "listing", "transform", "deliver", "checks")
    wanted = {*(f"{role}.py" for role in roles), "sandbox", "py.typed", "__init__.py"}
    assert {path.name for path in package.iterdir()} == wanted
    assert {path.name for path in made.iterdir()} >= {
        *("README.md", "CHANGELOG.md", "AGENTS.md", "pyproject.toml", "tests", ".github", ".gitignore")
    }
    assert "## To decide\n" in (made / "README.md").read_text("utf-8")


def test_distribution_when_made_is_shown_by_its_name(made: Path) -> None:
    child = call_damlink(made, "plugins", "--json", path=made.parent / "site")
    shown = {info["name"]: info["problem"] for info in json.loads(child.stdout)}
    assert shown[made.name] == ""


def test_distribution_when_made_is_formatted_and_clean(made: Path) -> None:
    formatted = tool("ruff", "format", "--no-cache", "--check", "--diff", ".", cwd=made)
    options = ("--select", LINT, "--ignore", LINT_IGNORED)
    google = ("--config", 'lint.pydocstyle.convention="google"')
    linted = tool("ruff", "check", "--no-cache", *options, *google, "src", cwd=made)
    assert (formatted.returncode, linted.returncode) == (0, 0), formatted.stdout + linted.stdout


def check_types(made: Path, mypy_cache: Path) -> Any:
    options = ("--strict", "--cache-dir", str(mypy_cache))
    return call_python(made, "-m", "mypy", *options, "src", "tests", path=made / "src")


@pytest.mark.parametrize(
    "made", [each for kind, each in KINDS.items() if kind != "source-long"], indirect=True
)
def test_distribution_when_made_is_typed(made: Path, mypy_cache: Path) -> None:
    child = check_types(made, mypy_cache)
    assert child.returncode == 0, child.stdout


@pytest.mark.parametrize("made", [KINDS["source"], KINDS["destination"]], indirect=True)
def test_distribution_when_a_hook_is_changed_wrongly_is_refused_by_mypy(
    made: Path, mypy_cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(made, tmp_path / made.name)
    (plugin,) = (tmp_path / made.name).glob("src/*/plugin.py")
    text = plugin.read_text("utf-8")
    for right, wrong in WRONG.items():
        text = text.replace(right, wrong)
    plugin.write_text(text, "utf-8")
    said = check_types(tmp_path / made.name, mypy_cache).stdout
    assert [each for each in EXPECTED if each not in said] == [], said


@pytest.mark.parametrize("made", [KINDS["source-login"], KINDS["destination"]], indirect=True)
def test_distribution_when_made_passes_its_own_tests(made: Path) -> None:
    child = call_python(made, "-m", "pytest", "-p", "no:cacheprovider", "-q", path=made.parent / "site")
    assert child.returncode == 0, child.stdout


@pytest.mark.acceptance
@pytest.mark.parametrize("made", [KINDS["source"], KINDS["destination"]], indirect=True)
def test_distribution_when_made_is_graded_gold(made: Path) -> None:
    child = call_damlink(made, "grade", made.name, "--at-least", "gold", path=made.parent / "site")
    assert child.returncode == 0, child.stdout


@pytest.mark.parametrize("name", ["Acme", "my stock", "class", "gelato", "sandbox", "", "../up"])
def test_new_when_the_name_is_hostile_or_taken_exits_2_with_one_line(tmp_path: Path, name: str) -> None:
    child = call_damlink(tmp_path, "new", name)
    assert (child.returncode, child.stdout, child.stderr.count("\n")) == (2, "", 1)
    assert child.stderr.startswith(f"damlink: {name!r} cannot be the name of a plugin: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [
        ("--destination", "--pages", "cursor"),
        ("--from-openapi", "api.json", "--auth", "key"),
        ("--from-openapi", "api.json", "--pages", "link"),
    ],
    ids=["pages of a destination", "auth of a definition", "pages of a definition"],
)
def test_new_when_options_exclude_each_other_exits_2(tmp_path: Path, options: tuple[str, ...]) -> None:
    (tmp_path / "api.json").write_text("{}")
    child = call_damlink(tmp_path, "new", "acme", *options)
    assert (child.returncode, "exclude each other" in child.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["api.json"]


def test_new_when_the_folder_is_there_leaves_it_alone(tmp_path: Path) -> None:
    (tmp_path / "acme").mkdir()
    child = call_damlink(tmp_path, "new", "acme")
    assert (child.returncode, child.stderr.count("\n")) == (2, 1)
    assert "'acme' is there already: choose another name" in child.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["acme"]
