"""`damlink bynder`: every method of every resource as a command, against answers that are noted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from portal_actions import Action, all_actions
from portal_answers import Call, noted_answer
from scripted_server import Asked, Reply, Server

from damlink import Secret
from damlink._cli import main
from damlink._cli._derived import Parameter, parameters_of
from damlink._config.edit import document
from damlink._http.retry import no_waiting

# Of these the answers come from the storage, or from several calls in a row; `raw` has words of its own; and
# the call of the last is noted with the answer to another parameter.
OTHERS: Final = {"raw.request", "uploads.chunk", "uploads.file", "assets.content", "dependencies.of_option"}
EVERY: Final = [each for each in all_actions() if str(each) not in OTHERS]
# What a method needs though its signature does not say so.
NEEDED: Final[Mapping[str, Sequence[str]]] = {
    "access.add": ("--user", "x"),
    "access.set_option": ("--user", "x"),
    "assets.modify": ("--name", "x"),
    "assets.transform": ("--id", "x"),
    "assets.similar": ("--text", "x"),
    "collections.share": ("--recipient", "a@portal.example"),
    "orders.get": ("--id", "x"),
}
# What is looked for, and must be there.
FOUND: Final = {"metaproperties.get": "Source_Id", "metaproperties.ensure": "Source_Id"}


@pytest.fixture(scope="module")
def portal() -> Iterator[Server]:
    with Server() as running:
        yield running.serve(_answer)


def _answer(asked: Asked) -> Reply:
    answer = noted_answer(Call.of(asked.method, asked.path.partition("?")[0]))
    return Reply(answer.status, answer.content, headers=answer.headers)


@pytest.fixture(scope="module")
def config(portal: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "a.jpg").write_bytes(b"x")
    brand = {"url": portal.url, "token": {"env": "TOKEN"}}
    (folder / "damlink.toml").write_text(document({"portals": {"brand": brand}}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, no_waiting():
        patch.setenv("TOKEN", "t")
        patch.setenv("DAMLINK_STATE_DIR", str(folder))
        yield folder / "damlink.toml"


def words_of(action: Action, file: Path) -> list[str]:
    """The words that a command must have."""
    needed = [each for each in parameters_of(action.method) if each.required]
    text = FOUND.get(str(action), "x")
    return [word for each in needed for word in _words(each, file, text)] + [*NEEDED.get(str(action), ())]


def _words(parameter: Parameter, file: Path, text: str) -> tuple[str, str]:
    if parameter.kind is Secret:
        return f"--{parameter.option}-env", "TOKEN"
    given = {int: "1", Path: str(file), str: text, Mapping: "key=x"}
    given[Sequence] = "x" if parameter.of is str else '{"key": "x"}'
    return f"--{parameter.option}", given.get(parameter.kind) or str(parameter.of[0])


@pytest.mark.parametrize("action", EVERY, ids=str)
def test_command_when_called_writes_what_the_method_gives(
    action: Action, portal: Server, config: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    portal.asked.clear()
    name = action.name.replace("_", "-")
    line = ["bynder", "brand", action.resource, name, *words_of(action, config.with_name("a.jpg"))]
    with pytest.raises(SystemExit) as ended:
        main(["--config", str(config), *line])
    written = capfd.readouterr()
    assert (ended.value.code, written.err) == (0, "")
    assert _is_readable(action, written.out)
    assert portal.asked


def _is_readable(action: Action, text: str) -> bool:
    """Whether it is JSON, or JSON in lines; a file is given as it is."""
    if "-> Content" in _returns(action) or "-> bytes" in _returns(action):
        return bool(text)
    try:
        documents: list[Any] = [json.loads(text)]
    except ValueError:
        documents = [json.loads(each) for each in text.splitlines()]
    return documents is not None


def _returns(action: Action) -> str:
    return f"-> {action.method.__annotations__['return']}"
