"""The plugins of this project against their stand-ins, recorded, replayed and compared."""

from __future__ import annotations

import json

from loopback import Site


def test_recording_of_istock_when_replayed_is_as_recorded_without_secrets(site: Site) -> None:
    said = site.run("test", "istock", "--record", "istock.json", "--assets", "5").stdout
    recorded = json.loads((site.folder / "istock.json").read_text("utf-8"))
    assert [each["hook"] for each in recorded["steps"]] == [
        "check",
        "list_source_assets",
        *["transform"] * 3,
    ], said
    assert {each["method"] for each in recorded["exchanges"]} == {"GET"}
    (site.folder / "damlink.toml").unlink()
    counts = site.sandbox.world.counts.as_dict()
    assert "istock: as recorded" in site.run("test", "istock", "--replay", "istock.json").stdout
    assert site.sandbox.world.counts.as_dict() == counts


def test_drift_of_istock_when_nothing_changed_finds_none(site: Site) -> None:
    site.run("test", "istock", "--record", "istock.json", "--assets", "5")
    assert site.run("test", "istock", "--drift", "istock.json").stdout == "istock: no changed fields\n"
