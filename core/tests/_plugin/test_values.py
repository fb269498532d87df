"""Whatever a plugin does instead of its work is an error of ours that names the hook."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rude import HEAD, OUTCOMES, plugin

from damlink import Content, Cursor, Event, NotYet, PreparedAsset, PushResult, Removed, Skip, SourceAsset
from damlink._config.parse import parse
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink._plugin.shape import HOOKS
from damlink._plugin.values import DETAIL_BYTES, MAX_FIELD, MAX_TITLE, RAW_BYTES, Refused
from damlink._system.keepable import MAX_TEXT, REPLACEMENT
from damlink.errors import AssetRejectedError, PluginBugError, PluginLoadError, TransientError, UnclearError

Made = Callable[..., Plugin]

ASSET = SourceAsset("1", "a")
PREPARED = PreparedAsset(Content.from_bytes(b"sand", "beach.jpg"), "Beach")
EVENT = Event("created", "1", None, "brand", datetime.now(UTC))
ANY: Any = object()

CALLS: dict[str, Callable[[Plugin], Any]] = {
    "authenticate": lambda connector: connector.authenticate(ANY),
    "list_source_assets": lambda connector: list(connector.list_source_assets(ANY, None)),
    "on_event": lambda connector: list(connector.on_event(ANY, EVENT)),
    "transform": lambda connector: connector.transform(ANY, ASSET, None, ANY),
    "push": lambda connector: connector.push(ANY, PREPARED, ASSET, None, ANY),
    "check": lambda connector: list(connector.check(ANY)),
}


@pytest.fixture
def made(install: Callable[..., Path]) -> Made:
    """A connector of a plugin whose hooks do their work, but for those named."""

    def make(**rude: str) -> Plugin:
        install("acme", plugin(**rude))
        return load(find("acme"), "stock")

    return make


def in_a_thread(call: Callable[..., Any], *arguments: Any) -> Any:
    """In the main thread `KeyboardInterrupt` is a person's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call, *arguments).result()


def body_of(hook: str, statement: str) -> str:
    return f"def check(ctx):\n    {statement}\n    yield\n" if hook == "check" else statement


def test_calls_when_there_is_a_new_hook_must_call_it() -> None:
    assert CALLS.keys() == {*HOOKS, "check"}


@pytest.mark.parametrize("statement", OUTCOMES.values(), ids=OUTCOMES)
@pytest.mark.parametrize("hook", CALLS)
def test_hook_when_it_is_rude_is_a_bug_that_names_it(made: Made, hook: str, statement: str) -> None:
    connector = made(**{hook: body_of(hook, statement)})
    with pytest.raises(PluginBugError) as caught:
        in_a_thread(CALLS[hook], connector)
    said = str(caught.value)
    assert said.startswith(f"{hook} of damlink-acme 1.0 raised ")
    assert said.endswith("; report it to the plugin's author")
    assert len(said) < MAX_TEXT + 200
    assert (caught.value.connector, caught.value.hook) == ("stock", hook)


@pytest.mark.parametrize(
    ("statement", "kind", "said"),
    [
        pytest.param(
            "raise type('E', (TransientError,), {'__init__': lambda self: None})()",
            TransientError,
            "no reason given",
            id="without init",
        ),
        pytest.param(
            "raise AssetRejectedError(None)", AssetRejectedError, "no reason given", id="None as reason"
        ),
        pytest.param(
            "raise AssetRejectedError('a\\0\\ud83d', hint=None)",
            AssetRejectedError,
            f"a{REPLACEMENT}{REPLACEMENT}",
            id="NUL and half a surrogate",
        ),
        pytest.param("raise AssetRejectedError(5)", AssetRejectedError, "5", id="number as reason"),
    ],
)
@pytest.mark.parametrize("hook", CALLS)
def test_hook_when_its_error_has_no_proper_text_is_given_one(
    made: Made, hook: str, statement: str, kind: type[Exception], said: str
) -> None:
    connector = made(**{hook: body_of(hook, statement)})
    with pytest.raises(kind) as caught:
        CALLS[hook](connector)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("float('inf')", 30 * 86400.0),
        ("-float('inf')", 0.0),
        ("float('nan')", None),
        ("-5", 0.0),
        ("10**400", 30 * 86400.0),
        ("'soon'", None),
        ("True", None),
        ("datetime.timedelta(minutes=1)", 60.0),
        ("None", None),
    ],
)
def test_hook_when_it_says_not_yet_for_an_odd_time_is_given_a_proper_one(
    made: Made, given: str, kept: float | None
) -> None:
    with pytest.raises(NotYet) as pause:
        CALLS["push"](made(push=f"raise NotYet(None, {given})"))
    assert (pause.value.reason, pause.value.retry_after) == ("no reason given", kept)


AT_THE_END = {name: each for name, each in OUTCOMES.items() if name != "GeneratorExit"}  # the proper end


@pytest.mark.parametrize("statement", AT_THE_END.values(), ids=AT_THE_END)
def test_list_when_it_is_rude_while_it_is_closed_is_a_bug(made: Made, statement: str) -> None:
    listing = f"try:\n        yield Cursor('1')\n    finally:\n        {statement}"
    items = made(list_source_assets=listing).list_source_assets(ANY, None)
    assert [next(items), next(items)] == [SourceAsset("1", "a"), Cursor("1")]
    with pytest.raises(PluginBugError, match="list_source_assets of damlink-acme 1.0 raised"):
        in_a_thread(items.close)


@pytest.mark.parametrize("statement", OUTCOMES.values(), ids=OUTCOMES)
def test_load_when_the_module_is_rude_says_so(install: Callable[..., Path], statement: str) -> None:
    install("acme", HEAD + statement)
    with pytest.raises(PluginLoadError, match="'acme' .damlink-acme 1.0. cannot be imported"):
        in_a_thread(load, find("acme"))


@pytest.mark.parametrize("statement", OUTCOMES.values(), ids=OUTCOMES)
def test_settings_when_their_class_is_rude_say_so(made: Made, statement: str) -> None:
    settings = "@attrs.frozen\nclass settings_class:\n    def __attrs_post_init__(self):\n"
    connector = made(settings=f"{settings}        {statement}\n")
    with pytest.raises((PluginLoadError, Exception), match="connectors.stock") as caught:
        in_a_thread(parse, connector.settings_class, {}, "connectors.stock", ANY)
    assert caught.value.exit_code == 3


# --- what they give --------------------------------------------------------------------------------

DEEP = "(lambda f: f(f, 0))(lambda f, n: [f(f, n + 1)] if n < 100 else [])"
REFUSED = {
    "no id": ("SourceAsset('', 'a')", None, "source_id is str ''; write text of 1 to 1024 bytes"),
    "number as id": ("SourceAsset(1, 'a')", None, "source_id is int 1"),
    "NUL in the id": ("SourceAsset('a\\0', 'a')", None, "source_id is str 'a\\x00'"),
    "half a surrogate in the id": ("SourceAsset('\\ud83d', 'a')", None, "source_id is str"),
    "long id": ("SourceAsset('a' * 1025, 'a')", None, "source_id is str 'aaa"),
    "None as fingerprint": ("SourceAsset('1', None)", "1", "fingerprint is None; write text that changes"),
    "no fingerprint": ("SourceAsset('1', '')", "1", "fingerprint is str ''"),
    "number as fingerprint": ("SourceAsset('1', 7)", "1", "fingerprint is int 7"),
    "number as title": ("SourceAsset('1', 'a', 5)", "1", "title is int 5; write text"),
    "None as raw": ("SourceAsset('1', 'a', '', None)", "1", "raw is None; write a dict of JSON values"),
    "datetime": (
        "SourceAsset('1', 'a', raw={'at': [datetime.datetime.min]})",
        "1",
        "raw.at[0] is datetime datetime.datetime(1, 1, 1, 0, 0); write its isoformat()",
    ),
    "bytes": ("SourceAsset('1', 'a', raw={'x': b'a'})", "1", "raw.x is bytes b'a'; write its hex()"),
    "set": ("SourceAsset('1', 'a', raw={'x': {1}})", "1", "raw.x is set {1}; write JSON values"),
    "odd key": ("SourceAsset('1', 'a', raw={(1,): 1})", "1", "raw: the key is tuple (1,)"),
    "deep": (f"SourceAsset('1', 'a', raw={{'x': {DEEP}}})", "1", "has more than 64 levels"),
    "large number": ("SourceAsset('1', 'a', raw={'x': 10**5000})", "1", "raw.x is too large a number"),
    "large": (
        "SourceAsset('1', 'a', raw={'x': 'x' * 65536})",
        "1",
        f"raw is {RAW_BYTES + 9} bytes of JSON; at most {RAW_BYTES} are kept",
    ),
    "number as removed id": ("Removed(5)", None, "a Removed whose source_id is int 5; write text"),
    "number as removal's reason": ("Removed('1', 5)", None, "a Removed whose reason is int 5; write text"),
    "number as cursor": ("Cursor(5)", None, "a Cursor whose value is int 5; write text"),
    "NUL in the cursor": ("Cursor('a\\0')", None, "a Cursor whose value is str 'a\\x00'"),
}


@pytest.mark.parametrize(("given", "source_id", "said"), REFUSED.values(), ids=REFUSED)
def test_list_when_an_item_cannot_be_kept_refuses_that_one_alone(
    made: Made, given: str, source_id: str | None, said: str
) -> None:
    connector = made(list_source_assets=f"yield {given}")
    before, refused, after = connector.list_source_assets(ANY, None)
    assert isinstance(refused, Refused)
    assert said in str(refused.error)
    assert str(refused.error).startswith("list_source_assets of damlink-acme gave a ")
    assert refused.source_id == source_id
    assert [before, after] == [SourceAsset("1", "a"), SourceAsset("2", "a")]


@pytest.mark.parametrize(
    ("given", "said"), [each[::2] for each in REFUSED.values() if "Cursor" not in each[0]]
)
def test_event_when_its_asset_cannot_be_kept_is_a_bug(made: Made, given: str, said: str) -> None:
    with pytest.raises(PluginBugError) as caught:
        CALLS["on_event"](made(on_event=f"yield {given}"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("'1', 'a', None", SourceAsset("1", "a"), id="None as title"),
        pytest.param(
            "'1', 'a', 'b\\0\\ud83d'",
            SourceAsset("1", "a", f"b{REPLACEMENT}{REPLACEMENT}"),
            id="title for no database",
        ),
        pytest.param(
            "'1', 'a', 'x' * 100_000_000",
            SourceAsset("1", "a", "x" * (MAX_TITLE - 1) + "…"),
            id="endless title",
        ),
        pytest.param(
            "'1', 'a', raw={'\\ud83d': 'b\\0', 1: (2, float('nan')), None: float('inf')}",
            SourceAsset("1", "a", raw={REPLACEMENT: f"b{REPLACEMENT}", "1": [2, None], "null": None}),
            id="raw",
        ),
    ],
)
def test_list_when_an_asset_can_be_made_keepable_is(made: Made, given: str, kept: SourceAsset) -> None:
    connector = made(list_source_assets=f"yield SourceAsset({given})")
    assert list(connector.list_source_assets(ANY, None))[1] == kept


@pytest.mark.parametrize("fingerprint", ["'damlink.removed '", "'a\\0'", "'\\ud83d'", "'x' * 100_000_000"])
def test_list_when_a_fingerprint_is_reserved_or_cannot_be_kept_takes_a_digest_that_push_means_too(
    made: Made, fingerprint: str
) -> None:
    connector = made(
        list_source_assets=f"yield SourceAsset('9', {fingerprint})",
        push=f"return PushResult('id', fingerprint_after={fingerprint})",
    )
    listed = list(connector.list_source_assets(ANY, None))[1]
    assert isinstance(listed, SourceAsset)
    assert listed.fingerprint.startswith("sha256 ")
    assert CALLS["push"](connector).fingerprint_after == listed.fingerprint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("None", "gave None instead of PreparedAsset or Skip or Removed"),
        ("Skip(5)", "gave a Skip whose reason is int 5; write text"),
        ("Removed('1', 5)", "gave a Removed whose reason is int 5; write text"),
        ("Removed(None)", "gave a Removed whose source_id is None; write text"),
        ("PreparedAsset(None, 'a')", "content is None; write a damlink.Content"),
        ("PreparedAsset(C, None)", "name is None; write text"),
        ("PreparedAsset(C, '')", "name is empty"),
        ("PreparedAsset(C, 5)", "name is int 5; write text"),
        ("PreparedAsset(C, 'a', description=None)", "description is None; write text"),
        ("PreparedAsset(C, 'a', copyright=b'a')", "copyright is bytes b'a'; write text"),
        ("PreparedAsset(C, 'a', tags=['a', 5])", "tags[1] is int 5; write text"),
        (
            "PreparedAsset(C, 'a', tags='E-22')",
            "tags: expected a list of texts, got the text 'E-22'; write ['E-22']",
        ),
        ("PreparedAsset(C, 'a', tags=None)", "tags is None; write a list of texts"),
        ("PreparedAsset(C, 'a', tags=5)", "tags is int 5; write a list of texts"),
        ("PreparedAsset(C, 'a', tags=b'ab')", "tags is bytes b'ab'; write a list of texts"),
        ("PreparedAsset(C, 'a', tags={'b': 1})", "tags is dict {'b': 1}; write a list of texts"),
        (
            "PreparedAsset(C, 'a', metaproperties=['a'])",
            "metaproperties is list ['a']; write a dict",
        ),
        ("PreparedAsset(C, 'a', metaproperties={'b': 5})", "metaproperties['b'] is int 5; write text"),
        ("PreparedAsset(C, 'a', metaproperties={'b': ['c', None]})", "metaproperties['b'][1] is None"),
        ("PreparedAsset(C, 'a', metaproperties={5: 'b'})", "metaproperties[5]: the name is int 5"),
        ("PreparedAsset(C, 'a', content_fingerprint=5)", "content_fingerprint is int 5; write text"),
        ("PreparedAsset(C, 'a' * 100_000_000)", f"name has 100000000 characters; write at most {MAX_FIELD}"),
        ("PreparedAsset(Content(None, open), 'a')", "filename is None; write text"),
        ("PreparedAsset(Content('a.jpg', open, size='5'), 'a')", "size is str '5'; write a number of bytes"),
        ("PreparedAsset(Content('a.jpg', open, size=-1), 'a')", "size is int -1; write a number of bytes"),
        ("PreparedAsset(Content('a.jpg', open, media_type=5), 'a')", "media_type is int 5; write text"),
    ],
)
def test_transform_when_it_gives_a_wrong_type_is_a_bug_that_says_what_to_write(
    made: Made, given: str, said: str
) -> None:
    connector = made(transform=f"C = Content.from_bytes(b'a', 'a.jpg')\n        return {given}")
    with pytest.raises(PluginBugError) as caught:
        CALLS["transform"](connector)
    assert said in str(caught.value)
    assert str(caught.value).startswith("transform of damlink-acme ")
    assert caught.value.source_id == "1"


# What a hook may give in place of what it should, and the words of the error.
ODD: dict[str, tuple[str, str]] = {
    "None": ("None", "gave None instead of"),
    "text": ("'abc'", "gave 'abc' instead of"),
    "bytes": ("b'abc'", "gave b'abc' instead of"),
    "number": ("5", "gave 5 instead of"),
    "dict": ("{'a': 1}", "gave {'a': 1} instead of"),
    "class": ("SourceAsset", "gave <class 'damlink._model.SourceAsset'> instead of"),
    "one asset": ("SourceAsset('1', 'a')", "gave SourceAsset(source_id='1'"),
    "function": ("len", "gave <built-in function len> instead of"),
}
WRITE = {
    "authenticate": "return a damlink.Auth",
    "list_source_assets": "yield SourceAsset(source_id, fingerprint)",
    "on_event": "yield SourceAsset(source_id, fingerprint)",
    "transform": "return PreparedAsset(content, name), Skip(reason)",
    "push": "the asset may have been delivered",
    "check": "yield Finding(what, detail)",
}
NOTHING_IS_FINE = {"authenticate", "on_event", "check"}
# A hook that yields may give an odd value as a whole, or among its items.
RETURNS = {
    "list_source_assets": "def list_source_assets(ctx):\n    return {}\n",
    "on_event": "def on_event(event):\n    return {}\n",
    "check": "def check(ctx):\n    return {}\n",
}


def returning(hook: str, given: str) -> dict[str, str]:
    """What makes a hook return a value as a whole."""
    if hook == "check":
        return {"check": RETURNS[hook].format(given)}
    if hook in RETURNS:
        return {"again": f"@hookimpl\n{RETURNS[hook].format(given)}"}
    return {hook: f"return {given}"}


@pytest.mark.parametrize(("given", "said"), ODD.values(), ids=ODD)
@pytest.mark.parametrize("hook", CALLS)
def test_hook_when_it_returns_a_wrong_type_names_it_and_what_to_write(
    made: Made, hook: str, given: str, said: str
) -> None:
    if given == "None" and hook in NOTHING_IS_FINE:
        assert not CALLS[hook](made(**returning(hook, given)))
        return
    with pytest.raises((PluginBugError, UnclearError)) as caught:
        CALLS[hook](made(**returning(hook, given)))
    assert str(caught.value).startswith(f"{hook} of damlink-acme {said}")
    assert WRITE[hook] in str(caught.value)
    assert caught.value.hook == hook


@pytest.mark.parametrize(("given", "said"), [ODD[each] for each in ODD if each != "one asset"])
@pytest.mark.parametrize("hook", RETURNS)
def test_hook_when_it_yields_a_wrong_type_names_it_and_what_to_write(
    made: Made, hook: str, given: str, said: str
) -> None:
    with pytest.raises(PluginBugError) as caught:
        CALLS[hook](made(**returning(hook, f"[{given}]")))
    assert str(caught.value).startswith(f"{hook} of damlink-acme {said}")
    assert WRITE[hook] in str(caught.value)


def test_transform_when_its_texts_can_be_made_keepable_has_them_so(made: Made) -> None:
    given = "PreparedAsset(C, 'a\\0', 'b\\ud83d', tags=['c\\0'], metaproperties={'d\\0': ('e\\0',)})"
    connector = made(transform=f"C = Content.from_bytes(b'a', 'f\\0.jpg')\n        return {given}")
    prepared = CALLS["transform"](connector)
    texts = (prepared.name, prepared.description, *prepared.tags, prepared.content.filename)
    assert texts == (*(f"{each}{REPLACEMENT}" for each in "abc"), f"f{REPLACEMENT}.jpg")
    assert prepared.metaproperties == {f"d{REPLACEMENT}": [f"e{REPLACEMENT}"]}


@pytest.mark.parametrize("hook", ["list_source_assets", "on_event"])
def test_removal_when_listed_has_a_short_clean_reason(made: Made, hook: str) -> None:
    items = CALLS[hook](made(**{hook: "yield Removed('9', 'a\\0' * 1000)"}))
    removed = next(item for item in items if isinstance(item, Removed))
    assert (removed.source_id, len(removed.reason)) == ("9", 200)
    assert "\0" not in removed.reason


@pytest.mark.parametrize(
    ("given", "kept"), [("prepared", Removed("1", "archived")), ("PushResult('id')", PushResult("id"))]
)
def test_push_when_it_is_given_a_removal_may_return_it_or_what_is_kept(
    made: Made, given: str, kept: object
) -> None:
    connector = made(push=f"return {given}")
    assert connector.push(ANY, Removed("1", "archived"), ASSET, None, ANY) == kept


def test_push_when_it_returns_a_removal_for_an_asset_is_unclear(made: Made) -> None:
    with pytest.raises(UnclearError, match="gave Removed.* instead of PushResult"):
        CALLS["push"](made(push="return Removed('1')"))


def test_transform_when_it_skips_for_no_reason_has_an_empty_one(made: Made) -> None:
    assert CALLS["transform"](made(transform="return Skip(None)")) == Skip("")


KEPT_WITH = "the plugin's result could not be kept as it was: "


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("'id', notice=None", PushResult("id"), id="None as notice"),
        pytest.param("'id', url='a\\0'", PushResult("id", f"a{REPLACEMENT}"), id="NUL in the address"),
        pytest.param("5", PushResult("5", notice=f"{KEPT_WITH}target_id"), id="number as id"),
        pytest.param("'id', url=b'a'", PushResult("id", notice=f"{KEPT_WITH}url"), id="bytes as address"),
        pytest.param(
            "'id', fingerprint_after=7",
            PushResult("id", None, "7", f"{KEPT_WITH}fingerprint_after"),
            id="number as fingerprint",
        ),
        pytest.param(
            "'id', notice='paid', detail={'at': datetime.date(2026, 1, 1), 'x': {1}, 'n': float('nan')}",
            PushResult(
                "id",
                notice=f"paid; {KEPT_WITH}detail.at, detail.x, detail.n",
                detail={"at": "2026-01-01", "x": "{1}", "n": None},
            ),
            id="detail that is no JSON",
        ),
        pytest.param(
            "'id', content_fingerprint=7",
            PushResult("id", notice=f"{KEPT_WITH}content_fingerprint", content_fingerprint="7"),
            id="number as content fingerprint",
        ),
        pytest.param("'id', detail=None", PushResult("id", notice=f"{KEPT_WITH}detail"), id="None as detail"),
        pytest.param(
            f"'id', detail={{'a': 1, 'b': 'x' * {DETAIL_BYTES}, 'c': 2}}",
            PushResult("id", notice=f"{KEPT_WITH}detail.b", detail={"a": 1, "c": 2}),
            id="endless detail",
        ),
    ],
)
def test_push_when_its_result_can_be_made_keepable_loses_nothing_else(
    made: Made, given: str, kept: PushResult
) -> None:
    assert CALLS["push"](made(push=f"return PushResult({given})")) == kept


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("None", "gave None instead of PushResult"),
        ("'id'", "gave 'id' instead of PushResult"),
        ("PushResult(None)", "gave a PushResult whose target_id is None"),
        ("PushResult(True)", "target_id is bool True"),
        ("PushResult('a\\0')", "target_id is str 'a\\x00'"),
        ("PushResult('\\ud83d')", "target_id is str"),
        ("PushResult('a' * 1025)", "target_id is str 'aaa"),
    ],
)
def test_push_when_its_target_cannot_be_kept_is_unclear(made: Made, given: str, said: str) -> None:
    with pytest.raises(UnclearError) as caught:
        CALLS["push"](made(push=f"return {given}"))
    assert said in str(caught.value)
    assert str(caught.value).endswith("; the asset may have been delivered")
    assert caught.value.source_id == "1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Finding(5, 'a')", "what is int 5; write text"),
        ("Finding('a', b'b')", "detail is bytes b'b'; write text"),
        ("Finding('a', 'b', error='c')", "error is str 'c'; write an error of damlink"),
    ],
)
def test_check_when_a_finding_is_odd_is_a_bug(made: Made, given: str, said: str) -> None:
    with pytest.raises(PluginBugError) as caught:
        CALLS["check"](made(check=f"def check(ctx):\n    yield {given}\n"))
    assert said in str(caught.value)


@pytest.mark.parametrize("piece", ["'text'", "None", "5"])
def test_content_when_it_yields_no_bytes_says_so(piece: str) -> None:
    content = Content("a.jpg", lambda offset: [eval(piece)])
    with pytest.raises(TypeError, match=r"the content of 'a.jpg' yields .*; yield bytes"):
        list(content.open())
