"""`damlink bynder PORTAL drift` against a portal of the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from loopback import SECRET_VALUES, Site

from damlink.bynder._published import load_operations
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


def define(folder: Path, names: Iterable[str]) -> None:
    """Write definitions that have these operations, in two documents."""
    folder.mkdir()
    paths: dict[str, dict[str, Any]] = {}
    for method, path in (name.split(" ") for name in names):
        paths.setdefault(path.removeprefix("/v7"), {})[method.lower()] = {"responses": {}}
    older = {path: item for path, item in paths.items() if path.startswith("/api")}
    newer = {path: item for path, item in paths.items() if path not in older}
    servers = [{"url": "https://portal.example/v7"}]
    (folder / "older.json").write_text(json.dumps({"paths": older}))
    (folder / "newer.json").write_text(json.dumps({"servers": servers, "paths": newer}))


def test_drift_when_definitions_are_named_tells_their_operations_that_are_new_or_gone(
    site: Site, tmp_path: Path
) -> None:
    other = {"GET /v6/authentication/oauth2/scopes", "GET /v6/authentication/oauth2/auth"}
    known = {each for each in load_operations() if each.startswith(("GET /api", "POST /v7"))}
    renamed = {each.replace("{id}", "{asset}") for each in known} - {"GET /api/v4/brands/"}
    define(tmp_path / "definitions", {*renamed, "GET /api/v4/moods/{id}", "POST /v7/moods"})
    options = ("bynder", "brand", "drift", "--definitions", str(tmp_path / "definitions"))
    said = site.run(*options, expect=1).stdout.splitlines()
    new = [line for line in said if line.startswith("new ")]
    assert new == [
        f"new   {name} (the definitions have it, this version does not know it)"
        for name in ("GET /api/v4/moods/{id}", "POST /v7/moods")
    ]
    gone = {line.removeprefix("gone  ").partition(" (")[0] for line in said if line.startswith("gone ")}
    assert gone == load_operations() - known | {"GET /api/v4/brands/"} >= other


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"paths": []}', '{"paths": {"/a": 1}}', "\x00"])
def test_drift_when_the_folder_has_no_definitions_says_so_and_ends_with_3(
    site: Site, tmp_path: Path, text: str | None
) -> None:
    folder = tmp_path / "definitions"
    folder.mkdir()
    if text is not None:
        (folder / "one.json").write_text(text)
    said = site.run("bynder", "brand", "drift", "--definitions", str(folder), expect=3).stderr
    assert said.startswith("damlink: definitions: ")
    assert "; name a folder with Bynder's OpenAPI definitions" in said


def test_drift_when_the_token_is_refused_ends_with_4(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECRET_VALUES, "WRONG", f"wrong-{SECRET_MARK}")
    site.tables["portals"]["brand"]["token"] = {"env": "WRONG"}
    site.write()
    assert "401" in site.run("bynder", "brand", "drift", expect=4).stderr
