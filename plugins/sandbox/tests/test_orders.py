from __future__ import annotations

from typing import Any

import pytest

PATH = "/api/store/order"


def test_orders_are_listed_ten_at_a_time_newest_first(client: Any) -> None:
    client.control("add_order", times=12)
    pages = [client.portal.get(f"{PATH}/", params={"page": page}).json() for page in "123"]
    assert [len(page) for page in pages] == [10, 2, 0]
    assert pages[0][0]["order_ref"] == "NA00012"


def test_order_shows_its_parts_as_each_call_spells_them(client: Any) -> None:
    lines = [{"name": "Poster", "quantity": 3, "price": 1.5}]
    made = client.control(
        "add_order", reference="NL1", status="FOR_ORDER", lines=lines, created="2025-06-01T08:36:18Z"
    )
    (listed,) = client.portal.get(PATH).json()
    info = client.portal.get(f"{PATH}/{made['id']}/").json()
    (line,) = client.portal.get(f"{PATH}/{made['id']}/products").json()
    assert (listed["order_status"], listed["net_price"], listed["currency_symbol"]) == (
        "For order",
        4.5,
        "8364",
    )
    assert listed["date_created"] == "2025-06-01T08:36:18+00:00"
    assert info == {
        "id": made["id"],
        "dateCreated": "2025-06-01T08:36:18Z",
        "status": "FOR_ORDER",
        "orderReference": "NL1",
    }
    assert (line["orderId"], line["itemPrice"], line["product"]["name"]) == (listed["id"], 1.5, "Poster")


def test_order_when_asked_by_number_or_either_id_is_the_same(client: Any) -> None:
    made = client.control("add_order", reference="NL1")
    listed = client.portal.get(PATH).json()[0]["id"]
    answers = [client.portal.get(f"{PATH}/{key}/products").json() for key in (made["id"], listed, "NL1")]
    assert answers[0] == answers[1] == answers[2]
    assert [client.portal.get(f"{PATH}/{key}").status_code for key in (listed, "NL1")] == [200, 404]


@pytest.mark.parametrize("end", ["", "/products"])
def test_order_when_changed_on_either_path_says_so_with_an_underscore(client: Any, end: str) -> None:
    made = client.control("add_order")
    body = {"status": "FINISHED", "message": "Sent", "trackingnumber": "T1"}
    answer = client.portal.post(f"{PATH}/{made['id']}{end}", data=body)
    assert (answer.status_code, answer.json()) == (201, {"message": "Created", "status_code": 201})
    assert client.state()["orders"] == [{"id": made["id"], **body}]
    wrong = client.portal.post(f"{PATH}/{made['id']}{end}", data={"status": "LOST"})
    assert (wrong.status_code, wrong.json()["status_code"]) == (400, 400)


def test_order_line_when_judged_shows_it(client: Any) -> None:
    made = client.control("add_order")
    line = client.portal.get(f"{PATH}/{made['id']}/products").json()[0]["id"]
    path = f"/api/store/orderproducts/{line}"
    changed = client.portal.patch(path, json={"status": "approved", "customerReference": "C1"})
    shown = client.portal.get(path).json()
    assert (changed.status_code, shown["status"], shown["customerReference"]) == (201, "approved", "C1")
    assert client.portal.patch(path, json={"status": "lost"}).status_code == 400


def test_orders_when_a_right_is_missing_are_denied(client: Any) -> None:
    made = client.control("add_order")
    client.control("roles", roles=["brandstore.orderadmin.view"])
    paths = (PATH, f"{PATH}/{made['id']}", f"{PATH}/{made['id']}/products")
    assert [client.portal.get(path).status_code for path in paths] == [200, 200, 403]
    client.control("scopes", scopes=["brandstore.order:write"])
    assert client.portal.get(PATH).status_code == 403
