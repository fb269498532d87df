"""Tagged assets arrive in Gelato libraries, by the real command line over real HTTP."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import SECRET_VALUES, Site, until
from ports import free_port

from damlink_gelato.sandbox import ACCOUNT, GelatoSandbox
from damlink_sandbox import Sandbox, SnsSandbox
from damlink_sandbox.mark import SECRET_MARK

KEYS = {"GELATO_KEY": ACCOUNT.key, "SECOND_KEY": f"second-gelato-key-{SECRET_MARK}"}
SCOPES = ["asset:read", "asset:write", "meta.assetbank:read", "meta.assetbank:write"]
SCOPES += ["current.user:read", "current.profile:read"]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox([SnsSandbox, GelatoSandbox], folder=tmp_path_factory.mktemp("world"), media=[]) as sandbox:
        portal, gelato = sandbox.part("bynder"), sandbox.part("gelato")
        portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        portal.control("settings", {"index_lag": 0.0})
        gelato.control("add_account", {"id": "second", "key": KEYS["SECOND_KEY"]})
        yield sandbox


@pytest.fixture
def print_site(world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A portal and a Gelato account, and a config that connects them under a tag of its own."""
    for name, value in KEYS.items():
        monkeypatch.setitem(SECRET_VALUES, name, value)
    number = next(_numbers)
    connector = dict(world.part("gelato").connector()) | {
        "tag": f"Print {number}",
        "folder": f"DAM import {number}",
        "backlink_metaproperty": f"Gelato URL {number}",
        "api_key": {"env": "GELATO_KEY"},
    }
    portals = {"brand": {"url": world.origins["portal"], "token": {"env": "TOKEN"}}}
    pace = {"requests": 100_000, "share": 1.0}
    site = Site(tmp_path, world, {"pace": pace, "portals": portals, "connectors": {"print": connector}})
    site.write()
    return site


def setting(site: Site, name: str, connector: str = "print") -> Any:
    return site.tables["connectors"][connector][name]


def add(site: Site, tag: str | None = None) -> str:
    body = {"text": f"bytes {next(_numbers)}", "filename": "poster.pdf"}
    return str(site.portal.control("add_asset", body | {"tags": [tag or setting(site, "tag")]})["id"])


def add_connector(site: Site, name: str, **changes: Any) -> None:
    site.tables["connectors"][name] = dict(site.tables["connectors"]["print"]) | changes
    site.write()


def files(site: Site, account: str = ACCOUNT.id) -> list[dict[str, Any]]:
    found = site.sandbox.part("gelato").state()["files"]
    return [file for file in found if (file["account"], file["folder"]) == (account, setting(site, "folder"))]


def asset(site: Site, asset_id: str) -> dict[str, Any]:
    return next(each for each in site.portal.state()["assets"] if each["id"] == asset_id)


def link(site: Site, asset_id: str, connector: str = "print") -> str | None:
    name = setting(site, "backlink_metaproperty", connector).replace(" ", "_")
    found: str | None = asset(site, asset_id)["metaproperties"].get(name)
    return found


def ledger(site: Site, state: str) -> list[dict[str, Any]]:
    out = site.run("assets", "print", "--json", "--state", state).stdout
    return [json.loads(line) for line in out.splitlines()]


def test_run_brings_every_tagged_asset_once_and_the_portal_links_to_it(print_site: Site) -> None:
    ids = [add(print_site) for _ in range(12)]
    add(print_site, tag="Another")
    print_site.run("run")
    assert sorted(file["asset_id"] for file in files(print_site)) == sorted(ids)
    for file in files(print_site):
        assert file["sha256"] == asset(print_site, file["asset_id"])["sha256"]
        assert file["checkout_url"] == link(print_site, file["asset_id"])
    (report,) = json.loads(print_site.run("run", "--json").stdout)
    assert (report["outcomes"], len(files(print_site))) == ({}, 12)


@pytest.mark.parametrize("mode", ["pull", "push"])
def test_bytes_when_gelato_has_them_are_counted(print_site: Site, mode: str) -> None:
    print_site.connector("print", mode=mode)
    size = asset(print_site, add(print_site))["size"]
    (report,) = json.loads(print_site.run("run", "--json").stdout)
    assert report["bytes"] == size > 0


def test_two_accounts_of_one_portal_get_their_own_files_and_links(print_site: Site) -> None:
    changes = {
        "account_id": "second",
        "api_key": {"env": "SECOND_KEY"},
        "backlink_metaproperty": "Second link",
    }
    add_connector(print_site, "second", tag="Second", **changes)
    mine, theirs, both = add(print_site), add(print_site, tag="Second"), add(print_site)
    print_site.portal.control("change_asset", {"id": both, "tags": [setting(print_site, "tag"), "Second"]})
    print_site.run("run")
    assert {file["asset_id"] for file in files(print_site)} == {mine, both}
    assert {file["asset_id"] for file in files(print_site, "second")} == {theirs, both}
    assert None not in (link(print_site, both), link(print_site, both, "second"))
    assert link(print_site, both) != link(print_site, both, "second")


def test_two_connectors_with_one_place_for_links_are_refused(print_site: Site) -> None:
    add_connector(print_site, "second", account_id="second", api_key={"env": "SECOND_KEY"})
    add(print_site)
    said = print_site.run("run", expect=3).stderr
    assert "connectors.print.backlink_metaproperty" in said
    assert "is that of second too" in said
    assert files(print_site) == []
    print_site.connector("second", backlink=False)
    print_site.run("run")
    assert len(files(print_site)) == len(files(print_site, "second")) == 1


def test_links_when_switched_on_later_come_on_request_only(print_site: Site) -> None:
    print_site.connector("print", backlink=False)
    asset_id = add(print_site)
    print_site.run("run")
    print_site.connector("print", backlink=True)
    print_site.run("run", "--full")
    assert link(print_site, asset_id) is None
    print_site.run("retry", "print", asset_id)
    print_site.run("run")
    assert link(print_site, asset_id) == files(print_site)[0]["checkout_url"]
    assert len(files(print_site)) == 1


def test_files_without_an_address_wait_and_go_when_there_is_one(print_site: Site) -> None:
    address, status = (setting(print_site, name) for name in ("import_url", "status_url"))
    print_site.connector("print", import_url=None, status_url=None)
    add(print_site)
    print_site.run("run")
    (waiting,) = ledger(print_site, "waiting")
    assert '"name": "poster.pdf"' in waiting["reason"]
    assert "http://" not in waiting["reason"].replace(print_site.sandbox.origins["portal"], "")
    print_site.connector("print", import_url=address, status_url=status)
    print_site.run("run")
    assert len(files(print_site)) == 1


def test_processing_of_some_seconds_is_waited_for_within_the_run(print_site: Site) -> None:
    gelato = print_site.sandbox.part("gelato")
    gelato.control("settings", {"processing": 1.5})
    try:
        add(print_site)
        print_site.run("run")
    finally:
        gelato.control("settings", {"processing": 0.0})
    assert [row["target_id"] for row in ledger(print_site, "pushed")] == [files(print_site)[0]["id"]]


def test_one_file_that_is_refused_does_not_stop_the_others(print_site: Site) -> None:
    refused = {"status": 415, "code": "UNSUPPORTED", "message": "no such type"}
    print_site.sandbox.part("gelato").control("refuse", refused)
    for _ in range(4):
        add(print_site)
    print_site.run("run", expect=1)
    assert "UNSUPPORTED: no such type" in ledger(print_site, "rejected")[0]["last_error"]
    assert len(files(print_site)) == 3


def test_log_at_debug_level_holds_neither_key_nor_temporary_address(print_site: Site) -> None:
    add(print_site)
    result = print_site.run("--log-level", "debug", "run")
    said = result.stdout + result.stderr
    assert "files:import" in said
    assert [word for word in (ACCOUNT.key, "X-Amz-Signature") if word in said] == []
    assert re.search("/download/[0-9a-f]{20}", said) is None


# --- signed in otherwise ---------------------------------------------------------------------------


def test_portal_signed_in_to_by_oauth_1_works_alike(
    print_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = print_site.portal
    keys = {
        "consumer_key": portal.consumer_key,
        "consumer_secret": portal.consumer_secret,
        "token": portal.oauth_token,
        "token_secret": portal.oauth_token_secret,
    }
    table: dict[str, Any] = {"url": print_site.sandbox.origins["portal"], "auth": "oauth1"}
    for name, value in keys.items():
        monkeypatch.setitem(SECRET_VALUES, f"OAUTH1_{name.upper()}", value)
        table[name] = {"env": f"OAUTH1_{name.upper()}"}
    print_site.tables["portals"]["brand"] = table
    print_site.write()
    asset_id = add(print_site)
    print_site.run("run")
    assert link(print_site, asset_id) == files(print_site)[0]["checkout_url"]


# --- damlink check ---------------------------------------------------------------------------------


def test_check_when_all_is_well_ends_with_connected(print_site: Site) -> None:
    lines = print_site.run("check").stdout.splitlines()
    assert all(line.startswith("ok") for line in lines)
    assert lines[-1].endswith("connected")
    assert any("public_url is not set" in line for line in lines)


def test_run_needs_no_more_than_the_rights_and_scopes_that_the_docs_name(
    print_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_with(print_site, monkeypatch, "METAPROPERTYMANAGEMENT", "MEDIAEDIT", "MEDIAHIGHRES")
    asset_id = add(print_site)
    print_site.run("run")
    assert link(print_site, asset_id) == files(print_site)[0]["checkout_url"]


def sign_in_with(site: Site, monkeypatch: pytest.MonkeyPatch, *roles: str) -> None:
    token = site.portal.control("add_token", {"scopes": SCOPES, "roles": list(roles)})["token"]
    monkeypatch.setitem(SECRET_VALUES, "TOKEN", token)


def test_check_when_two_rights_are_missing_names_both_and_says_no_connected(
    print_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in_with(print_site, monkeypatch, "METAMANAGEMENT", "MEDIAHIGHRES")
    lines = print_site.run("check", expect=4).stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    assert ["MEDIAEDIT" in line or "PERMISSIONMANAGEMENT" in line for line in failed] == [True, True]
    assert not lines[-1].endswith("connected")


def test_check_when_the_portal_has_several_brands_asks_for_none(print_site: Site) -> None:
    print_site.portal.control("brands", {"brands": ["One", "Two"]})
    try:
        assert print_site.run("check").stdout.endswith("connected\n")
    finally:
        print_site.portal.control("brands", {"brands": ["Main brand"]})


def test_check_tells_whether_the_event_address_answers(print_site: Site) -> None:
    port = free_port()
    print_site.tables["serve"] = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    print_site.write()
    lines = print_site.run("check", expect=1).stdout.splitlines()
    assert any(line.startswith("FAIL print  events: the event address does not answer") for line in lines)
    assert any("API key: Gelato takes it" in line for line in lines)
    with serving(print_site, port):
        assert print_site.run("check").stdout.endswith("connected\n")


# --- events ----------------------------------------------------------------------------------------


def test_event_brings_a_tagged_asset_to_each_account_without_a_run(print_site: Site) -> None:
    changes = {"account_id": "second", "api_key": {"env": "SECOND_KEY"}, "backlink_metaproperty": "Told link"}
    add_connector(print_site, "second", tag="Told", **changes)
    with listening(print_site):
        mine, theirs = add(print_site), add(print_site, tag="not yet")
        print_site.portal.control("change_asset", {"id": theirs, "tags": ["Told"]})
        until(lambda: link(print_site, mine) and link(print_site, theirs, "second"))
        print_site.portal.control("change_asset", {"id": mine, "name": "Another name"})
        later = add(print_site)
        until(lambda: link(print_site, later))
    assert [file["asset_id"] for file in files(print_site)] == [mine, later]
    assert [file["asset_id"] for file in files(print_site, "second")] == [theirs]


@contextlib.contextmanager
def listening(site: Site) -> Iterator[None]:
    """`damlink serve`, with the portal's events coming in."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    site.tables["serve"] = {"port": port, "public_url": address, "event_pause": "0.2s"}
    site.tables["portals"]["brand"] |= site.sandbox.part("sns").portal()  # type: ignore[attr-defined]
    site.write()
    with serving(site, port):
        sns = site.sandbox.part("sns")
        site.run("events", "subscribe", "brand")
        until(lambda: [each["confirmed"] for each in sns.state()["subscriptions"]] == [True])
        yield
        for each in sns.state()["subscriptions"]:
            sns.control("unsubscribe", {"id": each["id"]})


@contextlib.contextmanager
def serving(site: Site, port: int) -> Iterator[None]:
    """`damlink serve` in a child process, once it listens."""
    child = site.start("serve")
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                yield
                return
            time.sleep(0.05)
        raise AssertionError("damlink serve does not listen")
    finally:
        child.terminate()
        child.communicate(timeout=60)
