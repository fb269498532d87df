"""The portal's JSON about the store as types: orders and their lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from damlink.bynder.records.convert import moment, number, text

__all__ = ["Order", "OrderLine"]


@attrs.frozen(kw_only=True)
class Order:
    """An order of the store.

    Attributes:
        status: as the portal words it: a text for people in a list, `IN_PRODUCTION` in the order's info.
    """

    id: str
    reference: str
    status: str
    created: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Order:
        """From the portal's JSON, which has other keys in a list than in the order's info."""
        return cls(
            id=text(raw.get("id")),
            reference=text(raw.get("order_ref") or raw.get("orderReference")),
            status=text(raw.get("order_status") or raw.get("status")),
            created=moment(raw.get("date_created") or raw.get("dateCreated")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class OrderLine:
    """A product of an order; nearly every field may be missing."""

    id: str
    order_id: str
    name: str
    status: str
    quantity: int
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> OrderLine:
        """From the portal's JSON."""
        return cls(
            id=text(raw.get("id")),
            order_id=text(raw.get("orderId")),
            name=text(raw.get("name")),
            status=text(raw.get("status")),
            quantity=number(raw.get("quantity")),
            raw=raw,
        )
