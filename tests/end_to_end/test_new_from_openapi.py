"""`damlink new --from-openapi`: from each dialect a plugin that lists from its stand-in and passes the kit.

The definitions are our own, for partners that do not exist: one for each way to sign and to page, and one
that has the faults of public ones.
The folder of definitions can be another one: DAMLINK_DEFINITIONS names it for `make acceptance`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from made_plugins import call_damlink, call_python, install

OURS: Final = Path(__file__).parents[1] / "definitions"
DEFINITIONS: Final = sorted(OURS.iterdir())
GIVEN: Final = sorted(Path(os.environ.get("DAMLINK_DEFINITIONS", OURS)).iterdir())
# These run in `make test`: each version, and each way to page. The others run in acceptance.
QUICK: Final = (
    "cursor-oauth2.yaml",
    "link-bearer.json",
    "number-basic.json",
    "offset-query-key.yaml",
    "sloppy.yaml",
)
RUN_BY: Final = [
    pytest.param(path, marks=() if path.name in QUICK else pytest.mark.acceptance, id=path.name)
    for path in DEFINITIONS
]
LINT: Final = "A,ARG,B,C4,D,E,F,I,N,PTH,RET,RUF,SIM,T20,UP,W"
LINT_IGNORED: Final = "D100,D104,D105,D107,D203,D213,D205,D417"
# Runs the made plugin against its stand-in, and prints what became of its rows.
RUN: Final = """
import sys, json, pathlib
from damlink.testing import no_waiting
from damlink.testing.opening import open_sandbox, open_trial
folders = [pathlib.Path(name) for name in ("sandbox", "trial")]
for folder in folders:
    folder.mkdir()
with open_sandbox("made", folders[0]) as sandbox, open_trial("made", sandbox, folders[1]) as trial:
    print(json.dumps(trial.run()))
"""
# What the guess about each of our definitions must be, as the made `api.py` shows it.
GUESSES: Final = {
    "cursor-oauth2.yaml": ('query["cursor"] = following', 'list[Item], "data")', "PAGE: Final = 50"),
    "link-bearer.json": ('response.links.get("next"', '"/documents"'),
    "nothing-to-list.json": ('"/items"',),
    "number-basic.json": ('"page": 0', 'list[Item], "items")', '"per_page": PAGE'),
    "offset-query-key.yaml": (
        'query["offset"] += len(items)',
        'list[Item], ("result", "photos"))',
        "settings.country",
    ),
    "one-page-refresh-token.json": ('yield read_as(http.get("/videos", params=query), list[Item])',),
    "open-one-page.yaml": ('list[Item], "pictures")', "from_: str | None"),
    "openid-token.yaml": ('query["pageToken"] = page.next', 'metadata={"json": "nextPageToken"}'),
    "password-flow.yaml": ('"per-page": PAGE, "page": 1', 'list[Item], "results")'),
    "skip-header-key.json": ('query["skip"] += len(items)', "PAGE: Final = 20"),
    "sloppy.yaml": (
        '"/clips", params=query)',
        '"expand": "all", "self": settings.self_, "on": settings.on}',
        'query["page"] = page.next',
        "thumb_ids: tuple[str, ...] | None",
    ),
}
AUTH: Final = {
    "cursor-oauth2.yaml": "OAuth2(",
    "link-bearer.json": 'HeaderAuth({"Authorization": Secret(f"Bearer {settings.token.reveal()}")})',
    "nothing-to-list.json": 'Secret(f"session={settings.api_key.reveal()}")',
    "number-basic.json": 'Secret(f"Basic {',
    "offset-query-key.yaml": 'copy_set_param("api-key", self._key.reveal())',
    "one-page-refresh-token.json": "refresh_token=settings.refresh_token",
    "open-one-page.yaml": "`auth` is missing: the definition names no credentials.",
    "openid-token.yaml": "how a token is got by OpenID Connect",
    "password-flow.yaml": "username=settings.username",
    "skip-header-key.json": 'HeaderAuth({"X-Wrack-Key": settings.api_key})',
    "sloppy.yaml": 'HeaderAuth({"X-Api-Key": settings.api_key})',
}


@pytest.fixture(scope="module", params=DEFINITIONS, ids=lambda path: path.name)
def definition(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(scope="module")
def made(definition: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a distribution from a definition, installed in `site` beside it."""
    return make(definition, tmp_path_factory.mktemp("openapi"))


def make(definition: Path, folder: Path, *options: str) -> Path:
    child = call_damlink(folder, "new", "made", "--from-openapi", str(definition), *options)
    assert child.returncode == 0, child.stderr
    install(folder / "made", folder / "site")
    return folder / "made"


def source(made: Path, name: str) -> str:
    return (made / "src/damlink_made" / name).read_text("utf-8")


def test_guesses_when_a_definition_is_read_are_in_the_code(definition: Path, made: Path) -> None:
    api = source(made, "api.py")
    assert [guess for guess in GUESSES[definition.name] if guess not in api] == []
    readme = (made / "README.md").read_text("utf-8")
    modules = (path.read_text("utf-8") for path in (made / "src/damlink_made").glob("*.py"))
    assert AUTH[definition.name] in "".join((*modules, readme))
    assert "## To decide\n\nWhat" in readme


def test_plugin_when_made_is_formatted_and_clean(made: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    formatted = subprocess.run([*ruff, "format", "--no-cache", "--check", "."], cwd=made, capture_output=True)
    options = ["--no-cache", "--select", LINT, "--ignore", LINT_IGNORED]
    google = ["--config", 'lint.pydocstyle.convention="google"']
    linted = subprocess.run(
        [*ruff, "check", *options, *google, "src"], cwd=made, capture_output=True, text=True
    )
    assert (formatted.returncode, linted.returncode) == (0, 0), linted.stdout


@pytest.mark.acceptance
def test_plugin_when_made_is_typed(made: Path, mypy_cache: Path) -> None:
    options = ("--strict", "--cache-dir", str(mypy_cache))
    child = call_python(made, "-m", "mypy", *options, "src", path=made / "src")
    assert child.returncode == 0, child.stdout


@pytest.mark.parametrize("definition", RUN_BY, indirect=True)
def test_plugin_when_made_carries_the_rows_of_its_stand_in(made: Path, tmp_path: Path) -> None:
    child = call_python(tmp_path, "-c", RUN, path=made.parent / "site")
    assert child.returncode == 0, child.stderr
    assert json.loads(child.stdout) == {"pushed": 7}


@pytest.mark.acceptance
@pytest.mark.parametrize("options", [(), ("--destination",)], ids=["source", "destination"])
@pytest.mark.parametrize("path", GIVEN, ids=lambda path: path.name)
def test_plugin_when_made_passes_every_rule_of_the_kit(
    path: Path, options: tuple[str, ...], tmp_path: Path
) -> None:
    made = make(path, tmp_path, *options)
    child = call_damlink(tmp_path, "test", "made", "--json", path=made.parent / "site")
    broken = [rule for rule in json.loads(child.stdout)["rules"] if rule["outcome"] == "broken"]
    assert broken == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no OpenAPI definition"),
        ("{}", "is no OpenAPI definition"),
        ('{"openapi": "3.0.0", "paths": []}', "is no OpenAPI definition"),
        ("a: [b", "is neither JSON nor YAML"),
        ("\x00", "is neither JSON nor YAML"),
        ("&a [*a]", "is no OpenAPI definition"),
    ],
)
def test_new_when_the_file_is_no_definition_exits_3_with_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "api.yaml").write_text(text)
    child = call_damlink(tmp_path, "new", "acme", "--from-openapi", "api.yaml")
    assert (child.returncode, child.stderr.count("\n"), said in child.stderr) == (3, 1, True), child.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["api.yaml"]


def test_new_when_a_definition_is_hostile_makes_a_plugin_all_the_same(tmp_path: Path) -> None:
    text = '"""\n{{ 1 }}\\\'); import os #'
    schema: Any = {"type": "object", "properties": {"id": {"type": "string"}, text: {"type": "string"}}}
    schema["properties"]["self"] = {"$ref": "#/components/schemas/Evil"}
    answer = {"content": {"application/json": {"schema": {"type": "array", "items": schema}}}}
    parameter = {"name": text, "in": "path", "required": True, "description": text}
    operation = {"parameters": [parameter], "responses": {"200": answer}}
    key = {"type": "apiKey", "in": "header", "name": text}
    components = {"schemas": {"Evil": schema}, "securitySchemes": {text: key}}
    paths = {f"/x/{{{text}}}": {"get": operation}}
    data = {"openapi": "3.0.0", "servers": [{"url": f"https://{text}"}], "paths": paths}
    (tmp_path / "evil.json").write_text(json.dumps(data | {"components": components}))
    made = make(tmp_path / "evil.json", tmp_path)
    child = call_python(tmp_path, "-m", "compileall", "-q", str(made / "src"))
    assert child.returncode == 0, child.stdout


def test_new_when_schemas_are_combined_in_a_circle_ends_with_what_is_left_to_decide(tmp_path: Path) -> None:
    first, second = ({"$ref": f"#/components/schemas/{name}"} for name in ("First", "Second"))
    schemas = {"First": {"allOf": [second]}, "Second": {"allOf": [first]}}
    answer = {"content": {"application/json": {"schema": first}}}
    data: Any = {"openapi": "3.0.0", "paths": {"/x": {"get": {"responses": {"200": answer}}}}}
    (tmp_path / "circle.json").write_text(json.dumps(data | {"components": {"schemas": schemas}}))
    child = call_damlink(tmp_path, "new", "made", "--from-openapi", "circle.json")
    assert (child.returncode, child.stderr) == (0, "")
    assert "`api.py`: the definition has no call that lists objects; this one is invented." in child.stdout
