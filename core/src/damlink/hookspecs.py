"""The contract between the core and a plugin: five hooks.

A plugin is a module found by the entry-point group `damlink`. It sets `settings_class` (an attrs
class of `damlink.setting` fields), may set `about` (a `damlink.About`), and marks its hooks with
`damlink.hookimpl`. It names only the arguments it uses. Hooks are plain functions and generators:
no defaults, no `async`. A plugin has `transform`, `push` and at least one of `list_source_assets`
and `on_event`. It may have a plain function `check(ctx)` beside them: `damlink check` shows the
`damlink.Finding`s that it yields; it changes and spends nothing. It may have a plain function
`classify(response)`: it returns the error of `damlink.errors` that a refusal of the partner's (400 and
above) stands for, or `None`, and then the general rule applies. `ctx.http` asks it first. It may have a
plain function `estimate(ctx, source)`: it returns a `damlink.Estimate` of what carrying the asset takes,
for a plan. It sends no request and changes nothing.

Marked by its own marker, such as `@hookimpl.push`, a hook's arguments and result are known to a type
checker. It then takes what it does not use as `**_: object`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

import pluggy

if TYPE_CHECKING:
    from damlink._checkpoint import Checkpoint
    from damlink._context import Context
    from damlink._http.auth import Auth
    from damlink._model import Cursor, Event, PreparedAsset, PushResult, Removed, Skip, SourceAsset

__all__ = [  # noqa: RUF022 - plainly sorted, as all public names are
    "Authenticate",
    "HookMarker",
    "ListSourceAssets",
    "OnEvent",
    "PROJECT",
    "Push",
    "Transform",
    "hookimpl",
    "hookspec",
]

PROJECT = "damlink"

F = TypeVar("F", bound=Callable[..., Any])


class Authenticate(Protocol):
    """Type of the hook `authenticate`."""

    def __call__(self, *, ctx: Context[Any]) -> Auth | None:
        """Return the authentication of the partner's requests."""


class ListSourceAssets(Protocol):
    """Type of the hook `list_source_assets`."""

    def __call__(self, *, ctx: Context[Any], since: str | None) -> Iterable[SourceAsset | Removed | Cursor]:
        """Yield the assets to carry."""


class Transform(Protocol):
    """Type of the hook `transform`."""

    def __call__(
        self, *, ctx: Context[Any], source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
    ) -> PreparedAsset | Removed | Skip:
        """Decide name, metadata and content of one source asset."""


class Push(Protocol):
    """Type of the hook `push` of a plugin that yields no `Removed`."""

    def __call__(
        self,
        *,
        ctx: Context[Any],
        prepared: PreparedAsset,
        source: SourceAsset,
        previous: PushResult | None,
        checkpoint: Checkpoint,
    ) -> PushResult | Removed:
        """Deliver one prepared asset."""


class OnEvent(Protocol):
    """Type of the hook `on_event`."""

    def __call__(self, *, ctx: Context[Any], event: Event) -> Iterable[SourceAsset | Removed]:
        """Yield the source assets that this event makes due."""


class HookMarker:
    """Marker of hooks: `@hookimpl` for any, and one for each whose type a type checker then knows."""

    def __init__(self) -> None:
        self._marker = pluggy.HookimplMarker(PROJECT)

    @overload
    def __call__(self, function: F, **options: Any) -> F: ...

    @overload
    def __call__(self, function: None = None, **options: Any) -> Callable[[F], F]: ...

    def __call__(self, function: F | None = None, **options: Any) -> F | Callable[[F], F]:
        """Mark a function as a hook.

        Args:
            function: the hook; none if options follow.
            options: those of pluggy, such as `wrapper=True` in an extension.
        """
        return self._marker(function, **options) if function is not None else self._marker(**options)

    def authenticate(self, function: Authenticate) -> Callable[..., Auth | None]:
        """Mark the hook `authenticate`."""
        return self._mark("authenticate", function)

    def list_source_assets(
        self, function: ListSourceAssets
    ) -> Callable[..., Iterable[SourceAsset | Removed | Cursor]]:
        """Mark the hook `list_source_assets`."""
        return self._mark("list_source_assets", function)

    def transform(self, function: Transform) -> Callable[..., PreparedAsset | Removed | Skip]:
        """Mark the hook `transform`."""
        return self._mark("transform", function)

    def push(self, function: Push) -> Callable[..., PushResult | Removed]:
        """Mark the hook `push`."""
        return self._mark("push", function)

    def on_event(self, function: OnEvent) -> Callable[..., Iterable[SourceAsset | Removed]]:
        """Mark the hook `on_event`."""
        return self._mark("on_event", function)

    def _mark(self, name: str, function: F) -> F:
        written = getattr(function, "__name__", "")
        if written != name:
            raise TypeError(f"hookimpl.{name} marks a function {name}, and not {written}")
        return self._marker(function)


hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = HookMarker()


@hookspec(firstresult=True)
def authenticate(ctx: Context) -> Auth | None:
    """Return the authentication of the partner's requests, token renewal included.

    Called once a run, before `ctx.http` is signed. Send nothing here: a `damlink.Auth` yields its
    requests. Absent, or `None`: requests are not signed.
    """


@hookspec(firstresult=True)
def list_source_assets(ctx: Context, since: str | None) -> Iterable[SourceAsset | Removed | Cursor]:
    """Yield lazily the assets to carry.

    Called once a run, from one thread. `since` is the value of the last `Cursor` committed, or
    `None` the first time, with `--full`, and after a change of what is selected. Yield `Cursor(value)`
    wherever everything before it has been listed. Listing an asset again is harmless: its
    fingerprint shows whether it changed. Without a stable order yield no cursor. An asset that cannot
    be stored becomes a failed row, and the listing goes on. Yield `Removed(source_id, reason)` for an asset
    that the source no longer offers; one that was never listed is ignored.
    """


@hookspec(firstresult=True)
def transform(
    ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
) -> PreparedAsset | Removed | Skip:
    """Decide name, metadata and content of one source asset.

    Called in a transfer thread, several at once, and again after a crash: store in `checkpoint` what
    must not happen twice, before you do it. `previous` is what the last push returned. Return `Removed` if
    the source no longer offers the asset. Not called for an asset that was listed as removed.
    """


@hookspec(firstresult=True)
def push(
    ctx: Context,
    prepared: PreparedAsset | Removed,
    source: SourceAsset,
    previous: PushResult | None,
    checkpoint: Checkpoint,
) -> PushResult | Removed:
    """Deliver one prepared asset.

    Called in a transfer thread, several at once; safe to repeat with the same `checkpoint`. With
    `previous` a changed asset becomes a new version and not a second asset. A value of the result
    that cannot be stored is converted, with a notice; without a usable target id the row is `uncertain`.

    A plugin that yields or returns `Removed` is given it in place of the prepared asset. Do at the target
    what is right there; return the `Removed` if nothing is left, or a `PushResult` for what the target keeps.
    """


@hookspec(firstresult=True)
def on_event(ctx: Context, event: Event) -> Iterable[SourceAsset | Removed]:
    """Yield the source assets that this event makes due; none if the event is not of this connector.

    Called in one thread for each verified notification of the connector's portal. It names assets
    and carries none. Yield `Removed` for one that was archived, untagged or deleted.
    """
