"""Records of a portal other than its assets: the orders of its Brandstore, and its webhooks."""

from __future__ import annotations

from datetime import datetime

import attrs


@attrs.define
class Line:
    """A line of an order."""

    id: str
    name: str
    quantity: int
    price: float
    status: str = "unknown"
    customer_reference: str | None = None


@attrs.define
class Order:
    """An order; `id` is in upper case 8-4-4-16, as its own address has it."""

    id: str
    reference: str
    created: datetime
    username: str
    lines: list[Line]
    status: str = "IN_PROGRESS"
    currency: str = "8364"
    message: str = ""
    tracking_number: str = ""


@attrs.define
class Webhook:
    """A configuration; `subscription` is the broker's id while there is one."""

    id: str
    name: str
    endpoint: str
    protocol: str
    events: tuple[str, ...]
    days: int | None = None
    active: bool = True
    subscription: str = ""
