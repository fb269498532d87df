"""Metaproperties: read by name or label, written by id.

Source: api.bynder.com, "Metaproperties", "Smartfilters".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink._system.suggest import suggest
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_object, expect_records, get_body
from damlink.bynder._fields import bynder_names, fields, text_of
from damlink.bynder._listing import Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import remove, segment
from damlink.bynder.records.convert import ids as ids_of
from damlink.bynder.records.metaproperties import Metaproperty, Smartfilter
from damlink.bynder.resources.catalogue import Catalogue
from damlink.bynder.resources.options import Options, json_fields
from damlink.errors import BynderError, UnclearError

__all__ = ["Metaproperties"]

PATH: Final = "/api/v4/metaproperties/"


class Traits(TypedDict, total=False):
    """Behaviour of a metaproperty.

    Args:
        labels: labels by language, such as `fr_FR`.
        zindex: position among the metaproperties.
        is_editable: whether people may change the value.
        is_filterable: whether people may filter by it.
        is_mainfilter: whether it is one of the main filters.
        is_multiselect: whether an asset may have several options.
        is_required: whether every asset must have a value.
        is_multifilter: whether people may filter by several options.
        is_drilldown: whether its options are shown as a tree.
        is_display_field: whether it is shown with an asset.
        is_api_field: whether the API returns it.
    """

    labels: Mapping[str, str] | None
    zindex: int | None
    is_editable: bool | None
    is_filterable: bool | None
    is_mainfilter: bool | None
    is_multiselect: bool | None
    is_required: bool | None
    is_multifilter: bool | None
    is_drilldown: bool | None
    is_display_field: bool | None
    is_api_field: bool | None


class Metaproperties:
    """Metaproperties: the fields of assets that a portal defines.

    Lookups by name use a cache, which is cleared by each change.

    Example:
        print([option.name for option in portal.metaproperties.get("Shade").options])
    """

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._catalogue = Catalogue(lambda: self.list(options=True))
        options.on_change = self._catalogue.forget

    @action("List Metaproperties")
    def list(
        self,
        *,
        count: bool = False,
        type: Sequence[str] | None = None,
        options: bool = False,
        ids: Sequence[str] | None = None,
    ) -> Records[Metaproperty]:
        """List the metaproperties.

        Args:
            count: include the number of assets with each option; requires `options`.
            type: count only assets of these types: `image`, `document`, `audio`, `video`, `3d`.
            options: include the options of each.
            ids: only metaproperties with these ids; unknown ones are ignored.
        """
        query = {"count": count or None, "type": type, "options": options, "ids": ids}
        answer = get_body(self._client, PATH, expect_records, **fields(query))
        # The keys of the object differ in case from the names, so they are ignored.
        return Records(map(Metaproperty.read, answer))

    @action()
    def get(self, name: str) -> Metaproperty:
        """Get a metaproperty with its options; earlier answers are reused.

        Args:
            name: database name, label or id.

        Raises:
            BynderError: it does not exist.
        """
        return self._catalogue.get(name)

    def find(self, name: str) -> Metaproperty | None:
        """Return a metaproperty with its options; `None` if it does not exist.

        Args:
            name: database name, label or id.
        """
        return self._catalogue.find(name)

    @action()
    def read(
        self,
        id: str,
        *,
        count: bool = False,
        type: Sequence[str] | None = None,
        options: bool = True,
    ) -> Metaproperty:
        """Read a metaproperty from the portal.

        Args:
            id: of the metaproperty.
            count: include the number of assets with each option.
            type: count only assets of these types.
            options: include its options.

        Raises:
            BynderError: status 404: the metaproperty does not exist.
        """
        query = fields({"count": count or None, "type": type, "options": options})
        return Metaproperty.read(get_body(self._client, _path(id), expect_object, **query))

    @action()
    def create(
        self,
        *,
        name: str,
        label: str | None = None,
        type: str = "text",
        extra: Mapping[str, Any] | None = None,
        **traits: Unpack[Traits],
    ) -> str:
        """Create a metaproperty and return its id.

        Args:
            name: database name, without spaces and special characters; never changes.
            label: text that people see.
            type: `text`, `longtext`, `date`, `select`, `select2`, `autocomplete`, …
            extra: more fields, by Bynder's own names.
            traits: see `Traits`.

        Raises:
            BynderError: status 400: the type does not exist, or the name is taken.
            UnclearError: it is not known whether the metaproperty was created.
        """
        given = {"name": name, "label": label, "type": type, **bynder_names(traits)}
        try:
            data = json_fields(given, extra)
            return post_once(self._client, PATH, lambda answer: id_of(answer, "id"), data=data)
        finally:
            # After an unclear answer the portal may have the metaproperty as well.
            self._catalogue.forget()

    @action()
    def modify(
        self,
        id: str,
        *,
        label: str | None = None,
        type: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **traits: Unpack[Traits],
    ) -> None:
        """Change a metaproperty. Omitted fields and its name stay as they are. Safe to repeat.

        Args:
            id: of the metaproperty.
            label: text that people see.
            type: change between a type with a single option and one with several.
            extra: more fields, by Bynder's own names.
            traits: see `Traits`.

        Raises:
            BynderError: status 404: the metaproperty does not exist.
        """
        given = {"label": label, "type": type, **bynder_names(traits)}
        self._client.post(_path(id), data=json_fields(given, extra), idempotent=True)
        self._catalogue.forget()

    @action()
    def delete(self, id: str) -> None:
        """Delete a metaproperty and its values on every asset.

        Args:
            id: of the metaproperty.
        """
        remove(self._client, _path(id))
        self._catalogue.forget()

    @action()
    def ensure(self, name: str, *, type: str = "text", label: str | None = None) -> Metaproperty:
        """Get the metaproperty with a name or label; create it if it does not exist.

        Args:
            name: database name or label; special characters become `_` in the database name of a new one.
            type: of a new metaproperty.
            label: of a new metaproperty; its name by default.

        Raises:
            BynderError: it accepts other values, or the user may not create one.
        """
        wanted = _database_name(name)
        found = self._catalogue.find(name, wanted) or self._create_missing(name, wanted, type, label or name)
        if not found.is_like(type):
            hint = f"choose one of the type {type}, or a name that is free"
            raise BynderError(f"the portal's metaproperty {name!r} is of the type {found.type}", hint=hint)
        return found

    def _create_missing(self, name: str, wanted: str, type: str, label: str) -> Metaproperty:
        # The lock keeps two threads from creating the same metaproperty.
        with self._catalogue.lock:
            found = self._catalogue.find(name, wanted)
            if found is not None:
                return found
            try:
                self.create(name=wanted, label=label, type=type, is_editable=True, is_api_field=True)
            except (BynderError, UnclearError):
                found = self._catalogue.find(name, wanted)
                if found is None:
                    raise
                # Another client created it first, or our answer was lost.
                return found
            return self._catalogue.get(wanted)

    @action()
    def smartfilters(self) -> Records[Smartfilter]:
        """List the smartfilters: groups of metaproperties that people can filter by."""
        return Records(map(Smartfilter.read, get_body(self._client, "/api/v4/smartfilters/", expect_records)))

    @action()
    def dependencies(self, id: str) -> Records[str]:
        """List the ids that a metaproperty depends on.

        Args:
            id: of the metaproperty.
        """
        return Records(ids_of(get_body(self._client, f"{_path(id)}dependencies/", expect_ids)))

    def form(
        self, values: Mapping[str, str | Iterable[str]], *, create_options: bool = False
    ) -> dict[str, str]:
        """Return form fields for values: `metaproperty.ID` with ids of options or text.

        Args:
            values: by name, label or id of the metaproperty; names, labels or ids of options, or
                text. An empty value clears it.
            create_options: create options that a metaproperty does not have yet.

        Raises:
            BynderError: a metaproperty or option does not exist, or only one option is allowed.
        """
        return dict(self._field(name, value, create_options) for name, value in values.items())

    def _field(self, name: str, value: str | Iterable[str], create_options: bool) -> tuple[str, str]:
        metaproperty = self.get(name)
        words = [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
        chosen = [word for word in map(text_of, words) if word]
        if metaproperty.takes_options:
            if len(chosen) > 1 and metaproperty.is_single:
                message = f"the metaproperty {metaproperty.name!r} takes one option, not {', '.join(chosen)}"
                raise BynderError(message, hint="give one, or let it take several in the portal")
            chosen = [self._option_id(name, each, create_options) for each in dict.fromkeys(chosen)]
        return f"metaproperty.{metaproperty.id}", ",".join(chosen)

    def _option_id(self, name: str, wanted: str, create_options: bool) -> str:
        found = self._catalogue.option(name, wanted)
        if found is not None:
            return found.id
        metaproperty = self.get(name)
        if create_options:
            return self._options.create(metaproperty.id, name=wanted, label=wanted)
        hint = suggest(wanted, (option.name for option in metaproperty.options))
        raise BynderError(f"the metaproperty {metaproperty.name!r} has no option {wanted!r}", hint=hint)


def _path(id: str) -> str:
    return f"{PATH}{segment(id)}/"


def _database_name(name: str) -> str:
    """Return a name without special characters; a checksum keeps names in other scripts distinct."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII)
    return plain if name.isascii() else f"{plain}_{zlib.crc32(name.encode()):08x}"
