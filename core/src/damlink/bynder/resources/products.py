"""Product layer: metaproperties that describe products, and their options.

Source: Bynder's published definition of the product layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_object, get_body
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page, get_page, walk
from damlink.bynder._request import omit_none, segment
from damlink.bynder.records.convert import ids
from damlink.bynder.records.services import Product, ProductOption
from damlink.bynder.resources.resource import Resource

__all__ = ["Products"]

PATH: Final = "/api/pim"
# The example of the definition: neither the default nor the maximum is published.
OPTIONS_PAGE: Final = 20

Order = Literal["asc", "desc"]


class Products(Resource):
    """Product layer: metaproperties that describe products, and their options.

    Example:
        for id in portal.products.list():
            print(portal.products.get(id).name)
    """

    @action()
    def list(self) -> Records[str]:
        """List the ids of the metaproperties of the product layer."""
        return Records(ids(get_body(self._client, f"{PATH}/metaproperties", expect_ids)))

    @action()
    def get(self, id: str) -> Product:
        """Get a metaproperty of the product layer, with its options.

        Args:
            id: of the metaproperty.
        """
        return Product.read(get_body(self._client, f"{PATH}/metaproperties/{segment(id)}", expect_object))

    @action()
    def options(
        self, id: str, *, order: Order | None = None, limit: int = OPTIONS_PAGE
    ) -> Listing[ProductOption]:
        """List the options of a metaproperty page by page.

        Args:
            id: of the metaproperty.
            order: `asc` or `desc`.
            limit: options in each request.
        """
        return walk(lambda page: self._page(id, order, page, limit), limit)

    @action()
    def page(
        self, id: str, *, order: Order | None = None, page: int = 1, limit: int | None = None
    ) -> Page[ProductOption]:
        """Get one page of the options of a metaproperty.

        Args:
            id: of the metaproperty.
            order: `asc` or `desc`.
            page: number of the page, counted from 1.
            limit: options on a page; the portal's own number by default.
        """
        return self._page(id, order, page, limit)

    def _page(self, id: str, order: str | None, page: int, limit: int | None) -> Page[ProductOption]:
        query: dict[str, Any] = omit_none(order=order, page=page, limit=limit)
        path = f"{PATH}/metaproperties/{segment(id)}/options"
        return get_page(self._client, path, ProductOption.read, query)

    @action()
    def set_children(self, id: str, *, children: Sequence[str]) -> None:
        """Replace the options that belong to an option. Safe to repeat.

        Args:
            id: of the option.
            children: ids of the options that belong to it.
        """
        self._client.put(f"{PATH}/metapropertyoptions/{segment(id)}", json={"children": [*children]})
