"""Commands derived from methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import attrs
import click
import pytest
from canaries import CANARY

from damlink import Secret
from damlink._cli._answers import to_json
from damlink._cli._derived import arguments_of, click_parameters, parameters_of, text_of


class More(TypedDict, total=False):
    """What else there is.

    Args:
        colour: of the thing.
    """

    colour: str


def everything(
    method: str,
    /,
    *,
    id: str,  # noqa: A002
    count: int = 3,
    share: float | None = None,
    since: datetime | None = None,
    kind: Literal["a", "b"] = "a",
    always: bool = True,
    perhaps: bool | None = None,
    never: bool = False,
    file: Path | None = None,
    tags: Sequence[str] | None = None,
    entries: Sequence[Mapping[str, Any]] | None = None,
    values: Mapping[str, str | Sequence[str]] | None = None,
    files: Mapping[str, Path | Sequence[Path]] | None = None,
    either: Sequence[str] | Mapping[str, Any] | None = None,
    document: Any = None,
    body: str | bytes | None = None,
    **more: Unpack[More],
) -> None:
    """Does everything.

    At once.

    Args:
        method: to use.
        id: of the thing,
            which has one.
        count: how many.

    Raises:
        ValueError: never.
    """


def called(function: Callable[..., Any], *words: str) -> Any:
    """What a derived command calls its function with."""
    seen = []

    def collect(**values: Any) -> None:
        seen.append(arguments_of(function, values))

    command = click.Command("it", params=click_parameters(function), callback=collect)
    command.main(list(words), standalone_mode=False)
    return seen[0]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], {}),
        (["--count", "5", "--share", "0.5"], {"count": 5, "share": 0.5}),
        (["--since", "2026-01-02"], {"since": datetime(2026, 1, 2)}),
        (["--kind", "b"], {"kind": "b"}),
        (["--no-always", "--perhaps", "--never"], {"always": False, "perhaps": True, "never": True}),
        (["--no-perhaps"], {"perhaps": False}),
        (["--tag", "a", "--tags", "b,c"], {"tags": ["a", "b,c"]}),
        (["--entry", '{"a": 1}'], {"entries": [{"a": 1}]}),
        (["--value", "a=1", "--value", "b=x=y"], {"values": {"a": "1", "b": "x=y"}}),
        (["--value", "a=1", "--value", "a=2", "--value", "a=3"], {"values": {"a": ["1", "2", "3"]}}),
        (["--values", '{"a": ["1"], "b": ""}'], {"values": {"a": ["1"], "b": ""}}),
        (["--value", "a="], {"values": {"a": ""}}),
        (["--files", "a=x", "--files", "a=y"], {"files": {"a": [Path("x"), Path("y")]}}),
        (["--files", '{"a": ["x"]}', "--files", "a=y"], {"files": {"a": [Path("x"), Path("y")]}}),
        (["--either", "a=1"], {"either": ["a=1"]}),
        (["--document", "[1]"], {"document": [1]}),
        (["--document", "null"], {}),
        (["--body", "text"], {"body": "text"}),
        (["--colour", "red"], {"colour": "red"}),
    ],
)
def test_words_when_typed_are_the_arguments(words: list[str], named: dict[str, Any]) -> None:
    assert called(everything, "GET", "--id", "1", *words) == (["GET"], {"id": "1"} | named)


def mapped(*, files: Mapping[str, Path] | None = None) -> None:
    """Takes files."""


def test_paths_when_typed_by_their_names_are_a_mapping_of_paths() -> None:
    assert called(mapped, "--file", "f=x/y", "--files", "g=z") == (
        [],
        {"files": {"f": Path("x/y"), "g": Path("z")}},
    )


def test_text_when_taken_from_a_docstring_leaves_the_sections_out() -> None:
    assert text_of(everything) == "Does everything.\n\nAt once."
    helps = {each.name: each.help for each in parameters_of(everything)}
    assert (helps["id"], helps["count"], helps["colour"]) == (
        "Id of the thing, which has one.",
        "How many.",
        "Colour of the thing.",
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["GET"], "Missing option '--id'"),
        (["GET", "--id", "1", "--value", "a"], "'a' is neither NAME=VALUE nor a JSON object"),
        (["GET", "--id", "1", "--value", "{a"], "this is no JSON object"),
        (["GET", "--id", "1", "--document", "{"], "this is no JSON"),
        (["GET", "--id", "1", "--kind", "c"], "'c' is not one of 'a', 'b'"),
        (["--id", "1"], "Missing argument 'METHOD'"),
    ],
)
def test_words_when_typed_wrongly_are_a_usage_error(words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        called(everything, *words)
    assert said in caught.value.format_message()


# --- secrets ---------------------------------------------------------------------------------------


def guarded(*, password: Secret, other: Secret | None = None) -> None:
    """Takes secrets."""


def test_secret_when_in_the_environment_is_taken_from_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", CANARY)
    assert called(guarded, "--password-env", "PASSWORD") == ([], {"password": Secret(CANARY)})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Missing option '--password -' or '--password-env'"),
        (["--password", CANARY], "a secret is no argument"),
        (["--password-env", "NOT_THERE"], "NOT_THERE is not set"),
    ],
)
def test_secret_when_not_given_as_one_is_refused_and_not_repeated(words: list[str], said: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        called(guarded, *words)
    assert said in caught.value.format_message()
    assert CANARY not in caught.value.format_message()


# --- results ---------------------------------------------------------------------------------------


@attrs.frozen
class Kept:
    id: str
    raw: Mapping[str, Any]


@attrs.frozen
class Bare:
    items: tuple[Any, ...]
    names: frozenset[str]


def test_result_when_written_is_the_portals_record_with_the_id_that_calls_take() -> None:
    assert to_json(Kept("a-b", {"id": "ab", "x": 1})) == {"id": "a-b", "x": 1}
    assert to_json(Bare((Kept("1", {"x": 1}),), frozenset("cab"))) == {
        "items": [{"x": 1, "id": "1"}],
        "names": ["a", "b", "c"],
    }
