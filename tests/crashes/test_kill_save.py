"""`kill -9` right after a save that left long after it was noted; the next run begins at once."""

from __future__ import annotations

from loopback import Site, until

from damlink_sandbox import Fault

SAVE = "POST /api/v4/media/save/"


def test_save_when_sent_long_after_its_note_and_killed_is_found_and_not_sent_again(site: Site) -> None:
    site.tables["pace"]["seconds"] = 3  # so long is the silence after a 429
    site.tables["portals"]["brand"]["index_lag"] = "2s"
    site.write()
    site.portal.control("lag", {"index": 1.5})
    site.sandbox.world.faults.add(Fault(service="portal", match=SAVE, status=429))
    site.sandbox.world.faults.add(Fault(service="portal", match=SAVE, kind="hang"))
    child = site.start("run", "--limit", "1", "--workers", "1")
    until(site.stored)
    child.kill()
    child.communicate()
    site.run_child("run", "--limit", "1")
    assert [len(assets) for assets in site.stored().values()] == [1]
    assert [asset["state"] for asset in site.assets("pushed")] == ["pushed"]
