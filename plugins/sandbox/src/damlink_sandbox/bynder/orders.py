"""Brandstore orders. Source: Bynder's published definition of the Brandstore."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.portal import Portal, json_object, number
from damlink_sandbox.bynder.records import Line, Order
from damlink_sandbox.bynder.workflow import workflow_id
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_PATH = "/api/store/order"
_READ, _WRITE = "brandstore.order:read", "brandstore.order:write"
_VIEW, _EDIT = "brandstore.orderadmin.view", "brandstore.orderadmin.edit"
# The length of a page is fixed.
_PAGE = 10
STATUSES = frozenset(
    """
    IN_PROGRESS CANCELED FAILED WAITING_FOR_PAYMENT FOR_ORDER IN_PRODUCTION PRODUCTION_SUSPENDED
    OUT_FOR_DELIVERY FINISHED
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes=_READ, roles=_VIEW)
def _list(portal: Portal, call: Call) -> Answer:
    # The order is assumed.
    newest = sorted(portal.orders.values(), key=lambda order: order.created, reverse=True)
    page = number(call.query.get("page"), 1)
    return json_answer(200, [_render_in_list(one) for one in newest[(page - 1) * _PAGE : page * _PAGE]])


def _render_in_list(order: Order) -> dict[str, Any]:
    return {
        "id": workflow_id(order.id),
        "order_ref": order.reference,
        "net_price": round(sum(line.price * line.quantity for line in order.lines), 2),
        "date_created": f"{order.created:%Y-%m-%dT%H:%M:%S+00:00}",
        "username": order.username,
        "account_name": "Sandbox portal",
        "order_status": order.status.replace("_", " ").capitalize(),
        "currency_symbol": order.currency,
    }


@routes.add(f"GET {_PATH}/{{id}}", scopes=_READ, roles=_VIEW)
def _info(portal: Portal, call: Call) -> Answer:
    order = _find(portal, call)
    shown = {
        "id": order.id,
        "dateCreated": f"{order.created:%Y-%m-%dT%H:%M:%SZ}",
        "status": order.status,
        "orderReference": order.reference,
    }
    return json_answer(200, shown)


@routes.add(f"GET {_PATH}/{{id}}/products", scopes=_READ, roles=_EDIT)
def _products(portal: Portal, call: Call) -> Answer:
    order = _find(portal, call, by_number=True)
    return json_answer(200, [_line(order, line) for line in order.lines])


@routes.add(f"POST {_PATH}/{{id}}", scopes=_WRITE, roles=_EDIT)
@routes.add(f"POST {_PATH}/{{id}}/products", scopes=_WRITE, roles=_EDIT)
def _modify(portal: Portal, call: Call) -> Answer:
    order, fields = _find(portal, call, by_number=True), call.form()
    if fields.get("status", order.status) not in STATUSES:
        raise _refusal(400, "Invalid status")  # assumed
    order.status = fields.get("status", order.status)
    order.message = fields.get("message", order.message)
    order.tracking_number = fields.get("trackingnumber", order.tracking_number)
    return _answer_created()


@routes.add("GET /api/store/orderproducts/{id}", scopes=_READ, roles=_VIEW)
def _one_line(portal: Portal, call: Call) -> Answer:
    order, line = _find_line(portal, call)
    shown = {
        "id": line.id,
        "status": line.status,
        "orderId": workflow_id(order.id),
        "customerReference": line.customer_reference,
    }
    return json_answer(200, shown)


@routes.add("PATCH /api/store/orderproducts/{id}", scopes=_WRITE, roles=_EDIT)
def _modify_line(portal: Portal, call: Call) -> Answer:
    line, data = _find_line(portal, call)[1], json_object(call)
    if data is None or data.get("status", "approved") not in ("approved", "rejected"):
        raise _refusal(400, "Invalid status")  # assumed
    line.status = data.get("status", line.status)
    line.customer_reference = data.get("customerReference", line.customer_reference)
    return _answer_created()


def _find(portal: Portal, call: Call, *, by_number: bool = False) -> Order:
    """Find an order by id in either shape, since both are published; where other connectors do so, by order
    number too.
    """
    given = call.params["id"]
    for order in portal.orders.values():
        if given.lower() in (order.id.lower(), workflow_id(order.id)) or (
            by_number and given == order.reference
        ):
            return order
    # The text is assumed.
    raise _refusal(404, "Order not found")


def _find_line(portal: Portal, call: Call) -> tuple[Order, Line]:
    for order in portal.orders.values():
        for line in order.lines:
            if line.id == call.params["id"].lower():
                return order, line
    # The text is assumed.
    raise _refusal(404, "Order line not found")


def _line(order: Order, line: Line) -> dict[str, Any]:
    unknown = ("supplier_number", "countries", "pages", "language")
    product = {
        **dict.fromkeys(unknown), "id": line.id, "name": line.name, "description": "", "isFeatured": False,
        "product_number": "1000", "size_height": 1, "size_width": 1, "size_depth": 1, "weight": 1,
        "min_quantity": 1, "max_quantity": 10, "default_quantity": 1,
        "datecreated": f"{order.created:%Y-%m-%dT%H:%M:%S+00:00}", "isActive": True, "product_type": "print",
        "product_package": "unit", "sku": "1", "step": 1, "display_length_unit": "cm", "isFree": False,
        "isShipping": False,
    }  # fmt: skip
    return {
        "id": line.id, "orderId": workflow_id(order.id), "product": product, "referenceId": "1000",
        "name": line.name, "description": None, "itemPrice": line.price, "quantity": line.quantity,
        "supplier": None, "customerReference": line.customer_reference, "metaproperties": None,
    }  # fmt: skip


def _answer_created() -> Answer:
    return json_answer(201, {"message": "Created", "status_code": 201})


def _refusal(status: int, message: str) -> Refusal:
    """Return an error. The Brandstore spells it with an underscore. Source: Bynder's published definition."""
    return Refusal(json_answer(status, {"message": message, "status_code": status}))
