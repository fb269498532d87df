from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from damlink import About, Content, Cursor, Event, PreparedAsset, PushResult, Skip, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink._plugin.values import RAW_BYTES
from damlink.errors import (
    AssetRejectedError,
    ConnectorError,
    DamlinkError,
    NotYet,
    PluginBugError,
    PluginLoadError,
    TransientError,
)

Install = Callable[..., Path]
Made = Callable[..., Plugin]

HEAD = "import attrs, httpx, json\nfrom damlink import *\nfrom damlink import errors\n"
LIST = "@hookimpl\ndef list_source_assets(ctx, since):\n    yield SourceAsset('1', 'a')\n"
TRANSFORM = "@hookimpl\ndef transform(ctx, source):\n    return Skip('no')\n"
PUSH = "@hookimpl\ndef push(prepared):\n    return PushResult('id')\n"
WHOLE = HEAD + LIST + TRANSFORM + PUSH
ASSET = SourceAsset("42", "f")
PREPARED = PreparedAsset(Content.from_bytes(b"sand", "beach.jpg"), "Beach")
EVENT = Event("created", "1", None, "brand", datetime.now(UTC))
CTX: Any = object()  # no hook here looks at it
NOTES: Any = object()


@pytest.fixture
def made(install: Install) -> Made:
    """A connector of a plugin with this source."""

    def make(source: str) -> Plugin:
        install("acme", source)
        return load(find("acme"), "stock")

    return make


def push(connector: Plugin) -> PushResult:
    return connector.push(CTX, PREPARED, ASSET, None, NOTES)


def transform(connector: Plugin) -> PreparedAsset | Skip:
    return connector.transform(CTX, ASSET, None, NOTES)


# --- loading ---------------------------------------------------------------------------------------


def test_load_when_little_is_declared_has_defaults(made: Made) -> None:
    connector = made(WHOLE)
    assert connector.hooks == {"list_source_assets", "transform", "push"}
    assert connector.about == About(title="acme", summary="The acme plugin.")
    assert connector.settings_class() is not None
    assert connector.name == "stock"


def test_load_when_much_is_declared_keeps_it(made: Made) -> None:
    connector = made(
        WHOLE
        + "about = About(title='Acme', summary='Pictures.', every='2h', once_per_portal=True)\n"
        + "@attrs.frozen\nclass settings_class:\n    key: Secret = setting()\n"
        + "@hookimpl\ndef authenticate(ctx):\n    return None\n"
        + "@hookimpl\ndef on_event(event):\n    return [SourceAsset('1', 'a')]\n"
    )
    assert len(connector.hooks) == 5
    assert (connector.about.title, connector.about.every, connector.about.once_per_portal) == (
        "Acme",
        "2h",
        True,
    )
    assert connector.settings_class.__name__ == "settings_class"


OFFERED = "authenticate, list_source_assets, on_event, transform, push"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            "import nowhere_at_all",
            " cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all' "
            "(damlink_acme_plugin.py:1); reinstall it, or report it to its author",
            id="import error",
        ),
        pytest.param(
            "raise RuntimeError('two\\nlines')",
            " cannot be imported: RuntimeError: two lines (damlink_acme_plugin.py:1); "
            "reinstall it, or report it to its author",
            id="raises on import",
        ),
        pytest.param(
            WHOLE + "@hookimpl\ndef transfrom(ctx): ...",
            f": there is no hook 'transfrom'; the hooks are {OFFERED}",
            id="misspelt hook",
        ),
        pytest.param(
            HEAD + LIST + PUSH + "@hookimpl\nasync def transform(source): ...",
            ": transform is async; write a plain function",
            id="async hook",
        ),
        pytest.param(
            HEAD + TRANSFORM + PUSH + "@hookimpl\nasync def list_source_assets(ctx): yield 1",
            ": list_source_assets is async; write a plain function",
            id="async generator",
        ),
        pytest.param(
            HEAD + LIST + TRANSFORM + "@hookimpl\ndef push(prepared, previous=None): ...",
            ": push gives previous a default; remove it, it is always passed",
            id="default argument",
        ),
        pytest.param(
            HEAD + LIST + TRANSFORM + "@hookimpl\ndef push(prepared, portal): ...",
            ": push asks for 'portal'; on offer are ctx, prepared, source, previous, checkpoint",
            id="unknown argument",
        ),
        pytest.param(
            HEAD + LIST + TRANSFORM + "@hookimpl\nclass push: ...",
            ": push is a class; write a function",
            id="class hook",
        ),
        pytest.param(
            HEAD + LIST + PUSH,
            ": it has no hook transform; define transform with @hookimpl",
            id="no transform",
        ),
        pytest.param(
            HEAD + LIST + TRANSFORM, ": it has no hook push; define push with @hookimpl", id="no push"
        ),
        pytest.param(
            HEAD + TRANSFORM + PUSH,
            ": nothing brings it assets; define list_source_assets or on_event with @hookimpl",
            id="no source hook",
        ),
        pytest.param(
            WHOLE + "class settings_class: ...",
            ": settings_class is no attrs class; decorate it with @attrs.frozen",
            id="settings without attrs",
        ),
        pytest.param(
            WHOLE + "@attrs.frozen\nclass settings_class:\n    workers: int = setting(default=1)",
            ": the setting 'workers' is the core's; give it another name",
            id="setting of the core",
        ),
        pytest.param(
            WHOLE + "def classify(ctx, response): ...",
            ": classify(ctx, response) does not fit; write classify(response)",
            id="classify with another argument",
        ),
        pytest.param(
            WHOLE + "def classify(response): yield None",
            ": classify yields; let it return the error, or None",
            id="classify as a generator",
        ),
        pytest.param(WHOLE + "classify = 'Acme'", ": classify is no plain function", id="classify as a text"),
        pytest.param(WHOLE + "about = 'Acme'", ": about is no damlink.About", id="about of another type"),
        pytest.param(
            WHOLE + "about = About(title='Acme', summary='', every='daily')",
            ": about.every: expected a duration such as 90s, 15m, 2h or 1d, got 'daily'",
            id="about with a wrong duration",
        ),
    ],
)
def test_load_when_the_contract_is_broken_names_plugin_and_cure_in_one_line(
    made: Made, source: str, said: str
) -> None:
    with pytest.raises(PluginLoadError) as caught:
        made(source)
    assert str(caught.value) == f"plugin 'acme' (damlink-acme 1.0){said}"


def test_load_when_another_plugin_is_registered_calls_only_its_own(made: Made, install: Install) -> None:
    install("other", WHOLE.replace("PushResult('id')", "PushResult('other')"))
    connector, other = made(WHOLE), load(find("other"))
    assert (push(connector).target_id, push(other).target_id) == ("id", "other")
    assert other.name == "other"


# --- calling ---------------------------------------------------------------------------------------


def test_hooks_when_called_give_what_the_plugin_gives(made: Made) -> None:
    connector = made(
        WHOLE + "@hookimpl\ndef on_event(event):\n    return [SourceAsset(event.asset_id, 'e')]\n"
    )
    assert list(connector.list_source_assets(CTX, None)) == [SourceAsset("1", "a")]
    assert transform(connector) == Skip("no")
    assert push(connector) == PushResult("id")
    assert list(connector.on_event(CTX, EVENT)) == [SourceAsset("1", "e")]
    assert connector.authenticate(CTX) is None


def test_list_when_the_plugin_has_none_is_empty(made: Made) -> None:
    events = "@hookimpl\ndef on_event(event):\n    return None\n"
    connector = made(HEAD + events + TRANSFORM + PUSH)
    assert list(connector.list_source_assets(CTX, None)) == []
    assert list(connector.on_event(CTX, EVENT)) == []


def test_list_when_walked_is_lazy_and_closed_when_left(made: Made) -> None:
    connector = made(
        HEAD
        + "walked = []\n@hookimpl\ndef list_source_assets(since):\n    try:\n        for n in '123':\n"
        + "            walked.append(n)\n            yield Cursor(n)\n"
        + "    finally:\n        walked.append('closed')\n"
        + TRANSFORM
        + PUSH
    )
    items: Iterator[Any] = connector.list_source_assets(CTX, "since")
    assert next(items) == Cursor("1")
    items.close()  # type: ignore[attr-defined]
    import damlink_acme_plugin

    assert damlink_acme_plugin.walked == ["1", "closed"]


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        ("AssetRejectedError('too small')", AssetRejectedError, "too small"),
        ("TransientError('busy', retry_after=3)", TransientError, "busy"),
        ("NotYet('a cap', 5)", NotYet, "a cap"),
        ("httpx.ReadTimeout('')", TransientError, "the connection broke: ReadTimeout"),
        ("httpx.TooManyRedirects('round')", TransientError, "the connection broke: round"),
        ("json.JSONDecodeError('x', '', 0)", TransientError, "the partner's answer is not JSON: x: line 1"),
        (
            "errors.ArgumentError('an id is missing')",
            PluginBugError,
            "push of damlink-acme 1.0 raised ArgumentError: an id is missing (damlink_acme_plugin.py:",
        ),
        (
            "KeyError('name')",
            PluginBugError,
            "push of damlink-acme 1.0 raised KeyError: 'name' (damlink_acme_plugin.py:",
        ),
    ],
    ids=lambda value: value.partition("(")[0] if isinstance(value, str) and "(" in value else None,
)
def test_hook_when_it_raises_comes_out_as_an_error_of_ours(
    made: Made, raised: str, kind: type[DamlinkError], said: str
) -> None:
    connector = made(HEAD + LIST + TRANSFORM + f"@hookimpl\ndef push():\n    raise {raised}\n")
    with pytest.raises(kind) as caught:
        push(connector)
    error = caught.value
    assert type(error) is kind
    assert str(error).startswith(said)
    if isinstance(error, ConnectorError):
        assert (error.connector, error.hook, error.source_id) == ("stock", "push", "42")


def test_list_when_a_later_page_raises_is_translated_too(made: Made) -> None:
    listing = "@hookimpl\ndef list_source_assets():\n    yield SourceAsset('1', 'a')\n    1 / 0\n"
    items = made(HEAD + listing + TRANSFORM + PUSH).list_source_assets(CTX, None)
    assert next(items) == SourceAsset("1", "a")
    with pytest.raises(
        PluginBugError, match="list_source_assets of damlink-acme 1.0 raised ZeroDivisionError"
    ):
        next(items)


@pytest.mark.parametrize(
    ("hook", "gives", "said"),
    [
        ("transform", "None", "transform of damlink-acme gave None instead of PreparedAsset or Skip"),
        ("authenticate", "'key'", "authenticate of damlink-acme gave 'key' instead of Auth or None"),
        (
            "list_source_assets",
            "['1']",
            "list_source_assets of damlink-acme gave '1' instead of SourceAsset or",
        ),
        (
            "on_event",
            "[Cursor('1')]",
            "on_event of damlink-acme gave Cursor(value='1') instead of SourceAsset",
        ),
    ],
)
def test_hook_when_it_gives_another_type_is_a_bug_of_the_plugin(
    made: Made, hook: str, gives: str, said: str
) -> None:
    hooks = {"list_source_assets": LIST, "transform": TRANSFORM, "push": PUSH}
    hooks[hook] = f"@hookimpl\ndef {hook}(ctx):\n    return {gives}\n"
    connector = made(HEAD + "".join(hooks.values()))
    calls: dict[str, Callable[[], object]] = {
        "push": lambda: push(connector),
        "transform": lambda: transform(connector),
        "authenticate": lambda: connector.authenticate(CTX),
        "list_source_assets": lambda: list(connector.list_source_assets(CTX, None)),
        "on_event": lambda: list(connector.on_event(CTX, EVENT)),
    }
    with pytest.raises(PluginBugError) as caught:
        calls[hook]()
    assert str(caught.value).startswith(said)
    assert (caught.value.connector, caught.value.hook) == ("stock", hook)


@pytest.mark.parametrize(
    ("hook", "item", "most"),
    [("on_event(event)", "SourceAsset('1', 'a')", "10,000"), ("check(ctx)", "Finding('a', 'b')", "1,000")],
    ids=["on_event", "check"],
)
def test_hook_when_it_yields_without_end_is_a_bug_of_the_plugin(
    made: Made, hook: str, item: str, most: str
) -> None:
    mark = "" if hook.startswith("check") else "@hookimpl\n"
    plugin = made(WHOLE + f"{mark}def {hook}:\n    while True:\n        yield {item}\n")
    given = plugin.on_event(CTX, EVENT) if mark else plugin.check(CTX)
    with pytest.raises(PluginBugError, match=f"gave more than {most} items; yield "):
        list(given)


def test_list_when_raw_is_just_small_enough_is_kept(made: Made) -> None:
    size = RAW_BYTES - len(json.dumps({"x": ""}))
    listing = (
        f"@hookimpl\ndef list_source_assets():\n    yield SourceAsset('1', 'a', raw={{'x': 'x' * {size}}})\n"
    )
    (asset,) = made(HEAD + listing + TRANSFORM + PUSH).list_source_assets(CTX, None)
    assert isinstance(asset, SourceAsset)


def test_authenticate_when_it_gives_an_auth_passes_it_on(made: Made) -> None:
    signing = "@hookimpl\ndef authenticate(ctx):\n    return httpx.BasicAuth('a', 'b')\n"
    assert isinstance(made(WHOLE + signing).authenticate(CTX), httpx.BasicAuth)


RESPONSE = httpx.Response(403)


def test_classify_when_the_plugin_has_none_has_no_opinion(made: Made) -> None:
    assert made(WHOLE).classify(RESPONSE) is None


def test_classify_when_it_returns_an_error_gives_it(made: Made) -> None:
    plugin = made(WHOLE + "def classify(response): return TransientError(str(response.status_code))\n")
    assert isinstance(plugin.classify(RESPONSE), TransientError)


@pytest.mark.parametrize("body", ["return 'no'", "return NotYet('later')", "1 / 0"])
def test_classify_when_it_gives_anything_else_is_the_plugins_bug(made: Made, body: str) -> None:
    plugin = made(WHOLE + f"def classify(response): {body}\n")
    with pytest.raises(PluginBugError, match="classify of damlink-acme") as caught:
        plugin.classify(RESPONSE)
    assert (caught.value.connector, caught.value.hook) == ("stock", "classify")
