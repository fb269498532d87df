"""Records that the core and a plugin exchange. Frozen, without I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs

from damlink._secret import redact
from damlink._system.keepable import show

if TYPE_CHECKING:
    from damlink._content import Content
    from damlink.errors import DamlinkError

__all__ = [
    "About",
    "Cursor",
    "Estimate",
    "Event",
    "Finding",
    "LedgerEntry",
    "PreparedAsset",
    "PushResult",
    "Removed",
    "Skip",
    "SourceAsset",
]


def _tags(values: Iterable[str]) -> tuple[str, ...]:
    return _texts("tags", values)


def _permissions(values: Iterable[str]) -> tuple[str, ...]:
    return _texts("permissions", values)


def _texts(field: str, values: Any) -> tuple[str, ...]:
    """Return the texts of a field as a tuple.

    Raises:
        TypeError: the value is one text, or no list; names the field and what to write.
    """
    if isinstance(values, str):
        found = f"{values!r:.80}"
        raise TypeError(f"{field}: expected a list of texts, got the text {found}; write [{found}]")
    if not isinstance(values, Iterable) or isinstance(values, Mapping | bytes | bytearray):
        raise TypeError(f"{field} is {show(values)}; write a list of texts")
    return tuple(values)


JSONObject = Mapping[str, Any]  # kept as it came: JSON by contract, of any shape


@attrs.frozen(kw_only=True)
class About:
    """Description of a plugin, by the plugin itself.

    Attributes:
        title: the partner's name as people write it.
        summary: one sentence.
        every: how often a connector should run, such as `2h`; `None`: only on demand.
        permissions: of the portal's user, in Bynder's words.
        once_per_portal: skip an asset that another connector of the same plugin and portal has uploaded;
            wait while that connector carries it, is uncertain about it, or has a checkpoint of it.
        adopt_tag: a tag on every asset that the plugin uploads; the first run finds by it the assets
            that are in the portal already.
        uploads: whether it uploads assets into the portal; if not, no brand is needed.
        exclusive: settings whose value no two connectors of the plugin and portal may share, each with
            the setting that switches it on.
    """

    title: str
    summary: str
    every: str | None = None
    permissions: tuple[str, ...] = attrs.field(default=(), converter=_permissions)
    once_per_portal: bool = False
    adopt_tag: str | None = None
    uploads: bool = True
    exclusive: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class SourceAsset:
    """Asset that a connector may have to carry, as its source lists it.

    Attributes:
        source_id: stable and unique within the connector; 1 to 1,024 bytes of text.
        fingerprint: changes when the asset must be carried again.
        title: for people; of a long one the first 1,000 characters are kept.
        raw: the source's own record: JSON of at most 64 KiB, without secrets, addresses that expire, and
            personal data that `transform` does not need; it may need the credit for the copyright. It is kept
            in the ledger.
    """

    source_id: str
    fingerprint: str
    title: str = ""
    raw: JSONObject = attrs.field(factory=dict)


@attrs.frozen
class Cursor:
    """Position in a listing: everything yielded before it has been listed.

    Attributes:
        value: text without NUL and half surrogates; it comes back as `since`.
    """

    value: str


@attrs.frozen
class PreparedAsset:
    """Asset that is ready to be delivered, independent of the target.

    Attributes:
        content: the bytes.
        name: what people see.
        tags: without duplicates; a tag may hold a comma.
        metaproperties: values by a metaproperty's name or label; a list for several.
        content_fingerprint: changes with the bytes, and not with the metadata, such as a checksum. If it is
            that of the last push, only metadata has changed; see `is_content_of`. Empty: not known.
    """

    content: Content
    name: str
    description: str = ""
    copyright: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), converter=_tags)
    metaproperties: Mapping[str, str | list[str]] = attrs.field(factory=dict)
    content_fingerprint: str = attrs.field(default="", kw_only=True)

    def is_content_of(self, previous: PushResult | None) -> bool:
        """Return whether the last push has delivered these very bytes, so that only metadata has changed."""
        known = previous.content_fingerprint if previous else None
        return bool(self.content_fingerprint) and self.content_fingerprint == known


@attrs.frozen
class Skip:
    """Decision not to carry an asset; not an error."""

    reason: str


@attrs.frozen
class Removed:
    """Asset that its source no longer offers: archived, untagged or deleted there.

    The listing or `on_event` yields it, or `transform` returns it. Then `push` receives it in place of a
    `PreparedAsset`, if anything of the asset is at the target, and decides what happens there: it returns the
    `Removed` if the asset is gone from the target as well, or a `PushResult` if the target keeps it.

    Attributes:
        source_id: of the `SourceAsset`.
        reason: for people, such as "archived"; of a long one the first 200 characters are kept.
    """

    source_id: str
    reason: str = ""


@attrs.frozen
class PushResult:
    """Result of a delivery to the target.

    Attributes:
        target_id: the asset's id there; empty if the target gives none.
        url: where a person finds it.
        fingerprint_after: the fingerprint that our own write causes at the source.
        notice: something a person should know, such as "may have been charged twice".
        detail: values that the plugin reads again as `previous`: JSON of at most 1 MiB.
        content_fingerprint: of the bytes delivered; that of the `PreparedAsset` if not given.

    A value that cannot be stored is converted, and the notice names it; without a target id that can be
    stored the row is `uncertain`.
    """

    target_id: str
    url: str | None = None
    fingerprint_after: str | None = None
    notice: str = ""
    detail: JSONObject = attrs.field(factory=dict)
    content_fingerprint: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True)
class LedgerEntry:
    """Entry of the ledger on one source asset, as `ctx.ledger` shows it.

    Attributes:
        state: such as `pushed`, `due` or `removed`.
        fingerprint: of what was carried last; empty if nothing was.
        result: of the last push, if something of the asset is at the target.
        updated_at: time of the last change.
    """

    source_id: str
    title: str
    state: str
    fingerprint: str
    result: PushResult | None
    updated_at: datetime

    @property
    def target_id(self) -> str:
        """The asset's id at the target; empty if there is none."""
        return self.result.target_id if self.result else ""


@attrs.frozen
class Event:
    """One verified notification of a portal, with the asset already read.

    Attributes:
        kind: Bynder's event name, such as `asset_bank.media.meta_updated`.
        asset_id: the asset's id, also if the asset is gone.
        asset: the asset as the portal shows it now, or `None` if it is gone.
        portal: the portal's name in the config.
        occurred_at: when it happened, by the portal.
        raw: the notification's own message.
    """

    kind: str
    asset_id: str
    asset: JSONObject | None
    portal: str
    occurred_at: datetime
    raw: JSONObject = attrs.field(factory=dict)


def _amounts(values: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(values, Mapping):
        raise TypeError(f'spends is {show(values)}; write {{"what": number}}')
    return {str(what): float(amount) for what, amount in values.items()}


@attrs.frozen(kw_only=True)
class Estimate:
    """Cost of carrying one asset, for a plan.

    Attributes:
        size: of the file that is delivered, in bytes; `None`: not known.
        skip: why `transform` would skip the asset, as known without asking anybody; empty: it would not.
        spends: what the partner charges, such as `{"credits": 3}`.
    """

    size: int | None = attrs.field(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    skip: str = attrs.field(default="", validator=attrs.validators.instance_of(str))
    spends: Mapping[str, float] = attrs.field(factory=dict, converter=_amounts)


@attrs.frozen
class Finding:
    """Result of one step of a check: fine, or an error with its remedy.

    Attributes:
        what: the subject, in a word or two.
        detail: the result, in one line.
        error: the failure, or `None`; its exit code becomes the command's.
    """

    what: str
    detail: str = attrs.field(converter=redact)
    error: DamlinkError | None = None

    @classmethod
    def from_error(cls, what: str, error: DamlinkError) -> Finding:
        """Return the finding of a step that failed; the error's text is its detail."""
        return cls(what, str(error), error)

    @property
    def ok(self) -> bool:
        """True if there is no error."""
        return self.error is None
