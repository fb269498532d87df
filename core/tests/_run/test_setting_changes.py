"""Changes of the config as the audit log says them."""

from __future__ import annotations

from pathlib import Path

from damlink._config.load import Config, loads
from damlink._run.setting_changes import compare_configs

PORTAL = """
[portals.brand]
url = "https://brand.example"
token = { secret = "portal.brand.token" }
"""
SHELF = """
[connectors.shelf]
plugin = "missing"
portal = "brand"
"""


def config(text: str) -> Config:
    return loads(text, Path("damlink.toml"))


def test_settings_when_of_another_table_are_named_with_it() -> None:
    before, after = config(PORTAL + SHELF), config(PORTAL + SHELF + 'title = "Shelf"\n')
    assert compare_configs(before, after, "connectors.shelf") == {"title": ["not set", "Shelf"]}
    assert compare_configs(before, after, "portals.brand") == {"connectors.shelf.title": ["not set", "Shelf"]}


def test_secret_when_stored_anew_is_noted_by_its_name_alone() -> None:
    same = config(PORTAL)
    found = compare_configs(same, same, "portals.brand", ["portal.brand.token"])
    assert found == {"portal.brand.token": ("(a secret)", "(another secret)")}


def test_portal_when_new_is_noted_with_the_reference_to_its_secret() -> None:
    assert compare_configs(config(""), config(PORTAL), "portals.brand") == {
        "url": ["not set", "https://brand.example"],
        "token": ["not set", "secret:portal.brand.token"],
    }
