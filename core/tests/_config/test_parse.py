"""Types of settings beside the plain ones: choices, limits, forms, lists and tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Literal

import attrs
import pytest

from damlink._config.parse import parse
from damlink._config.schema import json_schema
from damlink._config.settings import fields_of, plain, setting
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

    def validate(self) -> Iterator[tuple[str, str]]:
        if self.limit > 10 and self.share < 0.1:
            yield "limit", "more than 10 needs a share of at least 0.1"


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
    ],
)
def test_parse_when_written_well_gives_the_declared_type(name: str, written: Any, value: Any) -> None:
    assert getattr(parsed(**{name: written}), name) == value


@pytest.mark.parametrize(
    ("name", "written", "expected"),
    [
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
        ("codes", ["AB", "b"], r"a list of texts, of the form \[A-Z\]\{2\}, got \[\"AB\", \"b\"\]"),
        ("codes", "AB", "a list of texts"),
        ("sizes", [1, "2"], "a list of whole numbers"),
        ("sizes", "12", "a list of whole numbers, got '12'"),
        ("days", ["soon"], "a list of dates such as 2024-01-31"),
        ("fields", ["a"], "a table of texts"),
        ("fields", {"a": 1}, "a table of texts"),
        ("limits", {"a": "1"}, "a table of whole numbers"),
    ],
)
def test_parse_when_a_value_is_wrong_names_its_place_and_what_is_expected(
    name: str, written: Any, expected: str
) -> None:
    with pytest.raises(ConfigError, match=rf"stock\.{name}: expected {expected}"):
        parsed(**{name: written})


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
    ],
)
def test_json_schema_when_made_says_what_parse_demands(name: str, schema: dict[str, Any]) -> None:
    found = json.loads(json.dumps(json_schema(Settings, "Settings")))["properties"][name]

    assert {key: found.get(key) for key in schema} == schema


def test_plain_of_every_default_can_be_json() -> None:
    defaults = {field.name: plain(field.default) for field in fields_of(Settings)}

    assert json.loads(json.dumps(defaults))["pause"] == "5s"
