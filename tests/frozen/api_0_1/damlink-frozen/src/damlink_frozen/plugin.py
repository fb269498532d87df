"""A source of pictures that uses each public name of Damlink 0.1. This file is never changed."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Literal

import attrs

from damlink import (
    About,
    AssetRejectedError,
    Auth,
    AuthError,
    Backoff,
    Checkpoint,
    Client,
    Content,
    ContentFile,
    Context,
    Cursor,
    Event,
    Finding,
    HeaderAuth,
    LedgerEntry,
    NotYet,
    OAuth2,
    Poll,
    Portal,
    PreparedAsset,
    PushResult,
    Removed,
    Response,
    Secret,
    Skip,
    SourceAsset,
    Spool,
    TransientError,
    UnclearError,
    __version__,
    hookimpl,
    origin_of,
    parse_url,
    setting,
    suggest,
)
from damlink.bynder import Asset, Role, download_roles, reject_undownloadable
from damlink.errors import ConnectorError, DamlinkError

about = About(
    title="Frozen",
    summary="A plugin of Damlink 0.1.",
    every="2h",
    permissions=(Role.UPLOAD,),
    once_per_portal=True,
    adopt_tag="Frozen",
    uploads=True,
    exclusive={"album": "include_drafts"},
)
KINDS = ("image", "drawing", "film")


@attrs.frozen
class FrozenSettings:
    """One account."""

    client_id: str = setting(help="The client's id.", identifies="source")
    client_secret: Secret = setting(help="The client's secret.")
    token_url: str = setting(help="Where tokens come from.")
    api_url: str = setting(default="https://api.frozen.example", help="Where the API answers.", advanced=True)
    album: str = setting(default="", selects=True, help="This album only.", pattern="[a-z]*")
    kind: Literal["image", "film"] = setting(default="image", help="What is listed.")
    most: int = setting(default=100, minimum=1, maximum=1000, help="Rows of a page.")
    pause: timedelta = setting(default=timedelta(seconds=1), help="Between two polls.", minimum=0)
    skipped: tuple[str, ...] = setting(default=(), help="Ids that are left out.")
    labels: Mapping[str, str] = setting(default=MappingProxyType({}), help="Tags by kind.")
    extra_key: Secret | None = setting(default=None, help="A second key.", advanced=True)
    include_drafts: bool = setting(default=False, help="Bring drafts, too.")
    requests_per_second: float = setting(default=1000.0, help="At most so many.", when={"most": (100, 200)})

    def validate(self) -> Iterator[tuple[str, str]]:
        """Yield what does not fit together."""
        if self.kind == "film" and self.include_drafts:
            yield "include_drafts", "there are no drafts of films"


settings_class = FrozenSettings


class NumberAuth(Auth):
    """A signing of its own: each request has a number."""

    def __init__(self) -> None:
        self._number = 0

    def auth_flow(self, request: Any) -> Generator[Any, Response, None]:
        """Count the request."""
        self._number += 1
        request.headers["X-Number"] = str(self._number)
        yield request


def check(ctx: Context) -> Iterator[Finding]:
    """Yield what is right or wrong with the account."""
    account = ctx.http.get("/account").json()
    if account["kind"] not in KINDS:
        error = AuthError(f"no such kind; {suggest(account['kind'], KINDS)}")
        yield Finding("kind", account["kind"], error)
    with contextlib.closing(Spool([b"a", b"b"])) as spool:
        file = ContentFile(Content.from_bytes(b"".join(spool.pieces()), "ab.txt"))
        yield Finding("spool", file.read().decode())
    yield Finding("account", f"{account['name']} on {parse_url(ctx.settings.api_url).host}, {__version__}")


def classify(response: Response) -> ConnectorError | None:
    """Return the error of a refusal."""
    reason = response.headers.get("X-Reason")
    if reason == "busy":
        return TransientError("busy", retry_after=1.0)
    return AssetRejectedError("withdrawn") if reason == "withdrawn" else None


@hookimpl
def authenticate(ctx: Context) -> Auth:
    """Sign by a token, by the second key, or by a number."""
    if not ctx.settings.token_url:
        return NumberAuth()
    if ctx.settings.extra_key is not None:
        return HeaderAuth({"X-Key": ctx.settings.extra_key})
    return OAuth2(ctx.settings.token_url, ctx.settings.client_id, ctx.settings.client_secret)


def pages(http: Client, settings: FrozenSettings, since: str | None) -> Iterator[list[Mapping[str, Any]]]:
    """Yield each page of the list."""
    query: dict[str, str | int] = {"since": since or "", "album": settings.album, "page": 1}
    for page in itertools.count(1):
        rows = http.get("/pictures", params={**query, "page": page}).json()
        if not rows:
            return
        yield rows


@hookimpl
def list_source_assets(ctx: Context, since: str | None) -> Iterator[SourceAsset | Removed | Cursor]:
    """Yield page by page."""
    for rows in pages(ctx.http, ctx.settings, since):
        for row in rows:
            if row["gone"]:
                yield Removed(row["id"], "deleted")
            else:
                yield SourceAsset(row["id"], fingerprint=row["etag"], title=row["title"], raw=row)
        yield Cursor(rows[-1]["changed"])
    ctx.state.put("listed", ctx.now().isoformat())
    ctx.state.update("runs", lambda count: count + 1, 0)
    ctx.log.info("listed; %s keys", len(ctx.state.keys()))


@hookimpl
def transform(
    ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PreparedAsset | Removed | Skip:
    """Prepare one picture."""
    if source.source_id in ctx.settings.skipped:
        return Skip("left out")
    if checkpoint.get("poll") is None:
        checkpoint.put(poll=Poll.read(None, ctx.now()).note())
    poll = Poll.read(checkpoint.get("poll"), ctx.now())
    if poll.count:
        raise NotYet("it is being made", retry_after=Backoff(0.5, 8.0).pause_seconds(poll.count))
    address = f"{ctx.settings.api_url.rstrip('/')}{source.raw['path']}"
    if origin_of(parse_url(address)) != origin_of(parse_url(ctx.settings.api_url)):
        raise AssetRejectedError("its file is elsewhere")
    content = Content.from_url(ctx.http, source.raw["path"], f"{source.source_id}.jpg")
    return PreparedAsset(
        content,
        name=source.title or source.source_id,
        description="A picture.",
        copyright="Frozen",
        tags=("Frozen", source.source_id),
        metaproperties={},
        content_fingerprint=source.fingerprint,
    )


@hookimpl
def push(
    ctx: Context,
    prepared: PreparedAsset | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Upload it, with a note beside it."""
    portal: Portal = ctx.bynder
    if isinstance(prepared, Removed):
        return prepared
    entry: LedgerEntry | None = ctx.ledger.get(source.source_id)
    if entry is not None and previous is not None and prepared.is_content_of(previous):
        ctx.log.debug("%s: only its metadata", source.source_id)
    try:
        result = portal.upload(prepared, checkpoint, previous=previous)
    except UnclearError:
        ctx.log.warning("%s: unclear", source.source_id)
        raise
    checkpoint.scope("own").put(uploaded=True)
    ctx.progress(0)
    return PushResult(result.target_id, result.url, detail={"etag": source.fingerprint}, notice=result.notice)


@hookimpl
def on_event(ctx: Context, event: Event) -> Iterator[SourceAsset | Removed]:
    """Name what has left the portal, or cannot be read there any more."""
    if event.kind == "asset_bank.media.create":
        return
    asset: Asset | None = ctx.bynder.assets.find(event.asset_id)
    try:
        if asset is not None:
            with reject_undownloadable(download_roles(asset)):
                yield SourceAsset(
                    asset.id, event.occurred_at.isoformat(), asset.name, raw={"kind": event.kind}
                )
            return
    except DamlinkError as error:
        ctx.log.info("%s", error)
    yield Removed(event.asset_id, "not in the portal")
