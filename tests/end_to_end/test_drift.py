"""`damlink bynder PORTAL drift` against a portal of the sandbox."""

from __future__ import annotations

import json

import pytest
from loopback import SECRET_VALUES, Site

from damlink_sandbox import Fault
from damlink_sandbox.mark import SECRET_MARK


def brands(**more: object) -> str:
    """The answer to the list of brands, with more fields than are published."""
    return json.dumps([{"id": "1", "name": "A", "description": "", "image": "", "subBrands": []} | more])


def change_brands(site: Site, body: str) -> None:
    site.sandbox.world.faults.add(Fault("portal", "^GET /api/v4/brands/$", status=200, body=body, times=0))


def test_drift_when_there_is_none_ends_with_0(site: Site) -> None:
    said = site.run("bynder", "brand", "drift").stdout.splitlines()
    assert said[-1].startswith("brand: no drift in ")
    assert {line.split()[0] for line in said[:-1]} == {"-"}


def test_drift_when_an_answer_changed_names_it_and_ends_with_1(site: Site) -> None:
    change_brands(site, brands(mood="good"))
    said = site.run("bynder", "drift", expect=1).stdout.splitlines()
    assert said[0] == "new   GET /api/v4/brands/: [].mood (text)"
    assert said[-1].startswith("brand: 1 difference in ")


def test_drift_when_json_is_wanted_is_one_document(site: Site) -> None:
    change_brands(site, brands(name=1))
    told = json.loads(site.run("bynder", "brand", "drift", "--json", expect=1).stdout)
    assert told["changes"] == [
        {
            "operation": "GET /api/v4/brands/",
            "field": "[].name",
            "kind": "type",
            "detail": "was text, is number",
        }
    ]
    assert (told["portal"], told["failed"]) == ("brand", [])
    assert told["not_compared"]["GET /api/v4/upload/poll"] == "it needs an upload"


def test_drift_when_the_token_is_refused_ends_with_4(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRET_VALUES, "WRONG", f"wrong-{SECRET_MARK}")
    site.tables["portals"]["brand"]["token"] = {"env": "WRONG"}
    site.write()
    assert "401" in site.run("bynder", "brand", "drift", expect=4).stderr
