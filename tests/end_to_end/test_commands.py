"""What each command does to the config, the secrets and the state, without a terminal."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from loopback import Site, ask_for_consent, assert_arrived_once_and_whole, is_reserved

from damlink_sandbox import Fault
from damlink_sandbox.mark import SECRET_MARK

TOKEN_REQUESTS = "portal POST /v6/authentication/oauth2/token"

ACCOUNT = (
    "username=env:ISTOCK_USERNAME",
    "password=env:ISTOCK_PASSWORD",
    "api_secret=env:ISTOCK_API_SECRET",
    "requests_per_second=500.0",
)


def config(site: Site) -> str:
    return (site.folder / "damlink.toml").read_text(encoding="utf-8")


def account(site: Site, api_key: str = "env:ISTOCK_API_KEY") -> list[str]:
    """The account's settings as `--set` takes them."""
    origins = site.sandbox.origins
    addresses = (f"api_url={origins['istock']}", f"token_url={origins['istock-login']}/oauth2/token")
    return sets(*ACCOUNT, *addresses, f"api_key={api_key}")


def sets(*settings: str) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def entered(site: Site, text: str, *arguments: str) -> str:
    """What a command says that reads standard input."""
    child = site.start(*arguments, stdin=subprocess.PIPE)
    out, err = child.communicate(text, timeout=60)
    assert child.returncode == 0, err
    return str(out + err)


# --- init, add, edit, enable, disable --------------------------------------------------------------


def test_init_and_add_without_a_terminal_make_a_config_that_runs(site: Site) -> None:
    path = site.folder / "damlink.toml"
    path.unlink()
    url, pace = site.sandbox.origins["portal"], "\n[pace]\nrequests = 100000\nshare = 1.0\n"
    site.run("init", *sets(f"url={url}", "token=env:TOKEN", "index_lag=1s"))
    assert config(site).startswith("[portals.brand]\n")
    path.write_text(config(site) + pace)
    added = site.run("add", "stock", "--plugin", "istock", *account(site))
    *checks, told = added.stderr.splitlines()
    assert {line[:4] for line in checks} == {"ok  "}
    assert told.startswith("stock is added")
    assert '[connectors.stock]\nplugin = "istock"\nportal = "brand"\n' in config(site)
    site.run("run", "--limit", "2")
    assert_arrived_once_and_whole(site, {*site.stored()})
    assert len(site.stored()) == 2


def test_portals_when_there_are_no_connectors_are_what_check_checks(site: Site) -> None:
    site.tables["connectors"] = {}
    site.write()
    findings = json.loads(site.run("check", "--json").stdout)
    assert [each["what"] for each in findings] == ["settings", "portal", "brand", "result"]
    assert {each["portal"] for each in findings} == {"brand"}


def test_portal_when_added_and_edited_by_flags_is_tried_and_written(site: Site) -> None:
    url = site.sandbox.origins["portal"]
    said = site.run("portal", "add", "other", *sets(f"url={url}", "token=env:TOKEN")).stderr
    assert "ok   result: connected" in said
    site.run(
        "portal", "edit", "other", *sets("index_lag=1m", "event_topics=arn:aws:sns:eu-west-1:123456789012:a")
    )
    assert 'index_lag = "1m"\nevent_topics = ["arn:aws:sns:eu-west-1:123456789012:a"]\n' in config(site)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        pytest.param(["add", "brand"], 3, "portals.brand: is there already", id="add a known one"),
        pytest.param(["add", "other", "--set", "url=x"], 3, "url must begin with https://", id="no address"),
        pytest.param(["add", "other", "--set", "token=env:TOKEN"], 3, "url: missing", id="nothing given"),
        pytest.param(
            ["edit", "brand", "--set", "token=env:WRONG"], 4, "check the portal's token", id="refused"
        ),
        pytest.param(["edit", "brand"], 2, "give --set KEY=VALUE or --unset KEY", id="nothing to change"),
        pytest.param(["check", "brnd"], 3, "did you mean 'brand'?", id="check an unknown one"),
    ],
)
def test_portal_when_something_is_wrong_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, line: list[str], code: int, said: str
) -> None:
    monkeypatch.setenv("WRONG", "no-such-token")
    before = config(site)
    assert said in site.run("portal", *line, expect=code).stderr
    assert config(site) == before


def test_config_when_written_without_a_check_needs_no_portal(site: Site) -> None:
    (site.folder / "damlink.toml").unlink()
    site.run("init", "--no-check", *sets("url=https://brand.example", "token=env:NOWHERE"))
    key = ("api_key=env:NOWHERE", "api_secret=env:NOWHERE")
    site.run("add", "Équipe", "--plugin", "istock", "--no-check", *sets(*key, "every=2h", "workers=2"))
    assert '[connectors.equipe]\nplugin = "istock"\ntitle = "Équipe"\n' in config(site)
    site.run("disable", "Équipe")
    assert "no connector is enabled" in site.run("run", expect=3).stderr


@pytest.mark.parametrize(
    ("settings", "written"),
    [
        pytest.param(
            ["new_asset_tags=Spring, 2026"], 'new_asset_tags = ["Spring, 2026"]', id="one with a comma"
        ),
        pytest.param(["new_asset_tags=a", "new_asset_tags=b"], 'new_asset_tags = ["a", "b"]', id="repeated"),
        pytest.param(['new_asset_tags=["a, b", "c"]'], 'new_asset_tags = ["a, b", "c"]', id="a TOML list"),
        pytest.param(
            ["filters.collection=Spring, 2026", 'filters.tags=["a", "b"]'],
            'filters = {collection = "Spring, 2026", tags = ["a", "b"]}',
            id="entries of a table",
        ),
    ],
)
def test_value_when_it_holds_a_comma_is_never_parted(site: Site, settings: list[str], written: str) -> None:
    needed = ("api_key=env:TOKEN", "directory=acme", "hash_metaproperty=hash")
    site.run("add", "marks", "--plugin", "imatag", "--no-check", *sets(*needed, *settings))
    assert f"{written}\n" in config(site)


def test_init_when_there_is_a_config_leaves_it_alone(site: Site) -> None:
    before = config(site)
    result = site.run("init", *sets("url=https://brand.example", "token=env:TOKEN"), expect=3)
    assert "is there already" in result.stderr
    assert config(site) == before


def test_init_when_a_secret_is_in_the_open_writes_nothing(site: Site) -> None:
    (site.folder / "damlink.toml").unlink()
    result = site.run("init", *sets("url=https://brand.example", "token=in-the-open"), expect=3)
    assert "a secret never stands in the file" in result.stderr
    assert not (site.folder / "damlink.toml").exists()


def test_add_when_credentials_are_refused_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WRONG", "no-such-key")
    before = config(site)
    result = site.run("add", "other", "--plugin", "istock", *account(site, "env:WRONG"), expect=4)
    *fine, refused = result.stderr.splitlines()
    assert all(line.startswith("ok   ") for line in fine)
    assert "gave no token (401)" in refused
    assert "no-such-key" not in result.stderr
    assert config(site) == before


@pytest.mark.parametrize(
    ("name", "extra", "said"),
    [
        pytest.param("stock", [], "connectors.stock: is there already", id="a name that is there"),
        pytest.param("other", ["--portal", "brnd"], "did you mean 'brand'?", id="unknown portal"),
        pytest.param("other", sets("api_kee=env:TOKEN"), "did you mean 'api_key'?", id="unknown setting"),
    ],
)
def test_add_when_something_is_wrong_changes_nothing(
    site: Site, name: str, extra: list[str], said: str
) -> None:
    before = config(site)
    result = site.run("add", name, "--plugin", "istock", *account(site), *extra, expect=3)
    assert said in result.stderr
    assert config(site) == before


def test_edit_changes_one_value_and_keeps_every_comment(site: Site) -> None:
    commented = config(site).replace(
        "include_videos = true", "include_videos = true # films, too\n# the day we began:"
    )
    (site.folder / "damlink.toml").write_text(f"# ours\n\n{commented}# the end\n")
    before = config(site)
    site.run("edit", "stock", "--no-check", *sets("include_videos=false"))
    changed = before.replace("include_videos = true", "include_videos = false")
    assert config(site) == changed


def test_edit_takes_a_setting_out_and_puts_another_in(site: Site) -> None:
    site.run("edit", "stock", "--unset", "sync_after", *sets("max_downloads_per_run=7"))
    assert "sync_after" not in config(site)
    assert "max_downloads_per_run = 7\n" in config(site)


def test_edit_when_the_new_value_is_wrong_changes_nothing(site: Site) -> None:
    before = config(site)
    result = site.run("edit", "stock", *sets("license_model=sub"), expect=3)
    assert "expected subscription or credits" in result.stderr
    assert config(site) == before


def test_connector_when_disabled_is_left_out_until_it_is_enabled(site: Site) -> None:
    before = config(site)
    site.run("disable", "stock")
    assert "no connector is enabled" in site.run("run", expect=3).stderr
    (connector,) = json.loads(site.run("status", "--json").stdout)["connectors"]
    assert connector["enabled"] is False
    site.run("enable", "stock")
    assert config(site).replace("enabled = true\n", "") == before


# --- secrets ---------------------------------------------------------------------------------------

RAW = f"sandbox-istock-key-{SECRET_MARK}"


def kept_bytes(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("damlink.db*") if file.is_file())


def process_list() -> str:
    """The command line of every process."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines.append(file.read_text(errors="replace").replace("\0", " "))
    return "\n".join(lines)


def test_secret_when_kept_works_and_stands_nowhere_in_the_open(site: Site) -> None:
    raw = site.portal.token
    said = entered(site, f"{raw}\n", "secret", "set", "brand.token")
    site.tables["portals"]["brand"]["token"] = {"secret": "brand.token"}
    site.write()
    with site.start("--log-level", "debug", "run", "--limit", "2", fresh=True) as child:
        own = "-m damlink --log-level debug run"
        while own not in (processes := process_list()) and Path("/proc").is_dir() and child.poll() is None:
            time.sleep(0.01)
        said += "".join(child.communicate(timeout=100))
    assert child.returncode == 0, said
    assert (own in processes) == Path("/proc").is_dir()
    assert raw not in processes
    assert raw not in said
    assert raw.encode() not in kept_bytes(site.folder)
    assert len(site.stored()) == 2


def test_secret_when_the_key_is_rotated_still_opens(site: Site) -> None:
    entered(site, f"{site.portal.token}\n", "secret", "set", "brand.token")
    site.tables["portals"]["brand"]["token"] = {"secret": "brand.token"}
    site.write()
    before = (site.folder / "damlink.key").read_text()
    assert "values are encrypted with the new key in " in site.run("secret", "rotate").stderr
    assert (site.folder / "damlink.key").read_text() != before
    site.run("bynder", "brand", "users", "current")


def test_secret_when_removed_is_missed_with_the_cure(site: Site) -> None:
    entered(site, RAW, "secret", "set", "istock.key")
    assert json.loads(site.run("secret", "list", "--json").stdout) == ["istock.key"]
    site.connector(api_key={"secret": "istock.key"})
    site.run("secret", "remove", "istock.key")
    assert json.loads(site.run("secret", "list", "--json").stdout) == []
    line = site.run("run", expect=3).stderr.strip()
    assert line.endswith("there is no secret 'istock.key'; keep it with `damlink secret set istock.key`")
    assert "there is no secret" in site.run("secret", "remove", "istock.key", expect=3).stderr


def test_secret_key_opens_what_it_has_closed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAMLINK_KEY", site.run("secret", "key").stdout.strip())
    entered(site, RAW, "secret", "set", "istock.key")
    site.connector(api_key={"secret": "istock.key"})
    site.run("check")
    assert not (site.folder / "damlink.key").exists()


# --- what is kept ----------------------------------------------------------------------------------


@pytest.fixture
def ran(site: Site) -> Site:
    """A site where a run has carried two assets."""
    site.run("run", "--limit", "2")
    return site


def documents(out: str) -> list[Any]:
    """JSON lines, each a document."""
    return [json.loads(line) for line in out.splitlines()]


def test_listings_as_json_are_json_and_nothing_else(ran: Site) -> None:
    (connector,) = json.loads(ran.run("status", "--json").stdout)["connectors"]
    assert connector["assets"]["pushed"] == 2
    (run,) = documents(ran.run("runs", "stock", "--json").stdout)
    assert (run["exit_code"], run["totals"]["outcomes"]) == (0, {"pushed": 2})
    pushed = documents(ran.run("assets", "stock", "--state", "pushed", "--json").stdout)
    assert {asset["source_id"] for asset in pushed} == {*ran.stored()}
    shown = json.loads(ran.run("state", "show", "stock", "--json").stdout)
    assert shown["assets"] == connector["assets"]
    assert shown["lease"]["heartbeat_at"] is None
    assert all(finding["ok"] for finding in json.loads(ran.run("check", "--json").stdout))


def test_listings_before_the_first_run_are_empty_and_make_no_database(site: Site) -> None:
    assert site.run("runs", "stock", "--json").stdout == ""
    assert site.run("assets", "stock", "--json").stdout == ""
    assert site.run("state", "export", "stock").stdout == ""
    assert json.loads(site.run("state", "show", "stock", "--json").stdout) == {"database": None}
    assert not any(site.folder.glob("damlink.db*"))


def test_state_when_exported_holds_every_row_and_no_notes(ran: Site) -> None:
    rows = documents(ran.run("state", "export", "stock").stdout)
    assert {row["source_id"] for row in rows} == {*ran.licensed()}
    assert {row["state"] for row in rows} == {"pushed", "due"}
    assert not any("checkpoint" in row for row in rows)


def test_state_when_reset_without_consent_stays(ran: Site) -> None:
    said = ran.run_child("state", "reset", "stock", expect=2).stderr
    assert "confirm with --yes" in said
    assert len(ran.assets("pushed")) == 2


def test_state_when_reset_is_taken_over_from_the_portal_by_the_next_run(ran: Site) -> None:
    before = {*ran.stored()}
    count = len(ran.licensed())
    assert f"{count} assets deleted from the ledger" in ran.run("state", "reset", "stock", "--yes").stdout
    assert ran.assets() == []
    ran.sandbox.world.clock.advance(5)  # the portal's lists show the last assets
    ran.run("run", "--limit", "1")
    assert_arrived_once_and_whole(ran, before)
    assert len(ran.stored()) == 3


def test_plugins_as_json_tell_what_is_installed(site: Site) -> None:
    plugins = {each["name"]: each for each in json.loads(site.run("plugins", "--verify", "--json").stdout)}
    istock = plugins["istock"]
    assert {each["problem"] for each in plugins.values()} == {""}
    assert (istock["name"], istock["distribution"], istock["problem"]) == ("istock", "damlink-istock", "")
    shown = json.loads(site.run("plugins", "show", "istock", "--json").stdout)
    assert {"list_source_assets", "transform", "push"} <= {*shown["hooks"]}
    assert [setting["name"] for setting in shown["settings"] if setting["required"]] == [
        "api_key",
        "api_secret",
    ]


def test_schema_of_a_plugin_describes_each_setting(site: Site) -> None:
    schema = json.loads(site.run("plugins", "show", "istock", "--schema").stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert {*schema["required"]} <= {*schema["properties"]}
    forms = {"type", "enum", "anyOf", "oneOf"}
    assert all(len(forms & {*setting}) == 1 for setting in schema["properties"].values())
    assert all(setting["description"] for setting in schema["properties"].values())


# --- login -----------------------------------------------------------------------------------------


@pytest.fixture
def code_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same site with a portal that wants a person's consent, sent back to a free port."""
    monkeypatch.setenv("CLIENT_SECRET", site.portal.client_secret)
    ask_for_consent(site, "127.0.0.1")
    return site


def consent(site: Site) -> str:
    """Log in as a person would, with a browser that follows every redirect; what the command says."""
    with site.start("login", "brand", "--no-browser") as child:
        said = ""
        while not (found := re.search(r"^http://\S+$", said, re.MULTILINE)):
            line = child.stderr.readline()
            assert line, f"it ended early: {said}"
            said += line
        page = httpx.get(found[0], follow_redirects=True)
        assert "close this page" in page.text
        rest = child.communicate(timeout=60)
    assert child.returncode == 0, rest
    return said + "".join(rest)


def test_login_when_consent_is_given_lets_the_portal_in_and_renews_by_itself(code_site: Site) -> None:
    refused = code_site.run("check", expect=4)
    assert "run `damlink login brand`" in refused.stdout
    assert consent(code_site).endswith("brand: signed in\n")
    code_site.run("check")
    counts = code_site.sandbox.world.counts
    assert counts[TOKEN_REQUESTS] == 1
    code_site.portal.control("tokens", {"expire": True, "rotate": True})
    code_site.run("run", "--limit", "1")
    code_site.portal.control("tokens", {"expire": True})
    code_site.run("check")
    assert counts[TOKEN_REQUESTS] == 3
    assert len(code_site.stored()) == 1


def test_login_when_the_answer_is_not_ours_waits_on(code_site: Site) -> None:
    redirect = code_site.tables["portals"]["brand"]["redirect_url"]
    with code_site.start("login", "brand", "--no-browser") as child:
        said = child.stderr.readline() + child.stderr.readline()
        forged = httpx.get(redirect, params={"code": "forged", "state": "forged"})
        assert (forged.status_code, "does not belong to the sign-in" in forged.text) == (400, True)
        assert httpx.get(redirect.replace("callback", "elsewhere")).status_code == 404
        httpx.get(said.splitlines()[-1], follow_redirects=True)
        _, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "brand: signed in\n")


def test_login_when_consent_is_denied_says_so_in_the_browser_and_the_terminal(code_site: Site) -> None:
    with code_site.start("login", "brand", "--no-browser") as child:
        address = httpx.URL((child.stderr.readline() + child.stderr.readline()).splitlines()[-1])
        with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as browser:
            page = browser.get(address)
            denied = {"login_challenge": page.url.params["login_challenge"], "decision": "deny"}
            shown = browser.post(page.url.copy_with(query=None), data=denied).text
        _, err = child.communicate(timeout=60)
    assert "Consent was refused, so Damlink is not signed in" in shown
    assert (child.returncode, err) == (
        4,
        "damlink: brand: consent was refused: access_denied; run `damlink login brand` again, and allow it\n",
    )


def test_requests_when_there_is_a_local_address_leave_from_it(site: Site) -> None:
    site.tables["http"] = {"local_address": {"env": "DAMLINK_ADDRESS"}}
    site.write()
    environment = {**site.environment, "DAMLINK_ADDRESS": "127.0.0.3"}
    asking = site.start("check", environment=environment)
    asking.communicate(timeout=110)
    judged = site.portal.control("pace", {})
    assert (asking.returncode, judged["addresses"]) == (0, ["127.0.0.3"])


def test_login_when_the_code_is_redeemed_counts_on_the_pace(code_site: Site) -> None:
    consent(code_site)
    assert code_site.sandbox.world.counts[TOKEN_REQUESTS] == 1
    assert permits(code_site) == 1


def permits(site: Site) -> int:
    """The requests that the pace has counted."""
    with contextlib.closing(sqlite3.connect(site.folder / "pace.db")) as database:
        return int(database.execute("SELECT count(*) FROM permit").fetchone()[0])


@pytest.mark.parametrize(("command", "reserves"), [("check", True), ("run", False)])
def test_command_reserves_a_tenth_of_the_pace_if_it_checks(site: Site, command: str, reserves: bool) -> None:
    site.run(command)
    assert is_reserved(site) is reserves


def test_login_when_the_consent_is_withdrawn_says_to_sign_in_again(code_site: Site) -> None:
    consent(code_site)
    code_site.portal.control("tokens", {"expire": True})
    refused = Fault("portal", "POST /v6", status=400, body='{"error":"invalid_grant"}', times=0)
    code_site.sandbox.world.faults.add(refused)
    said = code_site.run("bynder", "brand", "users", "current", expect=4).stderr
    assert said.endswith("the consent has ended or was withdrawn: run `damlink login brand`\n")
    assert "check the" not in said


def test_login_when_consent_comes_without_offline_says_so_at_once_and_later(code_site: Site) -> None:
    code_site.tables["portals"]["brand"]["scopes"] = ["current.user:read"]
    code_site.write()
    assert "because no refresh token came with it; ask for the scope that gives one" in consent(code_site)
    code_site.run("bynder", "brand", "users", "current")
    code_site.sandbox.world.clock.advance(7200)
    code_site.portal.control("tokens", {"expire": True})
    said = code_site.run("bynder", "brand", "users", "current", expect=4).stderr
    assert "the sign-in has ended, and it came without a refresh token; ask for the scope" in said
    assert "run `damlink login brand`" in said


def test_client_credentials_when_used_by_several_commands_ask_for_one_token(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", site.portal.client_secret)
    client = {"client_id": site.portal.client_id, "client_secret": {"env": "CLIENT_SECRET"}}
    url = site.sandbox.origins["portal"]
    site.tables["portals"]["robot"] = {"url": url, "auth": "oauth2-client-credentials", **client}
    site.connector(portal="brand")
    for _ in range(3):
        site.run("bynder", "robot", "users", "current")
    assert site.sandbox.world.counts[TOKEN_REQUESTS] == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("brnd", "did you mean 'brand'?", id="unknown name"),
        pytest.param("brand", "does not sign in with a browser", id="permanent token"),
    ],
)
def test_login_when_it_cannot_be_done_says_why(site: Site, name: str, said: str) -> None:
    assert said in site.run("login", name, "--no-browser", expect=3).stderr
