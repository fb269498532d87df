"""Extensions: hook wrappers that a connector's config switches on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from damlink import Content, Finding, PreparedAsset, PushResult, SourceAsset
from damlink._config.load import loads
from damlink._plugin.discovery import EXTENSION_GROUP, find
from damlink._plugin.extensions import load_class, load_extensions
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink.errors import ConfigError, PluginBugError, PluginLoadError

Install = Callable[..., Path]
Make = Callable[[str], Plugin]

PLUGIN = """
from damlink import *
@hookimpl
def list_source_assets(ctx, since):
    yield SourceAsset('1', 'a')
@hookimpl
def transform(ctx, source):
    if source.title == 'bug':
        raise KeyError(source.title)
    return PreparedAsset(Content.from_bytes(b'x', 'x.txt'), name=source.title)
@hookimpl
def push(prepared):
    return PushResult(prepared.name)
def check(ctx):
    yield Finding('plugin', 'fine')
"""
EXTENSION = """
import attrs
from damlink import Finding, hookimpl, setting
@attrs.frozen
class Extension:
    suffix: str = setting(default='!', help='Text after each name.')
    @hookimpl(wrapper=True)
    def transform(self, source):
        prepared = yield
        if source.title == 'wrapper':
            raise ValueError('too long')
        return attrs.evolve(prepared, name=prepared.name + self.suffix)
    def check(self, ctx):
        yield Finding('extension', self.suffix)
"""
METHOD = "    @hookimpl(wrapper=True)\n    def transform(self):\n        return (yield)\n"
CTX: Any = object()


@pytest.fixture
def extend(install: Install) -> Make:
    """Load the plugin with the extensions of a table of the config."""
    install("acme", PLUGIN)
    for name in ("one", "two"):
        install(name, EXTENSION, group=EXTENSION_GROUP, attribute=":Extension")

    def extended(table: str) -> Plugin:
        plugin = load(find("acme"), "stock")
        plugin.extend(load_extensions(connector(table), plugin.about, lambda ref, _place: ref.name))
        return plugin

    return extended


def connector(table: str) -> Any:
    head = "portals = { brand = { url = 'https://a.example', token = { env = 'T' } } }\n"
    head += "[connectors.stock]\nplugin = 'acme'\n"
    return loads(f"{head}{table}\n", Path("damlink.toml")).connectors["stock"]


def name_of(plugin: Plugin, title: str = "a") -> str:
    prepared = plugin.transform(CTX, SourceAsset("1", "a", title), None, CTX)
    assert isinstance(prepared, PreparedAsset)
    return prepared.name


@pytest.mark.parametrize(
    ("table", "name"),
    [
        pytest.param("", "a", id="none"),
        pytest.param("extensions = ['one']", "a!", id="by-name"),
        pytest.param("extensions = { one = { suffix = '-' }, two = { suffix = '+' } }", "a-+", id="in-order"),
        pytest.param("extensions = { two = { suffix = '+' }, one = {} }", "a+!", id="in-the-other-order"),
    ],
)
def test_transform_with_extensions_passes_them_in_the_order_of_the_config(
    extend: Make, table: str, name: str
) -> None:
    assert name_of(extend(table)) == name


def test_push_with_an_extension_of_transform_delivers_what_it_returned(extend: Make) -> None:
    plugin = extend("extensions = ['one']")
    prepared = PreparedAsset(Content.from_bytes(b"x", "x.txt"), name="b")

    assert plugin.push(CTX, prepared, SourceAsset("1", "a"), None, CTX) == PushResult("b")


def test_check_with_extensions_yields_their_findings_too(extend: Make) -> None:
    findings = extend("extensions = ['one']").check(CTX)

    assert [*findings] == [Finding("plugin", "fine"), Finding("extension", "!")]


@pytest.mark.parametrize(
    ("title", "whose"),
    [
        ("wrapper", "transform of the extension one raised ValueError"),
        ("bug", "transform of damlink-acme 1.0"),
    ],
)
def test_transform_when_code_has_a_bug_names_whose_it_is(extend: Make, title: str, whose: str) -> None:
    with pytest.raises(PluginBugError, match=whose):
        name_of(extend("extensions = ['one']"), title)


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("extensions = ['three']", r"stock\.extensions\.three: no extension 'three' is installed"),
        ("extensions = { one = { sufix = '' } }", r"stock\.extensions\.one\.sufix: unknown key"),
        ("extensions = { one = { suffix = 1 } }", r"stock\.extensions\.one\.suffix: expected"),
        ("extensions = { one = 1 }", r"stock\.extensions\.one: expected a table"),
        ("extensions = 'one'", r"stock\.extensions: expected a table"),
    ],
)
def test_extensions_when_the_config_is_wrong_names_the_place(extend: Make, table: str, place: str) -> None:
    with pytest.raises((ConfigError, PluginLoadError), match=place):
        extend(table)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("class Extension:\n" + METHOD, "no attrs class"),
        ("Extension = 1", "no attrs class"),
        ("@attrs.frozen\nclass Extension:\n    pass", "wraps no hook"),
        (f"@attrs.frozen\nclass Extension:\n{METHOD.replace('transform', 'on_event')}", "wraps on_event"),
        (
            f"@attrs.frozen\nclass Extension:\n{METHOD.replace('wrapper=True', '')}",
            "would replace the plugin's",
        ),
        (f"@attrs.frozen\nclass Extension:\n{METHOD.replace('self', 'self, sorce')}", "asks for 'sorce'"),
        (
            "raise RuntimeError('gone')",
            r"imported: RuntimeError: gone \(damlink_odd_plugin\.py:3\)",
        ),
        ("Other = 1", "cannot be imported: AttributeError"),
    ],
)
def test_load_class_when_it_breaks_the_contract_says_what_to_do(
    install: Install, source: str, problem: str
) -> None:
    install(
        "odd",
        f"import attrs\nfrom damlink import hookimpl\n{source}",
        group=EXTENSION_GROUP,
        attribute=":Extension",
    )
    with pytest.raises(PluginLoadError, match=problem):
        load_class(find("odd", group=EXTENSION_GROUP))


def test_extensions_as_a_list_is_short_for_empty_tables() -> None:
    extensions: Mapping[str, Any] = connector("extensions = ['a', 'b']").extensions

    assert extensions == {"a": {}, "b": {}}
