"""A portal that is edited to another one, or to another address of the same one."""

from __future__ import annotations

from pathlib import Path

import pytest
from loopback import Site, assert_arrived_once_and_whole

from damlink_sandbox import Sandbox, Synthetic


def test_portal_when_another_is_set_gets_every_asset_once(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.run("run")
    world = tmp_path / "other"
    world.mkdir()
    before = site.portal.state()["assets"]
    with Sandbox(folder=world, media=[Synthetic("a.jpg", 10_000, "image", 0)]) as other:
        site.tables["portals"]["brand"]["url"] = other.origins["portal"]
        site.tables["portals"]["brand"]["token"] = {"env": "OTHER_TOKEN"}
        site.write()
        monkeypatch.setenv("OTHER_TOKEN", other.part("bynder").token)
        planned = site.run("plan").stdout
        assert "another target account (portal): every finished asset is due for it" in planned
        assert f"a run would carry {len(before)} assets" in planned
        site.run("run")
        assert {tag for asset in other.part("bynder").state()["assets"] for tag in asset["tags"]} >= {
            *site.licensed()
        }
    assert len(site.portal.state()["assets"]) == len(before)


def test_portal_when_the_same_is_set_by_another_address_gets_nothing_again(site: Site) -> None:
    site.run("run")
    address = site.tables["portals"]["brand"]["url"].replace("127.0.0.1", "localhost")
    site.tables["portals"]["brand"]["url"] = address
    site.write()
    site.sandbox.world.clock.advance(5)
    assert "a run would carry 0 assets" in site.run("plan").stdout
    site.run("run", "--full")
    assert_arrived_once_and_whole(site, {*site.licensed()})
