"""Places in a plugin's code, as its errors name them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from damlink import SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink.errors import PluginBugError, PluginLoadError

Install = Callable[..., Path]

SOURCE = """from damlink import *
def read(record):
    return record['name']
@hookimpl
def list_source_assets(ctx, since):
    yield SourceAsset('1', read({'name': 'a'}))
    yield SourceAsset('2', read({}))
@hookimpl
def on_event(ctx, event):
    return [read({})]
@hookimpl
def transform(ctx, source):
    return Skip(sorted([1, source])[0])
@hookimpl
def push(prepared):
    raise AssetRejectedError('too small')
"""
CTX: Any = object()
ASSET = SourceAsset("1", "a")


@pytest.fixture
def plugin(install: Install) -> Plugin:
    install("acme", SOURCE)
    return load(find("acme"), "stock")


@pytest.mark.parametrize(
    ("call", "line"),
    [
        pytest.param(lambda plugin: [*plugin.list_source_assets(CTX, None)], 3, id="listing"),
        pytest.param(lambda plugin: [*plugin.on_event(CTX, CTX)], 3, id="on_event"),
        pytest.param(lambda plugin: plugin.transform(CTX, ASSET, None, CTX), 13, id="library"),
    ],
)
def test_hook_when_it_has_a_bug_names_the_innermost_line_of_the_plugin(
    plugin: Plugin, call: Callable[[Plugin], object], line: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "damlink.connector")

    with pytest.raises(PluginBugError, match=rf"\(damlink_acme_plugin\.py:{line}\)"):
        call(plugin)

    assert "Traceback" in caplog.text


def test_load_when_a_line_is_no_python_names_it(install: Install) -> None:
    install("acme", "from damlink import *\n\ndef transform(:\n")

    with pytest.raises(PluginLoadError, match=r"damlink_acme_plugin\.py:3\)"):
        load(find("acme"))
