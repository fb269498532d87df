"""Options of metaproperties, read by cursor from the taxonomy service.

Source: Bynder's published definition of taxonomy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_page, get_body
from damlink.bynder._fields import uuid_of
from damlink.bynder._listing import Listing
from damlink.bynder._pages import Page, walk_cursors
from damlink.bynder._request import omit_none, segment
from damlink.bynder.records.convert import records, text
from damlink.bynder.records.taxonomy import TaxonomyOption
from damlink.bynder.resources.resource import Resource

__all__ = ["Taxonomy"]

PATH: Final = "/api/1/taxonomy/metaproperties"


class Taxonomy(Resource):
    """Options of metaproperties, read by cursor: a list stays complete while options are added.

    Example:
        for option in portal.taxonomy.options(metaproperty):
            print(option.name)
    """

    @action()
    def options(
        self,
        id: str,
        *,
        external_reference: str | None = None,
        ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Listing[TaxonomyOption]:
        """List the options of a metaproperty in the order of their names.

        Args:
            id: of the metaproperty.
            external_reference: only options with this name in another system.
            ids: only options with these ids.
            limit: options in each request; 20 by default.
        """

        def ask(cursor: str | None) -> Page[TaxonomyOption]:
            return self.page(id, start=cursor, external_reference=external_reference, ids=ids, limit=limit)

        return walk_cursors(ask)

    @action()
    def page(
        self,
        id: str,
        *,
        start: str | None = None,
        before: str | None = None,
        external_reference: str | None = None,
        ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Page[TaxonomyOption]:
        """Get one page of the options of a metaproperty, with the cursors of the pages around it.

        Args:
            id: of the metaproperty.
            start: cursor of the first option; not together with `before`.
            before: cursor of the option after the last one.
            external_reference: only options with this name in another system.
            ids: only options with these ids.
            limit: options on the page; 20 by default.
        """
        query: dict[str, Any] = {"start": start, "before": before, "limit": limit}
        query |= {"externalReference": external_reference, "ids": [*map(uuid_of, ids)] if ids else None}
        path = f"{PATH}/{segment(uuid_of(id))}/options"
        return _read(get_body(self._client, path, expect_page("options"), **omit_none(**query)))


def _read(answer: Any) -> Page[TaxonomyOption]:
    """Return a page; an answer without cursors has no other page."""
    body = answer if isinstance(answer, Mapping) else {"options": answer}
    metadata = body.get("metadata")
    cursors = metadata if isinstance(metadata, Mapping) else {}
    return Page(
        items=tuple(map(TaxonomyOption.read, records(body["options"]))),
        next_cursor=text(cursors.get("nextPage")) or None,
        previous_cursor=text(cursors.get("prevPage")) or None,
    )
