from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import attrs
import pytest
from canaries import CANARY
from hypothesis import given
from hypothesis import strategies as st

from damlink._config.duration import Duration
from damlink._config.parse import SecretRef, check, parse
from damlink._config.schema import json_schema
from damlink._config.settings import fields_of, selection_of, setting
from damlink._secret import Secret
from damlink._system.suggest import suggest
from damlink.errors import ConfigError

PLACE = "damlink.toml: connectors.stock"


@attrs.frozen
class Settings:
    api_key: Secret = setting(help="The key.")
    kind: str = setting(default="small", choices=("small", "large"), selects=True)
    name: str = setting(default="")
    count: int = setting(default=1)
    rate: float = setting(default=1.0)
    videos: bool = setting(default=False, selects=True)
    after: date | None = setting(default=None, selects=True)
    every: Duration = setting(default=Duration(60))
    scopes: tuple[str, ...] = setting(default=())
    mapping: Mapping[str, Any] = setting(default=None)


KEY = {"api_key": {"env": "KEY"}}


def open_secret(ref: SecretRef, place: str) -> str:
    return f"{ref.kind}:{ref.name}@{place.rpartition('.')[2]}"


def parsed(**table: Any) -> Settings:
    return parse(Settings, KEY | table, PLACE, open_secret)


def test_parse_when_only_what_is_required_is_given_has_the_defaults() -> None:
    settings = parsed()
    assert settings == Settings(api_key=Secret("env:KEY@api_key"))
    assert (settings.kind, settings.every, settings.after) == ("small", 60, None)


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("kind", "large", "large"),
        ("count", 7, 7),
        ("rate", 2, 2.0),
        ("rate", 0.5, 0.5),
        ("videos", True, True),
        ("after", date(2024, 1, 31), date(2024, 1, 31)),
        ("after", "2024-01-31", date(2024, 1, 31)),
        ("every", "2h", Duration(7200)),
        ("scopes", ["a", "b"], ("a", "b")),
        ("name", {"env": "NAME"}, "env:NAME@name"),
        ("api_key", {"file": "key.txt"}, Secret("file:key.txt@api_key")),
        ("api_key", {"secret": "stock"}, Secret("secret:stock@api_key")),
        ("mapping", {"a": ["b"]}, {"a": ["b"]}),
    ],
)
def test_parse_when_written_well_gives_the_declared_type(name: str, written: Any, value: Any) -> None:
    found = getattr(parsed(**{name: written}), name)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "written", "message"),
    [
        ("kind", "medium", "expected small or large, got 'medium'"),
        ("kind", 1, "expected small or large, got 1"),
        ("name", 1, "expected text, got 1"),
        ("count", "1", "expected a whole number, got '1'"),
        ("count", 1.0, "expected a whole number, got 1.0"),
        ("count", True, "expected a whole number, got true"),
        ("rate", "1", "expected a number, got '1'"),
        ("rate", True, "expected a number, got true"),
        ("videos", 1, "expected true or false, got 1"),
        ("videos", "yes", "expected true or false, got 'yes'"),
        ("after", "31.1.2024", "expected a date such as 2024-01-31, got '31.1.2024'"),
        ("after", datetime(2024, 1, 31), "expected a date such as 2024-01-31, got "),
        ("every", 90, "expected a duration such as 90s, 15m, 2h or 1d, got 90"),
        ("every", "soon", "expected a duration such as 90s, 15m, 2h or 1d, got 'soon'"),
        ("scopes", "a", "expected a list of texts, got 'a'"),
        ("mapping", "a", "expected a table, got 'a'"),
        ("api_key", {"env": 1}, "expected { env = … }, { secret = … } or { file = … }"),
        ("api_key", {"vault": "a"}, "expected { env = … }, { secret = … } or { file = … }"),
        ("api_key", {"env": "A", "file": "b"}, "expected { env = … }, { secret = … } or { file = … }"),
        ("api_key", {}, "expected { env = … }, { secret = … } or { file = … }"),
    ],
)
def test_parse_when_a_value_is_wrong_names_its_place_and_what_is_expected(
    name: str, written: Any, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**{name: written})
    assert str(caught.value).startswith(f"{PLACE}.{name}: {message}")
    assert "\n" not in str(caught.value)


def test_parse_when_a_secret_stands_in_the_file_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Settings, {"api_key": CANARY}, PLACE, open_secret)
    assert CANARY not in str(caught.value)
    assert str(caught.value) == (
        f"{PLACE}.api_key: expected a secret: {{ env = … }}, {{ secret = … }} or {{ file = … }}, got plain "
        "text; a secret never stands in the file"
    )


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("vidoes", "did you mean 'videos'?"),
        ("xyz", "known: after, api_key, count, every, kind, mapping, name,"),
    ],
)
def test_parse_when_a_key_is_unknown_says_what_is_known(key: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(**{key: 1})
    assert str(caught.value).startswith(f"{PLACE}.{key}: unknown key; {hint}")
    assert caught.value.place == f"{PLACE}.{key}"


def test_parse_when_a_key_is_missing_says_what_is_expected() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Settings, {}, PLACE, open_secret)
    assert str(caught.value).startswith(f"{PLACE}.api_key: missing; expected a secret")


def test_parse_when_a_validator_of_the_plugin_refuses_names_the_table() -> None:
    @attrs.frozen
    class Checked:
        count: int = setting(default=1)

        def __attrs_post_init__(self) -> None:
            if self.count < 1:
                raise ValueError("count must be at least 1")

    with pytest.raises(ConfigError, match="^damlink.toml: connectors.stock: count must be at least 1$"):
        parse(Checked, {"count": 0}, PLACE, open_secret)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.dates()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
names = st.sampled_from([field.name for field in fields_of(Settings)]) | st.text(max_size=6)


@given(st.dictionaries(names, values, max_size=4))
def test_parse_when_anything_is_written_gives_settings_or_one_line(table: dict[str, Any]) -> None:
    try:
        settings = parse(Settings, table, PLACE, lambda _ref, _place: "opened")
    except ConfigError as error:
        assert error.place.startswith(f"{PLACE}.")  # noqa: PT017 - either outcome is right
        assert len(str(error).splitlines()) == 1  # noqa: PT017
    else:
        assert table.keys() <= {field.name for field in fields_of(Settings)}
        assert isinstance(settings.api_key, Secret)
        assert type(settings.count) is int
        assert settings.kind in ("small", "large")


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["small", "large"]),
            "name": st.text(max_size=5),
            "count": st.integers(),
            "rate": st.floats(allow_nan=False),
            "videos": st.booleans(),
            "after": st.dates(),
            "scopes": st.lists(st.text(max_size=3), max_size=3),
        },
    )
)
def test_parse_when_written_well_keeps_every_value(table: dict[str, Any]) -> None:
    settings = parsed(**table)
    for name, value in table.items():
        found = getattr(settings, name)
        assert (list(found) if isinstance(found, tuple) else found) == value


def test_check_when_secrets_cannot_be_opened_still_checks_the_rest() -> None:
    check(Settings, KEY, PLACE)
    with pytest.raises(ConfigError, match="unknown key"):
        check(Settings, KEY | {"cuont": 1}, PLACE)


def test_setting_when_its_default_is_mutable_is_refused() -> None:
    with pytest.raises(TypeError, match="a default must not be mutable"):
        setting(default=[])


def test_fields_of_when_declared_keep_their_order_and_facts() -> None:
    fields = {field.name: field for field in fields_of(Settings)}
    assert list(fields)[:3] == ["api_key", "kind", "name"]
    assert (fields["api_key"].required, fields["api_key"].secret, fields["api_key"].help) == (
        True,
        True,
        "The key.",
    )
    assert (fields["after"].type, fields["after"].expects) == (date, "a date such as 2024-01-31")
    assert [field.name for field in fields.values() if field.selects] == ["kind", "videos", "after"]


def test_json_schema_when_made_says_what_parse_demands() -> None:
    schema = json_schema(Settings, "Stock")
    assert schema["required"] == ["api_key"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["kind"]["enum"] == ["small", "large"]
    assert schema["properties"]["every"]["default"] == "1m"
    assert schema["properties"]["scopes"] | {"description": ""} == {
        "type": "array",
        "items": {"type": "string"},
        "default": [],
        "description": "",
    }
    json.dumps(schema)


def test_selection_of_when_asked_holds_the_settings_that_select_as_json() -> None:
    selection = selection_of(parsed(after=date(2024, 1, 31), count=5))
    assert selection == {"kind": "small", "videos": False, "after": "2024-01-31"}
    assert json.loads(json.dumps(selection)) == selection


@pytest.mark.parametrize(
    ("name", "hint"), [("istok", "did you mean 'istock'?"), ("zzz", "known: gelato, istock")]
)
def test_closest_when_a_word_is_misspelt_names_the_nearest_or_all(name: str, hint: str) -> None:
    assert suggest(name, ["istock", "gelato"]) == hint
    assert suggest(name, []) == ""
