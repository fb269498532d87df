"""Types of settings beside the plain ones: choices, limits, forms, lists and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final, Literal

import attrs
import pytest

from damlink._config.parse import check, parse
from damlink._config.schema import json_schema
from damlink._config.settings import fields_of, plain, setting
from damlink._secret import Secret
from damlink.errors import ConfigError

PLACE = "damlink.toml: connectors.stock"


@attrs.frozen
class Settings:
    size: Literal["small", "large"] = setting(default="small")
    level: Literal[1, 2] = setting(default=1)
    version: int = setting(default=3, choices=(3, 4))
    pause: timedelta = setting(default=timedelta(seconds=5), minimum=1, maximum=60)
    limit: int = setting(default=1, minimum=1)
    share: float = setting(default=0.5, minimum=0, maximum=1)
    code: str = setting(default="AB", pattern="[A-Z]{2}")
    codes: tuple[str, ...] = setting(default=(), pattern="[A-Z]{2}")
    sizes: tuple[int, ...] = setting(default=())
    days: list[date] = setting(default=None)
    fields: Mapping[str, str] = setting(default=None)
    limits: dict[str, int] = setting(default=None)
    ports: tuple[int, ...] = setting(default=(), minimum=1, maximum=65535)
    pauses: Mapping[str, timedelta] = setting(default=None, minimum=1)
    kinds: tuple[Literal["image", "film"], ...] = setting(default=())
    colours: list[str] = setting(default=None, choices=("red", "blue"))
    names: Mapping[str, str] = setting(default=None, pattern="[a-z]+")
    groups: Mapping[str, tuple[str, ...]] = setting(default=None)
    token: Secret = setting(default=None, pattern="tk-.*")

    def validate(self) -> Iterator[tuple[str, str]]:
        if self.limit > 10 and self.share < 0.1:
            yield "limit", "more than 10 needs a share of at least 0.1"
        if self.version == 4 and self.share < 0.1:
            yield "version", "4 has no such share"


def parsed(**table: Any) -> Settings:
    return parse(Settings, table, PLACE, lambda ref, _place: ref.name)


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("size", "large", "large"),
        ("level", 2, 2),
        ("version", 4, 4),
        ("pause", "1m", timedelta(minutes=1)),
        ("limit", 1, 1),
        ("share", 1, 1.0),
        ("code", "XY", "XY"),
        ("codes", ["XY", "ZZ"], ("XY", "ZZ")),
        ("sizes", [1, 2], (1, 2)),
        ("days", ["2026-01-02", date(2026, 1, 3)], [date(2026, 1, 2), date(2026, 1, 3)]),
        ("fields", {"a": "b"}, {"a": "b"}),
        ("limits", {"a": 1}, {"a": 1}),
        ("ports", [80, 443], (80, 443)),
        ("pauses", {"a": "2s"}, {"a": timedelta(seconds=2)}),
        ("kinds", ["film"], ("film",)),
        ("colours", ["red", "blue"], ["red", "blue"]),
        ("names", {"A": "b"}, {"A": "b"}),
        ("groups", {"a": ["b", "c"]}, {"a": ("b", "c")}),
        ("code", {"env": "AB"}, "AB"),
        ("token", {"env": "tk-1"}, Secret("tk-1")),
    ],
)
def test_parse_when_written_well_gives_the_declared_type(name: str, written: Any, value: Any) -> None:
    assert getattr(parsed(**{name: written}), name) == value


WRONG: Final = [
    ("size", "medium", "small or large, got 'medium'"),
    ("level", 3, "1 or 2, got 3"),
    ("level", True, "1 or 2, got true"),
    ("version", 5, "3 or 4, got 5"),
    ("version", "3", "3 or 4, got '3'"),
    ("pause", "2m", "a duration such as 90s, 15m, 2h or 1d, at least 1 and at most 60, got '2m'"),
    ("pause", 5, "a duration such as 90s"),
    ("limit", 0, "a whole number, at least 1, got 0"),
    ("share", 1.5, "a number, at least 0 and at most 1, got 1.5"),
    ("code", "ab", r"text, of the form \[A-Z\]\{2\}, got 'ab'"),
    ("codes", "AB", "a list of texts"),
    ("sizes", "12", "a list of whole numbers, got '12'"),
    ("fields", ["a"], "a table of texts"),
    ("colours", "red", "a list of values, each red or blue, got 'red'"),
    ("code", {"env": "secret"}, r"text, of the form \[A-Z\]\{2\}, and the text that it refers to is another"),
    ("token", {"env": "secret"}, r"a secret: .*, of the form tk-\.\*, and the text that it refers to is"),
]
WRONG_PARTS: Final = [
    ("codes", ["AB", "b"], "codes[1]", "text, of the form [A-Z]{2}, got 'b'"),
    ("sizes", [1, "2"], "sizes[1]", "a whole number, got '2'"),
    ("days", ["soon"], "days[0]", "a date such as 2024-01-31, got 'soon'"),
    ("fields", {"a": 1}, "fields.a", "text, got 1"),
    ("limits", {"b": 1, "a": "1"}, "limits.a", "a whole number, got '1'"),
    ("ports", [80, 0], "ports[1]", "a whole number, at least 1 and at most 65535, got 0"),
    ("ports", [80, True], "ports[1]", "a whole number, at least 1 and at most 65535, got true"),
    ("pauses", {"a": "0s"}, "pauses.a", "a duration such as 90s, 15m, 2h or 1d, at least 1, got '0s'"),
    ("kinds", ["film", "text"], "kinds[1]", "image or film, got 'text'"),
    ("colours", ["red", "pink"], "colours[1]", "red or blue, got 'pink'"),
    ("names", {"a": "b", "c": "D"}, "names.c", "text, of the form [a-z]+, got 'D'"),
    ("groups", {"a": "b"}, "groups.a", "a list of texts, got 'b'"),
]


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    WRONG,
)
def test_parse_when_a_value_is_wrong_names_its_place_and_what_is_expected(
    name: str, written: Any, expected: str
) -> None:
    with pytest.raises(ConfigError, match=rf"stock\.{name}: expected {expected}"):
        parsed(**{name: written})


@pytest.mark.parametrize(
    ("name", "written", "place", "expected"),
    WRONG_PARTS,
)
def test_parse_when_a_part_is_wrong_names_its_place_in_the_list_or_table(
    name: str, written: Any, place: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**{name: written})
    assert str(caught.value).startswith(f"{PLACE}.{place}: expected {expected}")


def test_every_setting_when_listed_has_a_wrong_value_in_these_tests() -> None:
    wrong = {name for name, *_ in (*WRONG, *WRONG_PARTS)}
    assert {field.name for field in fields_of(Settings)} == wrong


def test_check_when_a_text_is_not_opened_does_not_compare_it() -> None:
    check(Settings, {"code": {"env": "NOT_OPENED"}}, PLACE)


def test_parse_when_several_settings_do_not_fit_names_each() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(limit=11, share=0.05, version=4)
    assert str(caught.value) == (
        f"{PLACE}.limit: more than 10 needs a share of at least 0.1; {PLACE}.version: 4 has no such share"
    )


def test_parse_when_settings_do_not_fit_together_names_the_one_to_change() -> None:
    with pytest.raises(ConfigError, match=r"stock\.limit: more than 10 needs a share"):
        parsed(limit=11, share=0.05)


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("size", {"enum": ["small", "large"]}),
        ("level", {"enum": [1, 2]}),
        ("version", {"enum": [3, 4]}),
        ("limit", {"type": "integer", "minimum": 1}),
        ("share", {"type": "number", "minimum": 0, "maximum": 1}),
        ("codes", {"type": "array", "items": {"type": "string", "pattern": "^(?:[A-Z]{2})$"}}),
        ("sizes", {"type": "array", "items": {"type": "integer"}}),
        ("limits", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("ports", {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}}),
        ("kinds", {"type": "array", "items": {"enum": ["image", "film"]}}),
        ("colours", {"type": "array", "items": {"enum": ["red", "blue"]}}),
        ("names", {"type": "object", "additionalProperties": {"type": "string", "pattern": "^(?:[a-z]+)$"}}),
    ],
)
def test_json_schema_when_made_says_what_parse_demands(name: str, schema: dict[str, Any]) -> None:
    found = json.loads(json.dumps(json_schema(Settings, "Settings")))["properties"][name]

    assert {key: found.get(key) for key in schema} == schema


def test_plain_of_every_default_can_be_json() -> None:
    defaults = {field.name: plain(field.default) for field in fields_of(Settings)}

    assert json.loads(json.dumps(defaults))["pause"] == "5s"
