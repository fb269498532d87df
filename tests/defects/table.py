"""The defects and mistakes: each is one change of the plugin without defect, and what must catch it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
from defects.larkspur import ENTRY_POINTS, METADATA, PLUGIN

__all__ = [
    "CONTENT",
    "COUNTER",
    "DEFECTS",
    "GET_PAGE",
    "MISTAKES",
    "PAGE",
    "TRANSFORM",
    "UPLOAD",
    "Defect",
    "on_event",
]


@attrs.frozen
class Defect:
    """One change that makes a good plugin a bad one.

    Attributes:
        name: what is wrong with it.
        caught: the rule that finds it; `load` if the plugin cannot be loaded.
        old: what is replaced, in the plugin, its metadata or its entry points; it stands there once.
        new: what it is replaced by.
        more: further code at the end of the plugin.
        rival: whether a second distribution has the same plugin.
        is_typed: whether its package has the file py.typed.
    """

    name: str
    caught: str
    old: str = ""
    new: str = ""
    more: str = ""
    rival: bool = False
    is_typed: bool = True

    @property
    def plugin(self) -> str:
        """The plugin's code with the change."""
        return f"{self._replace(PLUGIN)}{self.more}"

    @property
    def metadata(self) -> str:
        """The metadata of its distribution."""
        return self._replace(METADATA)

    @property
    def entry_points(self) -> str:
        """Its entry points."""
        return self._replace(ENTRY_POINTS)

    def _replace(self, text: str) -> str:
        found = sum(each.count(self.old) for each in (PLUGIN, METADATA, ENTRY_POINTS))
        if self.old and found != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands there {found} times")
        return text.replace(self.old, self.new) if self.old else text


UPLOAD: Final = "    return ctx.bynder.upload(prepared, checkpoint, previous=previous)\n"
CONTENT: Final = "    content = Content.from_url("
TRANSFORM: Final = "def transform(ctx: Context, source: SourceAsset) -> PreparedAsset | Skip:\n"
_LISTING: Final = (
    "def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:\n"
)
_ITEM: Final = 'yield SourceAsset(row["id"], row["etag"], row["title"], raw=row)'
PAGE: Final = 'ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json()'
GET_PAGE: Final = """

def _get_page(ctx, page, since):
    try:
        return ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json()
    except Exception:
        return []
"""
_GET_PICTURE: Final = """

def _get_picture(ctx, source):
    try:
        return ctx.http.get(f"/pictures/{source.source_id}").json()
    except Exception:
        return None
"""
_READ_STREAM: Final = """

import json


def _read(ctx, page, since):
    query = {"page": page, "since": since or ""}
    with ctx.http.stream("GET", "/pictures", params=query) as answer:
        return json.loads(b"".join(answer.iter_bytes()))
"""
_FORGETFUL: Final = """

class _Forgetful:
    source_id = "LK"

    def get(self, name, default=None):
        return default

    def put(self, **values):
        pass

    def scope(self, name):
        return self
"""

COUNTER: Final = "\n\nimport itertools\n\nnumbers = itertools.count(1)\n"
_DAY: Final = "\n\nfrom datetime import date\n\nDAY = date(2026, 1, 1)\n"


def on_event(lines: str) -> str:
    return (
        "\n\nfrom damlink import Event, Removed\n\n\n"
        "@hookimpl\n"
        "def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset | Removed]:\n"
        '    row = ctx.http.get("/pictures", params={"page": 1}).json()[0]\n'
        f"{lines}"
        '    yield SourceAsset(row["id"], row["etag"], row["title"], raw=row)\n'
    )


DEFECTS: Final[Sequence[Defect]] = (
    Defect(
        "push not repeatable: another part of the checkpoint each time",
        "push.once",
        UPLOAD,
        "    import uuid\n\n"
        "    return ctx.bynder.upload(prepared, checkpoint.scope(str(uuid.uuid4())), previous=previous)\n",
    ),
    Defect(
        "push not repeatable: a request that acts each time",
        "push.once",
        UPLOAD,
        f'    ctx.http.post("/deliveries", json={{"id": prepared.name}})\n{UPLOAD}',
    ),
    Defect(
        "checkpoint ignored",
        "push.once",
        "prepared, checkpoint, previous=previous)",
        "prepared, _Forgetful(), previous=previous)",
        more=_FORGETFUL,
    ),
    Defect(
        "checkpoint written after the act, and not before",
        "push.killed",
        UPLOAD,
        '    if not checkpoint.get("told"):\n'
        '        ctx.http.post("/deliveries", json={"id": prepared.name})\n'
        f"        checkpoint.put(told=True)\n{UPLOAD}",
    ),
    Defect(
        "called done before it is",
        "run.schedules",
        UPLOAD,
        "    if ctx.state.get(prepared.name):\n"
        "        return PushResult(prepared.name)\n"
        f"    ctx.state.put(prepared.name, True)\n{UPLOAD}",
    ),
    Defect(
        "cursor early",
        "listing.resumable",
        "        for row in rows:\n",
        '        yield Cursor(rows[-1]["changed"])\n        for row in rows[:-1]:\n',
    ),
    Defect("cursor exclusive", "listing.inclusive", '"since": since or ""', '"after": since or ""'),
    Defect(
        "secret in raw",
        "log.secret-free",
        "raw=row)",
        'raw={**row, "key": ctx.settings.api_key.reveal()})',
    ),
    Defect(
        "secret in the log",
        "log.secret-free",
        CONTENT,
        f'    ctx.log.debug("signed with %s", ctx.settings.api_key.reveal())\n{CONTENT}',
    ),
    Defect(
        "secret in a foreign URL",
        "partner.own-secrets",
        'picture["url"],',
        """f"{picture['url']}?key={ctx.settings.api_key.reveal()}",""",
    ),
    Defect(
        "unstable id",
        "listing.stable",
        'SourceAsset(row["id"],',
        "SourceAsset(f\"{row['id']}-{next(numbers)}\",",
        more=COUNTER,
    ),
    Defect("unstable fingerprint", "listing.stable", 'row["etag"],', "str(next(numbers)),", more=COUNTER),
    Defect(
        "errors swallowed in the listing", "partner.500", PAGE, "_get_page(ctx, page, since)", more=GET_PAGE
    ),
    Defect(
        "errors swallowed in transform",
        "partner.500-carrying",
        '    picture = ctx.http.get(f"/pictures/{source.source_id}").json()\n',
        '    picture = _get_picture(ctx, source)\n    if not picture:\n        return Skip("gone")\n',
        more=_GET_PICTURE,
    ),
    Defect(
        "whole listing in memory",
        "listing.lazy",
        _LISTING,
        "def list_source_assets(ctx: Context, since: str | None) -> list[SourceAsset | Cursor]:\n"
        "    return list(_list(ctx, since))\n\n\n"
        "def _list(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:\n",
    ),
    Defect("mutated raw", "transform.pure", CONTENT, f'    source.raw["seen"] = True\n{CONTENT}'),
    Defect("no extension", "content.named", 'filename=picture["file"]', 'filename="picture"'),
    Defect(
        "not thread-safe",
        "transform.parallel",
        CONTENT,
        f"    current.append(source)\n{CONTENT[:4]}source = current[-1]\n{CONTENT}",
        more="\n\ncurrent = []\n",
    ),
    Defect(
        "module global",
        "code.no-globals",
        CONTENT,
        f"    carried.append(source.source_id)\n{CONTENT}",
        more="\n\ncarried = []\n",
    ),
    Defect(
        "blocking sleep", "code.own-sleep", CONTENT, f"    import time\n\n    time.sleep(0.01)\n{CONTENT}"
    ),
    Defect(
        "race on state",
        "state.atomic",
        UPLOAD,
        f'    ctx.state.put("count", ctx.state.get("count", 0) + 1)\n{UPLOAD}',
    ),
    Defect(
        "no marker on the asset", "push.findable", 'tags=("Larkspur", source.source_id)', 'tags=("Larkspur",)'
    ),
    Defect(
        "bare httpx",
        "code.own-http",
        CONTENT,
        f"    import httpx\n\n    httpx.get(ctx.settings.api_url)\n{CONTENT}",
    ),
    Defect(
        "whole file in memory",
        "content.constant-memory",
        'Content.from_url(ctx.http, picture["url"], filename=picture["file"])',
        'Content.from_bytes(ctx.http.get(picture["url"]).content, picture["file"])',
    ),
    Defect(
        "answers without a limit", "partner.oversized", PAGE, "_read(ctx, page, since)", more=_READ_STREAM
    ),
    Defect(
        "event: its time is the fingerprint",
        "event.repeated",
        more=on_event('    row["etag"] = event.occurred_at.isoformat()\n'),
    ),
    Defect(
        "event: its kind decides, not the asset",
        "event.reordered",
        more=on_event(
            '    if event.kind.endswith(".archived"):\n'
            '        yield Removed(row["id"], "archived")\n'
            "        return\n"
        ),
    ),
    Defect(
        "event: another fingerprint than in the listing",
        "event.as-listed",
        more=on_event('    row["etag"] = "by event"\n'),
    ),
    Defect(
        "event: no thought of an asset that is gone",
        "event.gone",
        more=on_event('    ctx.log.debug("%s", event.asset["name"])\n'),
    ),
    Defect(
        "secret as plain text",
        "settings.secret",
        "    api_url: str",
        '    password: str = setting(default="", help="It.")\n    api_url: str',
    ),
)
"""What a plugin does wrong in operation."""

MISTAKES: Final[Sequence[Defect]] = (
    Defect("misspelt hook", "load", "def transform(", "def transfrom("),
    Defect(
        "wrong argument", "load", "def transform(ctx: Context, source:", "def transform(ctx: Context, asset:"
    ),
    Defect("default of an argument", "load", "since: str | None)", "since: str | None = None)"),
    Defect("async hook", "load", "def transform(", "async def transform("),
    Defect("no @hookimpl", "load", "@hookimpl\ndef authenticate", "def authenticate"),
    Defect(
        "wrong return",
        "transform.pure",
        '    return PreparedAsset(content, name=source.title, tags=("Larkspur", source.source_id))\n',
        "    return content, source.title\n",
    ),
    Defect(
        "a listing that is None",
        "listing.unique",
        _LISTING,
        f"{_LISTING}    _list(ctx, since)\n\n\n"
        "def _list(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:\n",
    ),
    Defect(
        "one text for tags", "transform.pure", 'tags=("Larkspur", source.source_id)', "tags=source.source_id"
    ),
    Defect("date in raw", "listing.unique", "raw=row)", 'raw={**row, "seen": DAY})', more=_DAY),
    Defect(
        "date as a cursor",
        "listing.unique",
        'yield Cursor(rows[-1]["changed"])',
        "yield Cursor(DAY)",
        more=_DAY,
    ),
    Defect("KeyError in a listing", "listing.unique", 'row["etag"],', 'row["etags"],'),
    Defect("import error", "load", "import attrs\n", "import attrs\nimport larkspur_client\n"),
    Defect("wrong entry point", "load", "damlink_larkspur.plugin", "damlink_larkspur.plugins"),
    Defect("duplicate name", "load", rival=True),
    Defect("range of the core", "load", "damlink>=0.1,<1", "damlink>=7,<8"),
)
"""What an author writes wrongly."""
