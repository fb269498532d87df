"""Rows of a ledger, as tests look at them."""

from __future__ import annotations

from damlink._state.ledger import Ledger
from damlink._state.rows import Row

__all__ = ["claim", "find"]


def claim(ledger: Ledger) -> Row:
    """Claim the next row, which there must be."""
    row = ledger.claim()
    assert row is not None
    return row


def find(ledger: Ledger, source_id: str = "1") -> Row:
    """Return the row of a source asset."""
    return ledger.find([source_id])[source_id]
