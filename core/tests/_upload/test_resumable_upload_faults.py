"""Whose failure it is: the source's, S3's or the portal's; and what each costs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from damlink import Content, Portal, PreparedAsset, Secret
from damlink._checkpoint import FileCheckpoint
from damlink._http.bearer import BearerAuth
from damlink._http.client import Client
from damlink._http.media_kind import WrongKindError
from damlink._http.retry import pause
from damlink.errors import ConnectorError, NotYet, TransientError
from damlink_sandbox import Fault, Sandbox

SIZE = 14_000_000  # three parts
DATA = random.Random(3).randbytes(SIZE)
TIMEOUT = "<Error><Code>RequestTimeout</Code><Message>Your socket was idle</Message></Error>"


@pytest.fixture
def portal(sandbox: Sandbox, hurried: None) -> Iterator[Portal]:
    sandbox.part("bynder").control("lag", {"conversion": 0, "index": 0, "s3": 0})
    sandbox.world.faults.clear()
    auth = BearerAuth(Secret(sandbox.part("bynder").token))
    with Portal(sandbox.origins["portal"], auth, index_lag=0.0, pace=None) as opened:
        yield opened


def carry(portal: Portal, content: Content, notes: FileCheckpoint) -> str:
    prepared = PreparedAsset(content, name="beach")
    while True:
        try:
            return portal.upload(prepared, notes).target_id
        except NotYet as early:
            pause(early.retry_after or 0.0)


def spent(sandbox: Sandbox, before: dict[str, int]) -> dict[str, int]:
    """Uploads begun and parts kept since then."""
    counts = sandbox.world.counts.as_dict()
    names = {"begun": "portal POST /api/upload/init", "parts": "parts"}
    return {name: counts.get(key, 0) - before.get(key, 0) for name, key in names.items()}


def test_upload_when_s3_gives_up_waiting_for_a_part_sends_that_part_again(
    portal: Portal, sandbox: Sandbox
) -> None:
    fault = Fault(service="s3", match="POST", status=400, body=TIMEOUT, skip=1)
    sandbox.world.faults.add(fault)
    before = sandbox.world.counts.as_dict()
    carry(portal, Content.from_bytes(DATA, "beach.bin"), FileCheckpoint(None))
    assert (fault.struck, spent(sandbox, before)) == (1, {"begun": 1, "parts": 3})


def test_upload_when_s3_refuses_the_policy_begins_anew(portal: Portal, sandbox: Sandbox) -> None:
    expired = "<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>"
    sandbox.world.faults.add(Fault(service="s3", match="POST", status=403, body=expired))
    before = sandbox.world.counts.as_dict()
    carry(portal, Content.from_bytes(DATA, "beach.bin"), FileCheckpoint(None))
    assert spent(sandbox, before)["begun"] == 2


def test_upload_when_s3_keeps_giving_up_goes_on_with_that_part_later(
    portal: Portal, sandbox: Sandbox
) -> None:
    notes = FileCheckpoint(None)
    sandbox.world.faults.add(Fault(service="s3", match="POST", status=400, body=TIMEOUT, skip=2, times=0))
    before = sandbox.world.counts.as_dict()
    with pytest.raises(TransientError, match="S3 answered 400 RequestTimeout"):
        carry(portal, Content.from_bytes(DATA, "beach.bin"), notes)
    sandbox.world.faults.clear()
    carry(portal, Content.from_bytes(DATA, "beach.bin"), notes)
    assert spent(sandbox, before) == {"begun": 1, "parts": 3}


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503])
@pytest.mark.parametrize("own", [True, False], ids=["the partner", "another host"])
def test_upload_when_the_source_refuses_names_it_and_begins_nothing_anew(
    portal: Portal, sandbox: Sandbox, partner: Client, server: Any, stranger: Any, status: int, own: bool
) -> None:
    source = server if own else stranger
    source.then(200, DATA, headers={"ETag": '"v"'}, cut=7_000_000).always(status)
    before = sandbox.world.counts.as_dict()
    with pytest.raises(ConnectorError, match=f"{status}") as refusal:
        carry(portal, Content.from_url(partner, f"{source.url}/beach.bin"), FileCheckpoint(None))
    assert (refusal.value.status, spent(sandbox, before)) == (status, {"begun": 1, "parts": 1})


PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize("size_known", [True, False], ids=["size known", "size unknown"])
def test_upload_when_the_source_serves_a_page_sends_no_byte(
    portal: Portal, sandbox: Sandbox, partner: Client, server: Any, size_known: bool
) -> None:
    server.always(200, PAGE, headers={"Content-Type": "text/html"}, chunked=not size_known)
    before = sandbox.world.counts.as_dict()
    with pytest.raises(WrongKindError, match="beach.jpg: an HTML page came from its source"):
        carry(portal, Content.from_url(partner, f"{server.url}/beach.jpg"), FileCheckpoint(None))
    assert spent(sandbox, before)["parts"] == 0


def test_upload_when_a_file_on_disk_is_a_page_sends_no_byte(
    portal: Portal, sandbox: Sandbox, tmp_path: Any
) -> None:
    file = tmp_path / "beach.jpg"
    file.write_bytes(PAGE)
    before = sandbox.world.counts.as_dict()
    with pytest.raises(WrongKindError):
        portal.uploads.file(file)
    assert spent(sandbox, before)["parts"] == 0
