"""Uploads that are recorded in a ledger, by one run after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from ledger_rows import claim

from damlink import SourceAsset
from damlink._secrets.crypto import Cipher, new_key
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink_sandbox import Sandbox

NextRun = Callable[[], LedgerCheckpoint]


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> Iterator[None]:
    sandbox.part("bynder").control("lag", {"conversion": 0, "index": 0, "s3": 0})
    yield
    sandbox.world.faults.clear()


@pytest.fixture
def backend() -> str:
    return "sqlite"


@pytest.fixture
def next_run(new_run: Callable[[], Ledger], tag: str) -> NextRun:
    """The checkpoint of the asset, as one more run claims it."""
    cipher = Cipher(new_key(), "a test")
    new_run().record(Listed((SourceAsset(tag, "fingerprint"),)), "")

    def begin() -> LedgerCheckpoint:
        ledger = new_run()
        return LedgerCheckpoint(ledger, claim(ledger), cipher.seal, cipher.open)

    return begin
