from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import loads
from damlink._run.session import Session
from damlink._serve.intake import EventIntake


@pytest.fixture
def session(tables: dict[str, Any], tmp_path: Path) -> Iterator[Session]:
    with Session(loads(document(tables), tmp_path / "damlink.toml")) as opened:
        yield opened


def test_intake_when_without_addresses_makes_none_and_takes_portals_with_a_queue(session: Session) -> None:
    intake = EventIntake(session, has_addresses=False)
    assert intake.receiver.endpoints == {}
    brand = session.config.portals["brand"]
    queued = attrs.evolve(brand, table={**brand.table, "event_queue": "http://127.0.0.1:9/1/events"})
    session.follow(attrs.evolve(session.config, portals={**session.config.portals, "brand": queued}))
    assert intake.follow() == []
    assert intake.receiver.authenticate("brand", "") is None
    assert [*intake.receiver.endpoints] == ["brand"]
    assert session.secrets.get("events.brand") is None
