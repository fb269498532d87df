"""Records of the store: orders and their lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from damlink.bynder.records.record import Key, Record

__all__ = ["Order", "OrderLine"]


@attrs.frozen(kw_only=True, slots=False)
class Order(Record):
    """An order of the store.

    Attributes:
        status: a text for people in a list; a constant such as `IN_PRODUCTION` in the order's info.
    """

    # The portal uses other names in a list than in the order's info.
    id: str
    reference: Annotated[str, Key("order_ref", "orderReference")]
    status: Annotated[str, Key("order_status", "status")]
    created: Annotated[datetime | None, Key("date_created", "dateCreated")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class OrderLine(Record):
    """A product of an order; nearly every field may be missing."""

    id: str
    order_id: str
    name: str
    status: str
    quantity: int
    raw: Mapping[str, Any] = attrs.field(repr=False)
