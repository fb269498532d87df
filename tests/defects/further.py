"""Further defects, so that each rule of the grade has one that breaks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from defects.table import CONTENT, COUNTER, GET_PAGE, PAGE, TRANSFORM, UPLOAD, Defect, on_event

__all__ = ["FURTHER", "KEPT_BY_THE_CORE"]

KEPT_BY_THE_CORE: Final[Mapping[str, str]] = {
    "settings.unknown-key": "settings are an attrs class, and the core alone reads the table of a connector",
    "run.endless-listing": "the rule lists in place of the plugin",
    "run.misbehaving-hooks": "the rule lists, signs and takes events in place of the plugin",
}
"""The rules that no plugin can break, with the reason."""

_HALF: Final = """

import json


def _read(ctx, page, since):
    text = b""
    with ctx.http.stream("GET", "/pictures", params={"page": page, "since": since or ""}) as answer:
        try:
            for piece in answer.iter_bytes():
                text += piece
        except Exception:
            return []
    return json.loads(text)
"""
_BARE: Final = """

import httpx


def _read(ctx, page, since):
    key = ctx.settings.api_key.reveal()
    query = {"page": page, "since": since or ""}
    return httpx.get(f"{ctx.settings.api_url}/pictures", params=query, headers={"X-Key": key}).json()
"""
_LENIENT: Final = """

def _read(ctx, page, since):
    try:
        return ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json()
    except ValueError:
        return []
"""
_CLASSIFY: Final = """

from damlink import AssetRejectedError


def classify(response):
    return AssetRejectedError("refused") if response.status_code == 429 else None
"""

FURTHER: Final[Sequence[Defect]] = (
    Defect("a setting without help", "settings.described", 'help="The address."', 'help=""'),
    Defect(
        "content that opens at its beginning only",
        "content.reopens",
        'Content.from_url(ctx.http, picture["url"], filename=picture["file"])',
        'Content(picture["file"], lambda offset: Content.from_url(ctx.http, picture["url"]).open())',
    ),
    Defect(
        "an asset that always fails",
        "run.once",
        CONTENT,
        f'    if source.title == "film":\n        raise KeyError(source.title)\n{CONTENT}',
    ),
    Defect(
        "an asset that fails beside others that do",
        "run.misbehaving",
        CONTENT,
        f'    if source.title == "film":\n        raise KeyError(source.title)\n{CONTENT}',
    ),
    Defect(
        "another name each time",
        "transform.repeatable",
        "name=source.title,",
        'name=f"{source.title} {next(numbers)}",',
        more=COUNTER,
    ),
    Defect(
        "a refusal of the key swallowed", "partner.401", PAGE, "_get_page(ctx, page, since)", more=GET_PAGE
    ),
    Defect("a rate limit taken for a refusal", "partner.429", more=_CLASSIFY),
    Defect(
        "half an answer taken for the end", "partner.half-answer", PAGE, "_read(ctx, page, since)", more=_HALF
    ),
    Defect(
        "broken JSON taken for the end", "partner.broken-json", PAGE, "_read(ctx, page, since)", more=_LENIENT
    ),
    Defect(
        "connections that are not repeated", "partner.passing", PAGE, "_read(ctx, page, since)", more=_BARE
    ),
    Defect(
        "called idempotent, and is not",
        "partner.lost-answer",
        UPLOAD,
        '    if not checkpoint.get("told"):\n'
        '        ctx.http.post("/deliveries", json={"id": prepared.name}, idempotent=True)\n'
        f"        checkpoint.put(told=True)\n{UPLOAD}",
    ),
    Defect(
        "event: its own delivery changes the fingerprint",
        "event.own",
        more=on_event('    row["etag"] = f"{sum(1 for _ in ctx.bynder.assets.list())} assets"\n'),
    ),
    Defect("a hook without types", "code.annotated", TRANSFORM, "def transform(ctx, source):\n"),
    Defect(
        "no summary",
        "distribution.summary",
        "Summary: Larkspur's pictures into a Bynder portal: a Damlink plugin.\n",
    ),
    Defect("no version of Python", "distribution.python", "Requires-Python: >=3.11\n"),
    Defect("any version of the core", "distribution.core-range", "damlink>=0.1,<1", "damlink"),
    Defect("no README", "distribution.readme", "Larkspur is a library of pictures. " * 6),
    Defect("no licence", "distribution.licence", "License-Expression: Apache-2.0\n"),
    Defect("no py.typed", "distribution.typed", is_typed=False),
)
"""One defect of each rule that the other tables do not show."""
