from __future__ import annotations

from typing import Any

from damlink._run.plan import plan_connector
from damlink._run.session import Session


def test_context_when_the_connector_has_delivered_shows_its_ledger(stock: Any) -> None:
    stock.run()
    entry = stock.session.open_connector("stock").context.ledger.find_target("1")
    assert (entry.source_id, entry.state) == ("1", "pushed")


def test_context_when_there_is_no_database_has_an_empty_ledger(stock: Any) -> None:
    with Session(stock.session.config, keeps=False) as session:
        ledger = session.open_connector("stock").context.ledger
        assert (ledger.get("1"), ledger.find_target("1"), list(ledger.list_delivered())) == (None, None, [])
        assert [each.source_id for each in plan_connector(session, "stock").assets] == ["1", "2"]
