"""What is wrong is said in one line that names the place and the cure, before anything is touched."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from loopback import Site, assert_arrived_once_and_whole
from ports import free_port

Tables = Mapping[str, Any]


def the_line(result: subprocess.CompletedProcess[str]) -> str:
    """The one line on stderr; nothing stands on stdout."""
    (line,) = result.stderr.splitlines()
    assert line.startswith("damlink: ")
    assert result.stdout == ""
    return line.removeprefix("damlink: ")


def merged(tables: Tables, changes: Tables) -> dict[str, Any]:
    """The tables with changes laid over them; `None` takes a key out."""
    both = {
        key: merged(tables.get(key, {}), value) if isinstance(value, Mapping) else value
        for key, value in changes.items()
    }
    return {key: value for key, value in {**tables, **both}.items() if value is not None}


def stock(**settings: Any) -> Tables:
    return {"connectors": {"stock": settings}}


def made_anything(site: Site) -> bool:
    return any(site.folder.glob("damlink.db*")) or (site.folder / "damlink.key").exists()


SECOND_PORTAL = {"portals": {"other": {"url": "https://other.example", "token": {"env": "TOKEN"}}}}

WRONG = [
    pytest.param(
        stock(include_vidoes=True),
        "damlink.toml: connectors.stock.include_vidoes: unknown key; did you mean 'include_videos'?",
        id="unknown key",
    ),
    pytest.param(
        stock(include_videos="yes"),
        "damlink.toml: connectors.stock.include_videos: expected true or false, got 'yes'",
        id="wrong type",
    ),
    pytest.param(
        stock(license_model="sub"),
        "damlink.toml: connectors.stock.license_model: expected subscription or credits, got 'sub'",
        id="bad choice",
    ),
    pytest.param(
        stock(api_key="in-the-open"),
        "damlink.toml: connectors.stock.api_key: expected a secret: { env = … }, { secret = … } or "
        "{ file = … }, got plain text; a secret never stands in the file",
        id="plain-text secret",
    ),
    pytest.param(
        stock(api_key={"env": "NOWHERE"}),
        "damlink.toml: connectors.stock.api_key: the environment variable NOWHERE is not set; set NOWHERE",
        id="missing environment variable",
    ),
    pytest.param(
        {"portals": {"brand": {"token": {"env": "NOWHERE"}}}},
        "damlink.toml: portals.brand.token: the environment variable NOWHERE is not set; set NOWHERE",
        id="missing environment variable of the portal",
    ),
    pytest.param(
        {"pase": {"requests": 1}},
        "damlink.toml: pase: unknown table; did you mean 'pace'?",
        id="unknown table",
    ),
    pytest.param(
        stock(plugin="istok"),
        "damlink.toml: connectors.stock.plugin: no plugin 'istok' is installed; did you mean 'istock'?",
        id="unknown plugin",
    ),
    pytest.param(
        {"portals": {"brand": {"url": "http://brand.example"}}},
        "damlink.toml: portals.brand: url must begin with https:// (http only on loopback), "
        "got 'http://brand.example'",
        id="http portal off loopback",
    ),
    pytest.param(
        SECOND_PORTAL,
        "damlink.toml: connectors.stock.portal: missing; choose one of brand, other",
        id="several portals and none chosen",
    ),
]


@pytest.mark.parametrize(("changes", "said"), WRONG)
def test_config_when_wrong_is_refused_with_its_place_and_the_cure(
    site: Site, changes: Tables, said: str
) -> None:
    site.tables = merged(site.tables, changes)
    site.write()
    assert the_line(site.run("run", expect=3)) == said
    assert not made_anything(site)


def test_config_when_not_toml_is_refused_with_its_line(site: Site) -> None:
    path = site.folder / "damlink.toml"
    path.write_text("[portals.brand]\nurl = \n")
    line = the_line(site.run("run", expect=3))
    assert line.startswith("damlink.toml: not valid TOML: ")
    assert "at line 2" in line
    assert not made_anything(site)


@pytest.mark.parametrize(
    "command", [("run",), ("status",), ("state", "show", "stock"), ("edit", "stock", "--set", "workers=2")]
)
def test_config_when_there_is_none_is_missed_by_its_name(site: Site, command: tuple[str, ...]) -> None:
    (site.folder / "damlink.toml").unlink()
    line = the_line(site.run(*command, expect=3))
    assert line.startswith("damlink.toml: there is no such file; ")
    assert not made_anything(site)


def test_connector_when_unknown_is_answered_with_the_nearest(site: Site) -> None:
    line = the_line(site.run("run", "stok", expect=3))
    assert line == "damlink.toml: no connector 'stok'; did you mean 'stock'?"
    assert not made_anything(site)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(("rnu",), "No such command 'rnu'; see `damlink --help`", id="unknown command"),
        pytest.param(("run", "--ful"), "--ful", id="unknown option"),
        pytest.param(("runs",), "Missing argument 'NAME'; see `damlink runs --help`", id="missing argument"),
        pytest.param(("edit", "stock"), "give --set KEY=VALUE or --unset KEY", id="nothing to change"),
        pytest.param(("edit", "stock", "--set", "workers"), "write KEY=VALUE", id="setting without a value"),
    ],
)
def test_command_when_written_wrongly_is_exit_2(site: Site, command: tuple[str, ...], said: str) -> None:
    line = the_line(site.run(*command, expect=2))
    assert said in line
    assert "--help`" in line


# --- the other side --------------------------------------------------------------------------------


def test_portal_when_unreachable_is_named_with_its_address(site: Site) -> None:
    address = f"127.0.0.1:{free_port()}"
    site.tables = merged(site.tables, {"portals": {"brand": {"url": f"http://{address}"}}})
    site.write()
    line = the_line(site.run("run", expect=1))
    assert line.startswith(f"stock: cannot reach {address}: ")
    assert line.endswith("; check the address in the config, and the network")


@pytest.mark.parametrize(
    ("changes", "where", "cure"),
    [
        pytest.param(
            stock(password={"env": "WRONG"}), "wrong user name or password", "check the client id",
            id="wrong password",
        ),
        pytest.param(
            stock(api_key={"env": "WRONG"}), "stock: ", "check the client id", id="wrong key",
        ),
        pytest.param(
            {"portals": {"brand": {"token": {"env": "WRONG"}}}}, "Invalid or expired token",
            "check the portal's token", id="wrong portal token",
        ),
    ],
)  # fmt: skip
def test_credentials_when_refused_stop_the_connector(
    site: Site, monkeypatch: pytest.MonkeyPatch, changes: Tables, where: str, cure: str
) -> None:
    monkeypatch.setenv("WRONG", "no-such-credential")
    site.tables = merged(site.tables, changes)
    site.write()
    line = the_line(site.run("run", expect=4))
    assert line.startswith("stock: ")
    assert where in line
    assert cure in line
    assert "no-such-credential" not in line


@pytest.fixture
def two_brands(site: Site) -> Site:
    """A portal with two brands."""
    site.portal.control("brands", {"brands": ["First brand", "Second brand"]})
    return site


@pytest.mark.parametrize(
    ("brand", "said"),
    [
        pytest.param(
            "",
            "damlink.toml: portals.brand.brand: the portal has several brands; "
            "choose one of First brand, Second brand",
            id="none chosen",
        ),
        pytest.param(
            "Secnd brand",
            "damlink.toml: portals.brand.brand: no brand 'Secnd brand'; did you mean 'Second brand'?",
            id="unknown",
        ),
    ],
)
def test_brand_when_it_cannot_be_told_is_asked_for_before_anything_is_paid(
    two_brands: Site, brand: str, said: str
) -> None:
    two_brands.tables["portals"]["brand"]["brand"] = brand
    two_brands.write()
    assert the_line(two_brands.run("run", expect=3)) == f"stock: {said}"
    assert two_brands.sandbox.world.counts["licences"] == 0
    two_brands.tables["portals"]["brand"]["brand"] = "second brand"
    two_brands.write()
    two_brands.run("run", "--limit", "1")
    assert len(two_brands.stored()) == 1


def test_brand_when_given_to_an_upload_needs_none_in_the_config(two_brands: Site) -> None:
    file = two_brands.folder / "picture.jpg"
    file.write_bytes(b"a picture")
    upload = ("uploads", "file", "--file", str(file), "--brand", "Second brand")
    two_brands.run("bynder", *upload)
    (asset,) = two_brands.portal.state()["assets"]
    assert asset["name"] == "picture"


# --- plugins ---------------------------------------------------------------------------------------


@pytest.fixture
def broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution `damlink-broken` whose module cannot be imported."""
    folder = tmp_path / "packages"
    facts = folder / "damlink_broken-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: damlink-broken\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[damlink]\nbroken = damlink_broken\n")
    (folder / "damlink_broken.py").write_text("import no_such_module\n")
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)


def with_broken_connector(site: Site) -> None:
    site.tables["connectors"] = {"first": {"plugin": "broken"}, **site.tables["connectors"]}
    site.write()


def test_check_when_the_local_address_is_not_this_machines_says_so(site: Site) -> None:
    site.tables["http"] = {"local_address": "192.0.2.1"}
    site.write()
    out = site.run("check", expect=3).stdout
    what = "http.local_address: 192.0.2.1 is not an address of this machine; name one that `ip address` shows"
    assert what in out


@pytest.mark.usefixtures("broken_plugin")
def test_plugin_when_it_cannot_be_imported_does_not_keep_the_next_connector_from_running(site: Site) -> None:
    with_broken_connector(site)
    site.connector(sync_after="2100-01-01")
    result = site.run_child("run", expect=3)
    broken, summary = result.stderr.splitlines()
    assert broken == (
        "damlink: plugin 'broken' (damlink-broken 1.0) cannot be imported: ModuleNotFoundError: "
        "No module named 'no_such_module' (damlink_broken.py:1); reinstall it, or report it to its author"
    )
    assert summary.startswith("stock: 0 pushed")


@pytest.mark.usefixtures("broken_plugin")
def test_check_when_a_plugin_is_broken_goes_on_with_the_next_connector(site: Site) -> None:
    with_broken_connector(site)
    lines = site.run_child("check", expect=3).stdout.splitlines()
    assert lines[0].startswith("FAIL first  plugin: plugin 'broken' (damlink-broken 1.0) cannot be imported")
    assert len(lines) == 7
    assert all(line.startswith("ok   stock") for line in lines[1:])


@pytest.mark.usefixtures("broken_plugin")
def test_plan_when_a_plugin_is_broken_goes_on_with_the_next_connector(site: Site) -> None:
    with_broken_connector(site)
    ended = site.run_child("plan", expect=3)
    assert ended.stderr.startswith("damlink: first: plugin 'broken' (damlink-broken 1.0) cannot be imported")
    assert ended.stdout.endswith(f"stock: a run would carry {len(site.licensed())} assets\n")


@pytest.mark.usefixtures("broken_plugin")
def test_plan_as_json_when_a_plugin_is_broken_has_a_line_for_the_failure(site: Site) -> None:
    with_broken_connector(site)
    first, *others = map(json.loads, site.run_child("plan", "--json", expect=3).stdout.splitlines())
    assert (first["connector"], first["exit_code"]) == ("first", 3)
    assert {each["connector"] for each in others} == {"stock"}


@pytest.mark.usefixtures("broken_plugin")
def test_plugins_when_one_is_broken_lists_both_and_verify_says_why(site: Site) -> None:
    listing = site.run_child("plugins").stdout
    assert "broken  damlink-broken 1.0" in listing
    assert "istock  damlink-istock" in listing
    listing = site.run_child("plugins", "--verify", expect=3).stdout
    (broken,) = [line for line in listing.splitlines() if line.startswith("broken")]
    assert "No module named 'no_such_module'" in broken
    (istock,) = [line for line in listing.splitlines() if line.startswith("istock")]
    assert "cannot" not in istock


def test_mistake_when_corrected_leaves_nothing_behind(site: Site) -> None:
    site.connector(include_vidoes=True, sync_after="2026-01-01")
    site.run_child("run", expect=3)
    site.connector(include_vidoes=None)
    site.run_child("run", "--limit", "1")
    assert_arrived_once_and_whole(site, {*site.stored()})
    assert len(site.stored()) == 1
