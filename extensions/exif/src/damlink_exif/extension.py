"""The extension `exif`: it adds metaproperties to what a plugin's `transform` returns."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping

import attrs

from damlink import Context, Finding, PreparedAsset, Skip, hookimpl, setting
from damlink.errors import DamlinkError
from damlink_exif.fields import TAGS, read_fields

__all__ = ["Exif"]

_Value = str | list[str]


@attrs.frozen
class Exif:
    """Settings of the extension, with the hook that it wraps."""

    fields: tuple[str, ...] = setting(
        help="EXIF fields, each with the metaproperty it goes to, such as `Artist=photographer`."
    )
    overwrite: bool = setting(
        default=False, help="Whether a field replaces a value that the plugin gives the same metaproperty."
    )

    def __attrs_post_init__(self) -> None:
        for text in self.fields:
            field, _, metaproperty = text.partition("=")
            if field.strip() not in TAGS:
                raise ValueError(f"fields: {field.strip()!r} is no field of EXIF; an example is Artist")
            if not metaproperty.strip():
                raise ValueError(f"fields: {text!r} names no metaproperty; write {field.strip()}=NAME")

    @property
    def targets(self) -> Iterator[tuple[str, str]]:
        """EXIF fields with their metaproperties."""
        for text in self.fields:
            field, _, metaproperty = text.partition("=")
            yield field.strip(), metaproperty.strip()

    @hookimpl(wrapper=True)
    def transform(self, ctx: Context) -> Generator[None, PreparedAsset | Skip, PreparedAsset | Skip]:
        """Add the fields of the image to its metaproperties."""
        prepared = yield
        if not isinstance(prepared, PreparedAsset):
            return prepared
        found = read_fields(prepared.content)
        ctx.log.debug("%s: %d EXIF fields", prepared.content.filename, len(found))
        own = {name: found[field] for field, name in self.targets if field in found}
        return attrs.evolve(prepared, metaproperties=self._merge(prepared.metaproperties, own))

    def _merge(self, given: Mapping[str, _Value], own: Mapping[str, str]) -> dict[str, _Value]:
        return {**given, **own} if self.overwrite else {**own, **given}

    def check(self, ctx: Context) -> Iterator[Finding]:
        """Yield for each metaproperty whether the portal has it."""
        for field, name in self.targets:
            try:
                ctx.bynder.metaproperties.get(name)
            except DamlinkError as error:
                yield Finding.from_error(f"EXIF {field}", error)
            else:
                yield Finding(f"EXIF {field}", f"goes to {name}")
