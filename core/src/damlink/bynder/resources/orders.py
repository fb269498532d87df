"""Orders of the store.

Source: Bynder's published definition of the Brandstore.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._fields import fields
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page, get_page, walk
from damlink.bynder._request import omit_none, patch, post_either, segment
from damlink.bynder.records.store import Order, OrderLine
from damlink.bynder.resources.resource import Resource
from damlink.errors import ArgumentError

__all__ = ["Orders"]

PATH: Final = "/api/store/order"
LINES: Final = "/api/store/orderproducts"
# The portal fixes the size of a page.
PAGE: Final = 10

Status = Literal[
    "IN_PROGRESS",
    "CANCELED",
    "FAILED",
    "WAITING_FOR_PAYMENT",
    "FOR_ORDER",
    "IN_PRODUCTION",
    "PRODUCTION_SUSPENDED",
    "OUT_FOR_DELIVERY",
    "FINISHED",
]


class Orders(Resource):
    """Orders of the store.

    Example:
        for order in portal.orders.list():
            print(order.id)
    """

    @action("List Orders")
    def list(self) -> Listing[Order]:
        """List orders page by page, ten in each request."""
        return walk(self._page, PAGE)

    @action()
    def page(self, *, page: int = 1) -> Page[Order]:
        """Get one page of at most ten orders.

        Args:
            page: number of the page, counted from 1.
        """
        return self._page(page)

    def _page(self, page: int) -> Page[Order]:
        return get_page(self._client, f"{PATH}/", Order.read, {"page": page})

    @action("Get Order")
    def get(self, id: str | None = None, *, order_number: str | None = None) -> Records[OrderLine]:
        """Get the lines of an order.

        Args:
            id: of the order.
            order_number: number of the order that people use, instead of its id.

        Raises:
            ArgumentError: both or none of the arguments are given.
            BynderError: status 404: the order does not exist.
        """
        if bool(id) == bool(order_number):
            raise ArgumentError("an order is named by its id or by its number, and by one of them only")
        path = f"{PATH}/{segment(id or order_number or '')}/products"
        return Records(map(OrderLine.read, get_body(self._client, path, expect_records)))

    @action("Get Order Info")
    def info(self, id: str) -> Order:
        """Get the data of an order, without its lines.

        Args:
            id: of the order.
        """
        return Order.read(get_body(self._client, f"{PATH}/{segment(id)}/", expect_object))

    @action("Update Order")
    def update(
        self,
        id: str,
        *,
        status: Status | None = None,
        message: str | None = None,
        tracking_number: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Change an order. Safe to repeat.

        Args:
            id: of the order.
            status: new status.
            message: to the person who ordered.
            tracking_number: of the delivery, or a link to it.
            extra: more fields, by Bynder's own names.
        """
        form = fields({"status": status, "message": message, "trackingnumber": tracking_number}, extra)
        # Other clients use the second path, which is not published.
        path = f"{PATH}/{segment(id)}"
        post_either(self._client, f"{path}/products", path, data=form)

    @action()
    def line(self, id: str) -> OrderLine:
        """Get a line of an order.

        Args:
            id: of the line.
        """
        return OrderLine.read(get_body(self._client, f"{LINES}/{segment(id)}", expect_object))

    @action()
    def update_line(
        self,
        id: str,
        *,
        status: Literal["approved", "rejected"] | None = None,
        customer_reference: str | None = None,
    ) -> None:
        """Approve or reject a line of an order, or store the customer's reference.

        Args:
            id: of the line.
            status: decision about the line.
            customer_reference: reference that the customer uses.
        """
        path = f"{LINES}/{segment(id)}"
        patch(self._client, path, omit_none(status=status, customerReference=customer_reference))
