"""Metadata of a connector's config: it is added to what the plugin's `transform` and `push` return."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from damlink._config.metadata import MetadataConfig
from damlink._config.parse import SecretOpener, parse
from damlink._config.tables import ConnectorConfig
from damlink._model import Finding, PreparedAsset, PushResult, Removed, Skip, SourceAsset
from damlink.errors import BynderError, DamlinkError
from damlink.hookspecs import hookimpl

if TYPE_CHECKING:
    from damlink._context import Context

__all__ = ["Metadata", "describe_metadata", "read_metadata"]


def read_metadata(config: ConnectorConfig, open_secret: SecretOpener) -> MetadataConfig:
    """Return the metadata of a connector's config."""
    return parse(MetadataConfig, config.metadata, f"{config.place}.metadata", open_secret)


def describe_metadata(config: MetadataConfig) -> str:
    """Return in one line what each asset gets."""
    given = {"name": config.name, "tags": ", ".join(config.tags), "collection": config.collection}
    values = [f"{name} {value!r}" for name, value in given.items() if value]
    values += [f"{name} = {value!r}" for name, value in (config.metaproperties or {}).items()]
    values += [f"{name} from {field}" for name, field in (config.fields or {}).items()]
    return ", ".join(values)


@attrs.frozen
class Metadata:
    """Hook wrappers that apply the metadata of a connector's config; it replaces the plugin's."""

    config: MetadataConfig
    # Id by name; it is looked up for the first asset.
    _collections: dict[str, str] = attrs.field(factory=dict, init=False)

    @hookimpl(wrapper=True)
    def transform(
        self, ctx: Context, source: SourceAsset
    ) -> Generator[None, PreparedAsset | Removed | Skip, PreparedAsset | Removed | Skip]:
        """Change name, tags and metaproperties."""
        prepared = yield
        if not isinstance(prepared, PreparedAsset):
            return prepared
        # A collection that does not exist is noticed before anything is uploaded.
        self._find_collection(ctx)
        return self._apply(prepared, source)

    @hookimpl(wrapper=True)
    def push(
        self, ctx: Context, prepared: PreparedAsset | Removed
    ) -> Generator[None, PushResult | Removed, PushResult | Removed]:
        """Add the asset to the collection. A crash in between repeats both, without harm."""
        result = yield
        # Of a wrong type it is refused afterwards: something may have been delivered.
        is_delivered = isinstance(prepared, PreparedAsset) and self.config.collection
        if is_delivered and isinstance(result, PushResult) and result.target_id:
            ctx.bynder.collections.add_media(self._find_collection(ctx), asset_ids=[result.target_id])
        return result

    def check(self, ctx: Context) -> Iterator[Finding]:
        """Yield for each metaproperty, and for the collection, whether the portal has it."""
        for name in (*(self.config.metaproperties or ()), *(self.config.fields or ())):
            yield _find(f"metaproperty {name}", lambda name=name: ctx.bynder.metaproperties.get(name).label)
        if self.config.collection:
            yield _find("collection", lambda: self._find_collection(ctx))

    def _apply(self, prepared: PreparedAsset, source: SourceAsset) -> PreparedAsset:
        config, record = self.config, source.raw
        own = {name: _value(record, field) for name, field in (config.fields or {}).items()}
        metaproperties = {
            **prepared.metaproperties,
            **{name: value for name, value in own.items() if value},
            **(config.metaproperties or {}),
        }
        values = {
            "name": prepared.name,
            "title": source.title,
            "source_id": source.source_id,
            "filename": prepared.content.filename,
        }
        name = config.fill_name(lambda key: values.get(key) or _text(record, key.removeprefix("raw.")))
        return attrs.evolve(
            prepared,
            name=name.strip() or prepared.name,
            tags=tuple(dict.fromkeys((*prepared.tags, *config.tags))),
            metaproperties=metaproperties,
        )

    def _find_collection(self, ctx: Context) -> str:
        wanted = self.config.collection
        if wanted and wanted not in self._collections:
            collections = ctx.bynder.collections
            ids = {each.id for each in collections.list() if wanted in (each.id, each.name)}
            if len(ids) != 1:
                said = "no collection" if not ids else f"{len(ids)} collections with the name"
                hint = "correct `collection`; an id is clear in any case"
                raise BynderError(f"the portal has {said} {wanted!r}", hint=hint)
            self._collections[wanted] = ids.pop()
        return self._collections.get(wanted, "")


def _find(what: str, look: Any) -> Finding:
    try:
        return Finding(what, f"{look()}")
    except DamlinkError as error:
        return Finding.from_error(what, error)


def _value(record: Mapping[str, Any], field: str) -> str | list[str]:
    """Return the text, or the texts, of a field such as `artist.name`; empty if there are none."""
    found: Any = record
    for name in field.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, list):
        return [f"{each}" for each in found if each is not None and not isinstance(each, Mapping | list)]
    return "" if found is None or isinstance(found, Mapping) else f"{found}"


def _text(record: Mapping[str, Any], field: str) -> str:
    value = _value(record, field)
    return value if isinstance(value, str) else ", ".join(value)
