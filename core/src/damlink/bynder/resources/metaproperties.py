"""Metaproperties: read by name or label, written by id.

Source: api.bynder.com, "Metaproperties", "Smartfilters".
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink._system.suggest import suggest
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_object, expect_records, get_body
from damlink.bynder._fields import fields, text_of, typed
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import given, remove, segment
from damlink.bynder.records.convert import ids as ids_of
from damlink.bynder.records.metaproperties import Metaproperty, Smartfilter
from damlink.bynder.resources.catalogue import Catalogue
from damlink.bynder.resources.options import Options
from damlink.errors import BynderError, UnclearError

__all__ = ["Metaproperties"]

PATH: Final = "/api/v4/metaproperties/"


class Traits(TypedDict, total=False):
    """How a metaproperty behaves.

    Args:
        labels: what people see, by language, such as `fr_FR`.
        zindex: its place among the others.
        is_editable: whether people may change it.
        is_filterable: whether people may filter by it.
        is_mainfilter: whether it is one of the main filters.
        is_multiselect: whether an asset may have several options.
        is_required: whether an asset must have it.
        is_multifilter: whether people may filter by several options.
        is_drilldown: whether its options are shown one within another.
        is_display_field: whether it is shown with an asset.
        is_api_field: whether the API shows it.
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

    Those that are looked for by name are read once, and again after each change of ours.
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
    ) -> Sequence[Metaproperty]:
        """Every metaproperty.

        Args:
            count: with how many assets have each option; needs `options`.
            type: count only assets of these types: `image`, `document`, `audio`, `video`, `3d`.
            options: with the options of each.
            ids: only these; unknown ones are passed over.
        """
        query = {"count": count or None, "type": type, "options": options, "ids": ids}
        answer = get_body(self._client, PATH, expect_records, **fields(query))
        # By each one's own name: the keys of the object are known to differ in case.
        return [Metaproperty.read(record) for record in answer]

    @action()
    def get(self, name: str) -> Metaproperty:
        """One metaproperty with its options, as known since it was last read.

        Args:
            name: its database name, label or id.

        Raises:
            BynderError: there is none.
        """
        return self._catalogue.get(name)

    @action()
    def read(
        self,
        id: str,
        *,
        count: bool = False,
        type: Sequence[str] | None = None,
        options: bool = True,
    ) -> Metaproperty:
        """One metaproperty as it is now.

        Args:
            id: of the metaproperty.
            count: with how many assets have each option.
            type: count only assets of these types.
            options: with its options.

        Raises:
            BynderError: status 404: there is none.
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
        """Create a metaproperty, and give its id.

        Args:
            name: its database name, without spaces and special characters; never changes.
            label: what people see.
            type: `text`, `longtext`, `date`, `select`, `select2`, `autocomplete`, …
            extra: further fields, in Bynder's own names.
            traits: see `Traits`.

        Raises:
            BynderError: status 400: of no such type, or the name is taken.
            UnclearError: it may or may not have been created.
        """
        given = {"name": name, "label": label, "type": type, **typed(Traits, traits)}
        try:
            data = _data(given, extra)
            return post_once(self._client, PATH, lambda answer: id_of(answer, "id"), data=data)
        finally:
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
        """Change a metaproperty; what is not given stays. Its name never changes. Safe to repeat.

        Args:
            id: of the metaproperty.
            label: what people see.
            type: from one that takes a single option to one that takes several, or back.
            extra: further fields, in Bynder's own names.
            traits: see `Traits`.

        Raises:
            BynderError: status 404: there is none.
        """
        given = {"label": label, "type": type, **typed(Traits, traits)}
        self._client.post(_path(id), data=_data(given, extra), idempotent=True)
        self._catalogue.forget()

    @action()
    def delete(self, id: str) -> None:
        """Delete a metaproperty, and with it its values on every asset.

        Args:
            id: of the metaproperty.
        """
        remove(self._client, _path(id))
        self._catalogue.forget()

    @action()
    def ensure(self, name: str, *, type: str = "text", label: str | None = None) -> Metaproperty:
        """The metaproperty of this name or label, created if the portal has none.

        Args:
            name: its database name or label; a new one's database name has `_` for what none may hold.
            type: of a new one.
            label: of a new one; its name as given, if not given.

        Raises:
            BynderError: there is one that takes other values, or none may be created.
        """
        wanted = _database_name(name)
        found = self._catalogue.find(name, wanted) or self._created(name, wanted, type, label or name)
        if not found.is_like(type):
            hint = f"choose one of the type {type}, or a name that is free"
            raise BynderError(f"the portal's metaproperty {name!r} is of the type {found.type}", hint=hint)
        return found

    def _created(self, name: str, wanted: str, type: str, label: str) -> Metaproperty:
        with self._catalogue.lock:  # so that two of our threads never both create it
            found = self._catalogue.find(name, wanted)
            if found is not None:
                return found
            try:
                self.create(name=wanted, label=label, type=type, is_editable=True, is_api_field=True)
            except (BynderError, UnclearError):
                found = self._catalogue.find(name, wanted)
                if found is None:
                    raise
                return found  # somebody else was first, or the answer was lost
            return self._catalogue.get(wanted)

    @action()
    def smartfilters(self) -> Sequence[Smartfilter]:
        """The groups of metaproperties that the portal offers as filters."""
        return [
            Smartfilter.read(each) for each in get_body(self._client, "/api/v4/smartfilters/", expect_records)
        ]

    @action()
    def dependencies(self, id: str) -> Sequence[str]:
        """The ids of what a metaproperty depends on.

        Args:
            id: of the metaproperty.
        """
        return ids_of(get_body(self._client, f"{_path(id)}dependencies/", expect_ids))

    def form(
        self, values: Mapping[str, str | Iterable[str]], *, create_options: bool = False
    ) -> dict[str, str]:
        """The form fields that write these values: `metaproperty.ID` with option ids or text.

        Args:
            values: by name, label or id of the metaproperty; names, labels or ids of options, or
                text. An empty value clears it.
            create_options: create the options that a metaproperty does not offer yet.

        Raises:
            BynderError: the portal has no such metaproperty or option, or takes one option only.
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


def _data(fields: Mapping[str, Any], extra: Mapping[str, Any] | None) -> dict[str, str]:
    return {"data": json.dumps(given(**fields) | dict(extra or {}))}


def _path(id: str) -> str:
    return f"{PATH}{segment(id)}/"


def _database_name(name: str) -> str:
    """A name without spaces and specials; two names in another script do not become the same one."""
    plain = re.sub(r"\W+", "_", name, flags=re.ASCII)
    return plain if name.isascii() else f"{plain}_{zlib.crc32(name.encode()):08x}"
