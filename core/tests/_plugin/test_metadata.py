"""Metadata of a connector's config around the hooks of its plugin."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from portals import control, portal, sandbox, tag

from damlink import About, Content, PreparedAsset, PushResult, Removed, Skip, SourceAsset
from damlink._config.load import loads
from damlink._plugin.extensions import load_extensions
from damlink._plugin.metadata import Metadata, describe_metadata, read_metadata
from damlink.bynder import Portal
from damlink.errors import BynderError, ConfigError

__all__ = ["control", "portal", "sandbox", "tag"]

RAW: Mapping[str, Any] = {"artist": {"name": "Ada"}, "keywords": ["oak", "elm"], "year": 2026, "empty": None}
SOURCE = SourceAsset("7", "a", "A tree", RAW)
CTX: Any = SimpleNamespace()


def connector(table: str) -> Any:
    head = "portals = { brand = { url = 'https://a.example', token = { env = 'T' } } }\n"
    head += "[connectors.stock]\nplugin = 'acme'\n[connectors.stock.metadata]\n"
    return loads(f"{head}{table}\n", Path("damlink.toml")).connectors["stock"]


def metadata(table: str) -> Metadata:
    return Metadata(read_metadata(connector(table), lambda ref, _place: ref.name))


def end_of(wrapper: Generator[None, Any, Any], result: object) -> Any:
    """Return what a wrapper makes of the result of a hook."""
    next(wrapper)
    with pytest.raises(StopIteration) as end:
        wrapper.send(result)
    return end.value.value


def prepared() -> PreparedAsset:
    content = Content.from_bytes(b"x", "x.jpg")
    return PreparedAsset(content, name="tree", tags=("a",), metaproperties={"by": "Bo", "kind": "tree"})


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        ("name = '{title} ({source_id})'", {"name": "A tree (7)"}),
        ("name = '{name}, {filename}, {raw.artist.name}'", {"name": "tree, x.jpg, Ada"}),
        ("name = '{raw.keywords}{raw.missing}'", {"name": "oak, elm"}),
        ("name = '{raw.missing}'", {"name": "tree"}),
        ("tags = ['b', 'a']", {"tags": ("a", "b")}),
        ("metaproperties = { by = 'Cy', new = ['1', '2'] }", {"by": "Cy", "kind": "tree", "new": ["1", "2"]}),
        (
            "fields = { by = 'artist.name', year = 'year', words = 'keywords' }",
            {"by": "Ada", "kind": "tree", "year": "2026", "words": ["oak", "elm"]},
        ),
        ("fields = { by = 'empty', kind = 'artist', x = 'artist.name.first' }", {"by": "Bo", "kind": "tree"}),
    ],
)
def test_transform_with_metadata_changes_what_is_set(table: str, changed: Mapping[str, Any]) -> None:
    result = end_of(metadata(table).transform(CTX, SOURCE), prepared())

    given = {"name": result.name, "tags": result.tags}
    assert {key: given.get(key, result.metaproperties.get(key)) for key in changed} == changed


def test_transform_of_a_skip_returns_it() -> None:
    assert end_of(metadata("tags = ['b']").transform(CTX, SOURCE), Skip("no")) == Skip("no")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("name = '{titel}'", r"metadata\.name: there is no \{titel\}; known: \{name\}"),
        (
            "metaproperties = { by = 1 }",
            r"metadata\.metaproperties\.by: expected text or a list",
        ),
        ("metaproperties = { by = 'a' }\nfields = { by = 'b' }", r"metadata\.fields\.by: it has a value"),
        ("tag = ['a']", r"metadata\.tag: unknown key"),
    ],
)
def test_config_when_the_metadata_is_wrong_names_the_place(table: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"stock\.{problem}"):
        connector(table)


def test_load_extensions_of_a_plugin_that_uploads_nothing_refuses_metadata() -> None:
    about = About(title="Acme", summary="Pictures.", uploads=False)

    with pytest.raises(ConfigError, match=r"stock\.metadata: Acme uploads nothing"):
        load_extensions(connector("tags = ['a']"), about, lambda ref, _place: ref.name)


def test_describe_metadata_names_everything_that_is_set() -> None:
    table = "name = 'N'\ntags = ['a', 'b']\ncollection = 'C'\n"
    table += "metaproperties = { m = 'v' }\nfields = { f = 'raw' }"

    said = describe_metadata(metadata(table).config)

    assert said == "name 'N', tags 'a, b', collection 'C', m = 'v', f from raw"


# --- the portal's side -----------------------------------------------------------------------------


@pytest.fixture
def ctx(portal: Portal) -> Any:
    return SimpleNamespace(bynder=portal)


def test_push_with_a_collection_adds_the_asset_once(ctx: Any, portal: Portal, control: Any, tag: str) -> None:
    asset_id, spring = control("add_asset", tags=[tag])["id"], portal.collections.create(name="Spring")
    extension = metadata("collection = 'Spring'")

    for _ in range(2):
        end_of(extension.push(ctx, prepared()), PushResult(asset_id))

    assert [*portal.collections.media(spring)] == [asset_id]


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (Removed("1"), Removed("1")),
        (Removed("1"), PushResult("A1")),
        (prepared(), None),
        (prepared(), PushResult("")),
    ],
    ids=["gone", "removed and kept", "wrong type", "no id"],
)
def test_push_when_nothing_was_delivered_passes_the_result_on(given: Any, result: Any) -> None:
    extension = metadata("collection = 'Spring'")
    assert end_of(extension.push(None, given), result) is result  # type: ignore[arg-type]


def test_transform_when_the_collection_is_missing_fails_before_the_upload(ctx: Any) -> None:
    with pytest.raises(BynderError, match="no collection 'Autumn'"):
        end_of(metadata("collection = 'Autumn'").transform(ctx, SOURCE), prepared())


def test_check_says_for_each_name_whether_the_portal_has_it(ctx: Any, portal: Portal) -> None:
    portal.metaproperties.ensure("by")
    table = "metaproperties = { by = 'a' }\nfields = { other = 'b' }\ncollection = 'Winter'"

    findings = [*metadata(table).check(ctx)]

    assert [(each.what, each.ok) for each in findings] == [
        ("metaproperty by", True),
        ("metaproperty other", False),
        ("collection", False),
    ]
