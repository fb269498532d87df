"""What a person at a terminal is asked by `init`, `portal`, `add` and `edit`, on a pseudo terminal."""

from __future__ import annotations

import json
import re

import pytest
from loopback import SECRET_VALUES, Site, assert_arrived_once_and_whole
from terminal import Terminal

from damlink_sandbox.mark import SECRET_MARK

KEY, SECRET, USER, PASSWORD = SECRET_VALUES.values()
LITERALS = re.compile(r"\{'|\[\]|\(\)|\('|\bTrue\b|\bFalse\b|\bNone\b|Secret\(")


def endpoints(site: Site) -> list[str]:
    """The advanced settings that lead to the sandbox."""
    origins = site.sandbox.origins
    given = {
        "api_url": origins["istock"],
        "token_url": f"{origins['istock-login']}/oauth2/token",
        "requests_per_second": "500.0",
    }
    return [word for key, value in given.items() for word in ("--set", f"{key}={value}")]


def config(site: Site) -> str:
    return (site.folder / "damlink.toml").read_text(encoding="utf-8")


def secrets(site: Site) -> list[str]:
    """The names of the secrets that are kept."""
    return [str(name) for name in json.loads(site.run("secret", "list", "--json").stdout)]


@pytest.fixture
def bare(site: Site) -> Site:
    """A config with a portal and no connector."""
    site.tables["connectors"] = {}
    site.write()
    return site


@pytest.fixture
def empty(site: Site) -> Site:
    """No config."""
    (site.folder / "damlink.toml").unlink()
    return site


# --- add -------------------------------------------------------------------------------------------

ANSWERS = [
    ("send_to_waiting_room", ""), ("api_key", KEY), ("api_secret", SECRET), ("username", USER),
    ("password", PASSWORD), ("license_model", ""), ("include_videos", "y"), ("sync_after", "2025-01-01"),
    ("sync_organization_assets", "y"),
]  # fmt: skip


def test_add_asks_what_people_choose_in_the_order_of_the_settings(bare: Site) -> None:
    with Terminal(bare, "add", "EMEA Marketing", "--plugin", "istock", *endpoints(bare)) as terminal:
        terminal.answers(ANSWERS)
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "emea-marketing is added" in shown
    assert LITERALS.search(shown) is None
    written = config(bare)
    assert 'title = "EMEA Marketing"' in written
    assert 'api_key = {secret = "emea-marketing.api_key"}' in written
    assert "include_videos = true\nsync_after = 2025-01-01\n" in written
    assert "license_model" not in written
    assert SECRET_MARK not in shown + written
    assert "sandbox-istock" not in shown + written
    bare.run("run", "EMEA Marketing", "--limit", "1")
    assert_arrived_once_and_whole(bare, {*bare.stored()})


def test_add_when_asked_for_all_asks_for_advanced_settings_too(bare: Site) -> None:
    with Terminal(bare, "add", "stock", "--plugin", "istock", "--all", "--no-check") as terminal:
        terminal.answers([*ANSWERS[:5], ("refresh_token", ""), *ANSWERS[5:], ("download_size", "medium")])
        terminal.answers(
            [("project_code", ""), ("download_notes", ""), ("product_id", "x"), ("product_id", "4711")]
        )
        terminal.expect("use_team_credits")
        shown = terminal.interrupt()
    assert "product_id: expected a whole number, got 'x'" in shown


def test_add_when_an_answer_is_wrong_asks_again_at_once(bare: Site) -> None:
    with Terminal(bare, "add", "stock", "--plugin", "istock", *endpoints(bare)) as terminal:
        terminal.answers([*ANSWERS[:7], ("sync_after", "the first of May")])
        terminal.expect("sync_after: expected a date such as 2024-01-31, got 'the first of May'")
        terminal.answers(ANSWERS[7:])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "sync_after = 2025-01-01\n" in config(bare)


def test_add_when_the_credentials_are_refused_offers_to_enter_them_again(bare: Site) -> None:
    with Terminal(bare, "add", "stock", "--plugin", "istock", *endpoints(bare)) as terminal:
        terminal.answers([*ANSWERS[:2], ("api_secret", "wrong"), *ANSWERS[3:]])
        terminal.answers([("Enter the settings again?", ""), ("send_to_waiting_room", ""), ("api_key", "")])
        terminal.answers([("api_secret", SECRET), *((name, "") for name, _ in ANSWERS[3:])])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "sync_after = 2025-01-01\n" in config(bare)
    assert secrets(bare) == ["stock.api_key", "stock.api_secret", "stock.password"]


@pytest.mark.parametrize("question", [name for name, _ in ANSWERS])
def test_add_when_interrupted_at_a_question_leaves_nothing_behind(site: Site, question: str) -> None:
    before = config(site)
    with Terminal(site, "add", "other", "--plugin", "istock", *endpoints(site)) as terminal:
        terminal.answers(ANSWERS[: [name for name, _ in ANSWERS].index(question)])
        terminal.expect(f"\n{question}")
        shown = terminal.interrupt()
    assert terminal.child.returncode == 130
    assert shown.endswith("damlink: interrupted\n")
    assert config(site) == before
    assert not any(site.folder.glob("damlink.db*"))


def test_add_when_refused_and_given_up_leaves_no_secret_behind(site: Site) -> None:
    before = config(site)
    with Terminal(site, "add", "other", "--plugin", "istock", *endpoints(site)) as terminal:
        terminal.answers([*ANSWERS[:2], ("api_secret", "wrong"), *ANSWERS[3:]])
        terminal.answers([("Enter the settings again?", "n")])
        terminal.end()
    assert terminal.child.returncode == 4
    assert config(site) == before
    assert secrets(site) == []


def test_add_when_flags_give_all_that_is_required_asks_nothing(bare: Site) -> None:
    given = [
        word for key in ("KEY", "SECRET") for word in ("--set", f"api_{key.lower()}=env:ISTOCK_API_{key}")
    ]
    account = ["--set", "username=env:ISTOCK_USERNAME", "--set", "password=env:ISTOCK_PASSWORD"]
    with Terminal(bare, "add", "stock", "--plugin", "istock", *given, *account, *endpoints(bare)) as terminal:
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert config(bare).count("{env = ") == 5


def test_add_when_an_empty_filter_selects_the_whole_portal_has_it_confirmed(bare: Site) -> None:
    with Terminal(bare, "add", "marks", "--plugin", "imatag", "--no-check") as terminal:
        terminal.answers(
            [("api_key", "env:IMATAG"), ("directory", "acme/dam"), ("hash_metaproperty", "hash")]
        )
        terminal.answers([("filters", "")])
        terminal.expect("Without a filter, every asset of the portal is marked. Is that meant?")
        terminal.answers(
            [("", "n"), ("filters", "tags = protect"), ("the next one", "collection = Spring, 2026")]
        )
        terminal.answers([("the next one", ""), ("deliver_as", "new-asset"), ("new_asset_name", "")])
        terminal.answers(
            [("new_asset_tags", "Spring, 2026"), ("the next one", "Marked"), ("the next one", "")]
        )
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert 'filters = {tags = "protect", collection = "Spring, 2026"}\n' in config(bare)
    assert 'new_asset_tags = ["Spring, 2026", "Marked"]\n' in config(bare)


# --- edit ------------------------------------------------------------------------------------------


def test_edit_shows_every_value_and_takes_several_changes_at_once(site: Site) -> None:
    with Terminal(site, "edit", "stock", "--no-check") as terminal:
        terminal.answers([("setting", "include_videos"), ("include_videos", "n"), ("setting", "workers")])
        terminal.answers([("workers", "99"), ("workers", "2"), ("setting", "every"), ("every", "90m")])
        terminal.answers([("setting", "sync_after"), ("sync_after", "-"), ("setting", "")])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert re.search(r"^workers +4 +default$", shown, re.MULTILINE)
    assert re.search(r"^include_videos +true$", shown, re.MULTILINE)
    assert re.search(r"^api_key +env:ISTOCK_API_KEY$", shown, re.MULTILINE)
    assert re.search(r"^license_model +subscription +default$", shown, re.MULTILINE)
    assert LITERALS.search(shown) is None
    assert "workers must be at least 1 and at most 64" in shown
    assert {"workers = 2", 'every = "90m"'} <= {*config(site).splitlines()}
    assert "include_videos" not in config(site)
    assert "sync_after" not in config(site)


def test_edit_when_interrupted_changes_nothing(site: Site) -> None:
    before = config(site)
    with Terminal(site, "edit", "stock", "--no-check") as terminal:
        terminal.answers([("setting", "api_key"), ("api_key", "another")])
        terminal.expect("\nsetting")
        terminal.interrupt()
    assert (terminal.child.returncode, config(site), secrets(site)) == (130, before, [])


# --- init and portal -------------------------------------------------------------------------------


def test_init_tries_what_it_is_given_and_lets_the_brand_be_chosen(empty: Site) -> None:
    empty.portal.control("brands", {"brands": ["First brand", "Second brand"]})
    url = empty.sandbox.origins["portal"]
    with Terminal(empty, "init") as terminal:
        terminal.answers([("url", "http://brand.example"), ("url", url), ("auth", "")])
        terminal.answers([("token", empty.portal.token), ("brand", "2")])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "url must begin with https:// (http only on loopback)" in shown
    assert "2  Second brand" in shown
    assert empty.portal.token not in shown + config(empty)
    assert config(empty) == (
        f'[portals.brand]\nurl = "{url}"\ntoken = {{secret = "portal.brand.token"}}\nbrand = "Second brand"\n'
    )
    assert "connected" in empty.run("check").stdout


def test_init_when_the_token_is_refused_asks_again_and_writes_nothing_before(empty: Site) -> None:
    url = empty.sandbox.origins["portal"]
    with Terminal(empty, "init") as terminal:
        terminal.answers([("url", url), ("auth", ""), ("token", "wrong")])
        terminal.expect("Enter the settings again?")
        assert not (empty.folder / "damlink.toml").exists()
        terminal.answers([("", "y"), ("url", ""), ("auth", ""), ("token", empty.portal.token)])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "check the portal's token" in shown


def test_portal_when_a_second_is_added_is_asked_for_its_own_keys(site: Site) -> None:
    url = site.sandbox.origins["portal"]
    with Terminal(site, "portal", "add", "other") as terminal:
        terminal.answers([("url", url), ("auth", "oauth2-client-credentials")])
        terminal.answers([("client_id", site.portal.client_id), ("client_secret", site.portal.client_secret)])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "[portals.other]" in config(site)
    assert 'portal = "brand"\n' in config(site)  # the connector's, who could leave it out before
    assert "connected" in site.run("portal", "check", "other").stdout


def test_portal_when_edited_shows_its_settings_and_changes_one(site: Site) -> None:
    site.portal.control("brands", {"brands": ["First brand", "Second brand"]})
    with Terminal(site, "portal", "edit") as terminal:
        terminal.answers([("setting", "brand"), ("brand", "1"), ("setting", "")])
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert re.search(r"^token +env:TOKEN$", shown, re.MULTILINE)
    assert 'brand = "First brand"\n' in config(site)
