"""A small plugin without defect, its stand-in, and its installation in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["ENTRY_POINTS", "METADATA", "PLUGIN", "STAND_IN", "install"]

PLUGIN: Final = '''\
"""Larkspur's pictures into a Bynder portal."""

from collections.abc import Iterator

import attrs

from damlink import (
    Checkpoint,
    Content,
    Context,
    Cursor,
    HeaderAuth,
    PreparedAsset,
    PushResult,
    Secret,
    Skip,
    SourceAsset,
    hookimpl,
    setting,
)


@attrs.frozen
class LarkspurSettings:
    """One Larkspur account."""

    api_key: Secret = setting(help="The key.")
    api_url: str = setting(default="https://larkspur.example", help="The address.")


settings_class = LarkspurSettings


@hookimpl
def authenticate(ctx: Context) -> HeaderAuth:
    return HeaderAuth({"X-Key": ctx.settings.api_key})


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    page = 1
    while rows := ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json():
        for row in rows:
            yield SourceAsset(row["id"], row["etag"], row["title"], raw=row)
        yield Cursor(rows[-1]["changed"])
        page += 1


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset | Skip:
    picture = ctx.http.get(f"/pictures/{source.source_id}").json()
    content = Content.from_url(ctx.http, picture["url"], filename=picture["file"])
    return PreparedAsset(content, name=source.title, tags=("Larkspur", source.source_id))


@hookimpl
def push(
    ctx: Context, prepared: PreparedAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PushResult:
    return ctx.bynder.upload(prepared, checkpoint, previous=previous)
'''
STAND_IN: Final = '''\
"""Stand-in for Larkspur; its files are at another address than its API."""

from functools import partial

from starlette.concurrency import run_in_threadpool

from damlink_sandbox import Key, StandIn, application, numbered_page, refuse, route, send_file


class LarkspurSandbox(StandIn):
    name = "larkspur"
    credentials = Key("X-Key")

    def services(self):
        files = application({"GET /{name}": self.file})
        return {**super().services(), "larkspur-files": files}

    async def file(self, request):
        found = [file for file in self.media if file.filename == request.path_params["name"]]
        return await run_in_threadpool(send_file, request.method, request.headers, found[0])

    def trial_setup(self, parts):
        parts["bynder"].control("lag", {"index": 0})
        parts["bynder"].control("add_asset", {"media": 0, "name": "in the portal already"})

    @property
    def rows(self):
        return [
            {"id": f"LK-{number}", "etag": file.sha256(), "title": file.filename.partition(".")[0],
             "changed": f"2026-01-0{number}T12:00:00Z", "keywords": ["summer"]}
            for number, file in enumerate(self.media, 1)
        ]

    @route("GET /pictures")
    def pictures(self, call):
        since, after = call.query.get("since", ""), call.query.get("after", "")
        rows = [row for row in self.rows if row["changed"] >= since and row["changed"] > after]
        return numbered_page(call.query, rows, size=3)

    @route("GET /pictures/{id}")
    def picture(self, call):
        name = self.media[int(call.params["id"].removeprefix("LK-")) - 1].filename
        return {"file": name, "url": f"{self.world.origins['larkspur-files']}/{name}"}

    @route("POST /deliveries")
    def delivered(self, call):
        return {"ok": True}
'''
METADATA: Final = f"""\
Metadata-Version: 2.4
Name: damlink-larkspur
Version: 0.1.0
Summary: Larkspur's pictures into a Bynder portal: a Damlink plugin.
License-Expression: Apache-2.0
Requires-Python: >=3.11
Requires-Dist: damlink>=0.1,<1

{"Larkspur is a library of pictures. " * 6}
"""
ENTRY_POINTS: Final = """\
[damlink]
larkspur = damlink_larkspur.plugin

[damlink.sandbox]
larkspur = damlink_larkspur.sandbox:LarkspurSandbox
"""


def install(
    folder: Path,
    plugin: str = PLUGIN,
    *,
    metadata: str = METADATA,
    entry_points: str = ENTRY_POINTS,
    distribution: str = "damlink_larkspur",
) -> None:
    """Lay the plugin into a folder as an installer leaves it."""
    package, facts = folder / "damlink_larkspur", folder / f"{distribution}-0.1.0.dist-info"
    package.mkdir(parents=True, exist_ok=True)
    facts.mkdir()
    for name, text in {"__init__": "", "plugin": plugin, "sandbox": STAND_IN}.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    (package / "py.typed").touch()
    (facts / "METADATA").write_text(metadata, encoding="utf-8")
    (facts / "entry_points.txt").write_text(entry_points, encoding="utf-8")
