"""What a plugin adds to `damlink check`, and what its connectors may not share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink import Finding
from damlink._config.load import Config, loads
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink.errors import AssetRejectedError, ConfigError, PluginBugError

Install = Callable[..., Path]

WHOLE = """
import attrs
from damlink import *
@hookimpl
def list_source_assets(ctx, since):
    yield SourceAsset('1', 'a')
@hookimpl
def transform(ctx, source):
    return Skip('no')
@hookimpl
def push(prepared):
    return PushResult('id')
"""
SHARING = """
about = About(title='Acme', summary='Pictures.', exclusive={'label': 'writes'})
@attrs.frozen
class settings_class:
    label: str = setting(default='Link')
    writes: bool = setting(default=True)
"""
CTX: Any = object()  # no check here looks at it


@pytest.fixture
def made(install: Install) -> Callable[[str], Plugin]:
    def make(source: str) -> Plugin:
        install("acme", WHOLE + source)
        return load(find("acme"), "one")

    return make


def config(*connectors: str) -> Config:
    portals = "".join(
        f"[portals.{name}]\nurl = 'https://{name}.example'\ntoken = {{ env = 'T' }}\n" for name in "ab"
    )
    tables = "".join(
        f"[connectors.{name}]\nplugin = 'acme'\n{table}\n"
        for name, table in zip(("one", "two", "three"), connectors, strict=False)
    )
    return loads(portals + tables, Path("damlink.toml"))


def verdict(connector: Plugin, *connectors: str) -> None:
    known = config(*connectors).connectors
    connector.check_exclusive(known["one"], known.values())


# --- findings --------------------------------------------------------------------------------------


def test_check_when_there_is_none_finds_nothing(made: Any) -> None:
    assert list(made("").check(CTX)) == []


def test_check_yields_what_the_plugin_finds(made: Any) -> None:
    found = list(made("def check(ctx):\n    yield Finding('key', 'good')\n").check(CTX))
    assert found == [Finding("key", "good")]
    assert found[0].ok


def test_finding_with_an_error_is_not_fine() -> None:
    assert not Finding("key", "refused", AssetRejectedError("refused")).ok


def test_check_when_it_raises_is_a_bug_that_names_it(made: Any) -> None:
    with pytest.raises(PluginBugError, match="check of damlink-acme .* raised ZeroDivisionError"):
        list(made("def check(ctx):\n    yield 1 / 0\n").check(CTX))


def test_check_when_it_yields_something_else_is_a_bug(made: Any) -> None:
    with pytest.raises(PluginBugError, match="check .* gave 'good' instead of Finding"):
        list(made("def check(ctx):\n    yield 'good'\n").check(CTX))


# --- what is not shared ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(("portal = 'a'", "portal = 'a'"), id="both by default"),
        pytest.param(
            ("portal = 'a'\nlabel = 'x'", "portal = 'a'", "portal = 'a'\nlabel = 'x'"), id="with the third"
        ),
        pytest.param(("portal = 'a'\nlabel = 'My_x'", "portal = 'a'\nlabel = 'my X'"), id="name and label"),
    ],
)
def test_exclusive_setting_when_shared_is_refused_at_its_place(made: Any, tables: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match=r"connectors\.one\.label: '\w+' is that of t\w+ too"):
        verdict(made(SHARING), *tables)


@pytest.mark.parametrize(
    "tables",
    [
        pytest.param(("portal = 'a'",), id="alone"),
        pytest.param(("portal = 'a'", "portal = 'b'"), id="another portal"),
        pytest.param(("portal = 'a'", "portal = 'a'\nlabel = 'x'"), id="another value"),
        pytest.param(("portal = 'a'", "portal = 'a'\nwrites = false"), id="off there"),
        pytest.param(("portal = 'a'\nwrites = false", "portal = 'a'"), id="off here"),
        pytest.param(("portal = 'a'\nwrites = false", "portal = 'a'\nwrites = false"), id="off in both"),
    ],
)
def test_exclusive_setting_when_not_shared_or_not_in_use_is_fine(made: Any, tables: tuple[str, ...]) -> None:
    verdict(made(SHARING), *tables)


# --- errors that name a setting --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("label", "connectors.one.label"),
        ("label[2]", "connectors.one.label[2]"),
        ("portals.a.brand", "portals.a.brand"),
        ("connectors.one.label", "connectors.one.label"),
    ],
)
def test_config_error_of_a_hook_when_it_names_a_setting_names_the_connector(
    made: Any, place: str, shown: str
) -> None:
    source = f"def check(ctx):\n    raise ConfigError({place!r}, 'no such label')\n    yield\n"
    with pytest.raises(ConfigError) as caught:
        list(made(f"{SHARING}\nfrom damlink.errors import ConfigError\n{source}").check(CTX))
    assert (str(caught.value), caught.value.place) == (f"{shown}: no such label", shown)
