"""Marigold's hooks: OAuth 2.0 with client credentials, and a list in pages by cursor."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from damlink import (
    About,
    Checkpoint,
    Content,
    Context,
    Cursor,
    OAuth2,
    PreparedAsset,
    PushResult,
    Secret,
    Skip,
    SourceAsset,
    hookimpl,
    setting,
)


@attrs.frozen
class MarigoldSettings:
    """One application at Marigold."""

    client_id: str = setting(help="The id of the application at Marigold.")
    client_secret: Secret = setting(help="The secret of the application.")
    desk: str = setting(default="", selects=True, help="Bring the pictures of this desk only. Empty: of all.")
    api_url: str = setting(default="https://api.marigold.example", help="Where Marigold's API answers.")
    token_url: str = setting(
        default="https://api.marigold.example/oauth/token", help="Where tokens come from."
    )


settings_class = MarigoldSettings
about = About(title="Marigold", summary="Cleared pictures into a Bynder portal.", every="1h")


@hookimpl
def authenticate(ctx: Context) -> OAuth2:
    """Sign with the application's token."""
    return OAuth2(ctx.settings.token_url, ctx.settings.client_id, ctx.settings.client_secret)


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Cursor]:
    """List the pictures in the order of their changes, page by page."""
    query = {"modified_from": since or "", "desk": ctx.settings.desk}
    while True:
        page = ctx.http.get("/v2/pictures", params=query).json()
        for picture in page["items"]:
            yield SourceAsset(picture["uuid"], picture["revision"], picture["headline"], raw=picture)
        if page["items"]:
            yield Cursor(page["items"][-1]["modified"])
        if not page["next"]:
            return
        query["after"] = page["next"]


@hookimpl
def transform(ctx: Context, source: SourceAsset) -> PreparedAsset | Skip:
    """Prepare a picture, if its rights are cleared."""
    picture = source.raw
    if picture["rights"] != "cleared":
        return Skip(f"its rights are {picture['rights']}")
    return PreparedAsset(
        Content.from_url(ctx.http, f"/v2/pictures/{source.source_id}/file", picture["filename"]),
        name=source.title,
        description=picture["caption"],
        copyright=picture["credit"],
        tags=("Marigold", *picture["keywords"], source.source_id),
        content_fingerprint=picture["checksum"],
    )


@hookimpl
def push(
    ctx: Context, prepared: PreparedAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PushResult:
    """Upload the picture, or what has changed of it."""
    return ctx.bynder.upload(prepared, checkpoint, previous=previous)
