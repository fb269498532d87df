"""A type checker finds a wrong argument and a wrong result of a hook; what was valid stays valid."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

import damlink
from damlink import hookimpl
from damlink._plugin.discovery import find
from damlink._plugin.loader import load
from damlink.errors import PluginLoadError
from damlink.hookspecs import HookMarker

ROOT: Final = Path(__file__).parents[2]
GOOD: Final = """
from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    Checkpoint, Content, Context, Cursor, Event, HeaderAuth, PreparedAsset, PushResult, Removed, Secret, Skip,
    SourceAsset, hookimpl, setting,
)


@attrs.frozen
class Settings:
    api_key: Secret = setting(help="The key.")
    album: str = setting(default="", help="The album.")


settings_class = Settings


@hookimpl.authenticate
def authenticate(ctx: Context[Settings]) -> HeaderAuth:
    return HeaderAuth({"X-Key": ctx.settings.api_key})


@hookimpl.list_source_assets
def list_source_assets(ctx: Context[Settings], since: str | None) -> Iterator[SourceAsset | Cursor]:
    for row in ctx.http.get("/pictures", params={"album": ctx.settings.album, "since": since or ""}).json():
        yield SourceAsset(row["id"], row["etag"])


@hookimpl.transform
def transform(ctx: Context[Settings], source: SourceAsset, **_: object) -> PreparedAsset | Skip:
    return PreparedAsset(Content.from_url(ctx.http, "/a.jpg"), name=source.title)


@hookimpl.push
def push(
    ctx: Context[Settings], prepared: PreparedAsset, checkpoint: Checkpoint, **_: object
) -> PushResult:
    return ctx.bynder.upload(prepared, checkpoint)


@hookimpl.on_event
def on_event(ctx: Context[Settings], event: Event) -> Iterator[SourceAsset | Removed]:
    yield Removed(event.asset_id or "", "gone")
"""
# A plugin of the first version: no type of the settings, only some arguments, the common marker.
FORMER: Final = """
from __future__ import annotations

from damlink import Content, Context, PreparedAsset, SourceAsset, hookimpl


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset:
    return PreparedAsset(Content.from_url(ctx.http, ctx.settings.anything), name=source.title)
"""
# As it was published for the first version.
FROZEN: Final = ROOT / "tests/frozen/api_0_1/damlink-frozen/src/damlink_frozen/plugin.py"
# By what is wrong: what it replaces in the good plugin, by what; and the error.
WRONG: Final = {
    "result": ("-> PushResult:\n    return ctx", "-> str:\n    return ctx", 'expected "Push"'),
    "argument-name": ("source: SourceAsset, **_", "asset: SourceAsset, **_", 'expected "Transform"'),
    "argument-type": ("since: str | None", "since: int", 'expected "ListSourceAssets"'),
    "argument-missing": ("checkpoint: Checkpoint, **_: object", "checkpoint: Checkpoint", 'expected "Push"'),
    "default": ("event: Event)", "event: Event, extra: str)", 'expected "OnEvent"'),
    "nothing-listed": ("-> Iterator[SourceAsset | Cursor]:", "-> None:", 'expected "ListSourceAssets"'),
    "async": ("def authenticate", "async def authenticate", 'expected "Authenticate"'),
    "yielded": ("yield Removed(", "yield Skip(", 'Incompatible types in "yield" (actual type "Skip"'),
    "setting": ("ctx.settings.album", "ctx.settings.albums", '"Settings" has no attribute "albums"'),
    "secret": (
        '"album": ctx.settings.album',
        '"album": ctx.settings.api_key.value',
        '"Secret" has no attribute',
    ),
    "hook": ("@hookimpl.push", "@hookimpl.pusch", '"HookMarker" has no attribute "pusch"'),
    "upload": (
        "upload(prepared, checkpoint)",
        "upload(checkpoint, prepared)",
        '"upload" of "Portal" has incompat',
    ),
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The errors that mypy finds in each plugin; one run for all."""
    folder = tmp_path_factory.mktemp("typed")
    texts = {"good": GOOD, "former": FORMER, "frozen": FROZEN.read_text("utf-8")}
    texts |= {name.replace("-", "_"): GOOD.replace(old, new) for name, (old, new, _) in WRONG.items()}
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={folder / 'cache'}", "."],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(damlink.__file__).parents[1])},
        capture_output=True,
        text=True,
        timeout=240,
    )
    found: dict[str, list[str]] = {name: [] for name in texts}
    for name, error in re.findall(r"^(\w+)\.py:\d+: error: (.*)$", ended.stdout, re.MULTILINE):
        found[name].append(error)
    assert ended.returncode in (0, 1), ended.stderr
    return found


@pytest.mark.parametrize("name", ["good", "former", "frozen"])
def test_mypy_when_a_plugin_is_right_finds_nothing(said: dict[str, list[str]], name: str) -> None:
    assert said[name] == []


@pytest.mark.parametrize("name", WRONG)
def test_mypy_when_something_of_a_hook_is_wrong_finds_it(said: dict[str, list[str]], name: str) -> None:
    assert GOOD.count(WRONG[name][0]) == 1
    assert [error for error in said[name.replace("-", "_")] if WRONG[name][2] in error] != [], said[name]


def test_plugin_when_its_hooks_are_typed_loads(install: Callable[..., Path]) -> None:
    install("typed", GOOD)
    assert load(find("typed")).hooks == {
        "authenticate",
        "list_source_assets",
        "transform",
        "push",
        "on_event",
    }


def test_plugin_when_other_keywords_have_a_name_of_use_is_refused(install: Callable[..., Path]) -> None:
    install("typed", GOOD.replace("**_: object) -> PreparedAsset", "**others: object) -> PreparedAsset"))
    with pytest.raises(PluginLoadError, match="transform asks for 'others'"):
        load(find("typed"))


def test_marker_when_a_function_has_another_name_says_so() -> None:
    with pytest.raises(TypeError, match="hookimpl.push marks a function push, and not transform"):

        @hookimpl.push
        def transform(**_: object) -> object: ...


@pytest.mark.parametrize("name", [name for name in vars(HookMarker) if not name.startswith("_")])
def test_marker_of_each_hook_when_used_marks_as_the_common_one(name: str) -> None:
    def function(**_: object) -> None: ...

    function.__name__ = name
    marked = getattr(hookimpl, name)(function)
    assert (marked, marked.damlink_impl) == (function, hookimpl(lambda: None).damlink_impl)
