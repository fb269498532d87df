"""Every command of the command line: it is noted in the audit log, or there is a reason why not."""

from __future__ import annotations

import io
import json
import os
import pwd
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import click
import httpx
import pytest
from canaries import CANARY
from loopback import Site, ask_for_consent

from damlink._cli import COMMANDS, root
from damlink._config.load import load
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._state.database import SCHEMA
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed

ARN = "arn:aws:sns:eu-west-1:111122223333:brand"
PASSWORD = "correct horse battery"
WHO = f"os:{pwd.getpwuid(os.getuid()).pw_name}"
NO_CHECK = "--no-check"


@attrs.frozen
class Case:
    """A command that changes something, and what the log says of it.

    Attributes:
        typed: what is piped into it.
        details: those that matter; the entry may have others.
        prepare: makes what it needs.
    """

    words: Sequence[str]
    subject: str
    details: dict[str, Any]
    typed: str = ""
    prepare: Callable[[Site], object] = lambda _: None


def rows(site: Site) -> None:
    """Leave an asset of which nobody knows whether it has arrived."""
    with Session(load(site.folder / "damlink.toml")) as session, Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset("1", "v1", "one")]), "all")
        row = ledger.claim()
        assert row is not None
        ledger.mark_uncertain(row, "it may have arrived")


def rejected(site: Site) -> None:
    rows(site)
    site.run("settle", "stock", "1", "--again")


def ann(site: Site) -> None:
    site.run("users", "add", "ann", "--no-password")


def event(site: Site) -> None:
    (site.folder / "event.json").write_text(
        json.dumps({"Subject": "asset_bank.media.updated", "Message": "{}"})
    )


def inbox(site: Site) -> None:
    event(site)
    site.run("events", "send", "brand", "event.json")


def public(site: Site) -> None:
    site.tables["serve"] = {"public_url": "https://events.example"}
    site.write()


def secret(site: Site, value: str = CANARY) -> None:
    with Session(load(site.folder / "damlink.toml")) as session:
        session.secrets.set("api", value)


def restored(site: Site) -> None:
    """Put the database of an earlier run in the place of the present one."""
    site.run("run", "--limit", "3")
    earlier = site.folder / "backup.db"
    shutil.copy(site.folder / "damlink.db", earlier)
    site.run("run")
    for file in site.folder.glob("damlink.db-*"):
        file.unlink()
    earlier.replace(site.folder / "damlink.db")


NEW = ("--set", "url=https://brand.example", "--set", "token=env:TOKEN", NO_CHECK)
ACCOUNT = [
    word
    for name in ("api_key", "api_secret", "username", "password")
    for word in ("--set", f"{name}=env:ISTOCK_{name.upper()}")
]
NOTED = {
    "init": Case(
        ("init", *NEW),
        "brand",
        {"url": ["not set", "https://brand.example"], "token": ["not set", "env:TOKEN"]},
        prepare=lambda site: (site.folder / "damlink.toml").unlink(),
    ),
    "portal add": Case(
        ("portal", "add", "other", *NEW),
        "other",
        {"token": ["not set", "env:TOKEN"], "connectors.stock.portal": ["not set", "brand"]},
    ),
    "portal edit": Case(
        ("portal", "edit", "brand", "--set", "index_lag=2s", NO_CHECK), "brand", {"index_lag": ["1s", "2s"]}
    ),
    "add": Case(
        ("add", "other", "--plugin", "istock", *ACCOUNT, NO_CHECK),
        "other",
        {"plugin": ["not set", "istock"], "password": ["not set", "env:ISTOCK_PASSWORD"]},
    ),
    "edit": Case(
        ("edit", "stock", "--set", "include_videos=false", NO_CHECK),
        "stock",
        {"include_videos": ["true", "false"]},
    ),
    "enable": Case(("enable", "stock"), "stock", {"enabled": ["not set", "true"]}),
    "disable": Case(("disable", "stock"), "stock", {"enabled": ["not set", "false"]}),
    "users add": Case(
        ("users", "add", "ann", "--role", "operator"), "ann", {"role": "operator"}, f"{PASSWORD}\n"
    ),
    "users role": Case(
        ("users", "role", "ann", "operator"), "ann", {"role": ["viewer", "operator"]}, prepare=ann
    ),
    "users password": Case(("users", "password", "ann"), "ann", {}, f"{PASSWORD}\n", ann),
    "users link": Case(("users", "link", "ann"), "ann", {}, prepare=ann),
    "users token": Case(
        ("users", "token", "ann", "report"), "ann", {"label": "report", "days": 90}, prepare=ann
    ),
    "users revoke": Case(("users", "revoke", "ann"), "ann", {}, prepare=ann),
    "users remove": Case(("users", "remove", "ann"), "ann", {}, prepare=ann),
    "events url": Case(("events", "url", "brand"), "brand", {}, prepare=public),
    "events subscribe": Case(("events", "subscribe", "brand"), "brand", {}, prepare=public),
    "events approve": Case(("events", "approve", "brand", ARN), "brand", {"topic": ARN}),
    "events send": Case(
        ("events", "send", "brand", "event.json"),
        "brand",
        {"event": "asset_bank.media.updated"},
        prepare=event,
    ),
    "events replay": Case(
        ("events", "replay", "brand", "1"), "brand", {"first": 1, "last": 1, "count": 1}, prepare=inbox
    ),
    "retry": Case(("retry", "stock", "1"), "stock", {"assets": "1", "count": 1}, prepare=rejected),
    "settle": Case(
        ("settle", "stock", "1", "--saved", "MEDIA-1"),
        "stock 1",
        {"arrived": "yes", "target_id": "MEDIA-1"},
        prepare=rows,
    ),
    "state reset": Case(("state", "reset", "stock", "--yes"), "stock", {"assets": [1, 0]}, prepare=rows),
    "state accept": Case(("state", "accept"), "the database", {"connectors": ["stock"]}, prepare=restored),
    "state upgrade": Case(("state", "upgrade"), "the database", {"version": ["none", SCHEMA]}),
    "secret set": Case(
        ("secret", "set", "api"), "api", {"value": ["not set", "(another secret)"]}, f"{CANARY}\n"
    ),
    "secret remove": Case(
        ("secret", "remove", "api"), "api", {"value": ["(a secret)", "not set"]}, prepare=secret
    ),
    "secret rotate": Case(("secret", "rotate"), "the key of the database", {}, prepare=secret),
}
# Proven below, each in its own way.
NOTED_APART = {"login", "run"}
READS = "it reads only"
NOT_NOTED = {
    "portal check": READS,
    "plugins show": READS,
    "check": READS,
    "workers": READS,
    "users list": READS,
    "audit": READS,
    "events inbox": READS,
    "events list": READS,
    "events refused": READS,
    "status": READS,
    "runs": READS,
    "assets": READS,
    "diagnostics": READS,
    "state export": READS,
    "state show": READS,
    "secret list": READS,
    "secret key": "it makes a key, prints it, and keeps nothing",
    "plan": "it carries nothing; a saved plan is listed, and its approval is noted",
    "serve": "it carries what the config says: `damlink runs` lists that",
    "worker": "it carries what the config says: `damlink runs` lists that",
    "console": "it notes each form with its user",
    "bynder": "it calls the portal, and changes nothing here",
    "new": "it makes a folder for a new plugin",
    "test": "it tries a plugin against its stand-in",
    "grade": "it tries a plugin against its stand-in",
}
READERS = {
    "portal check": ("portal", "check", "brand"),
    "plugins show": ("plugins", "show", "istock"),
    "check": ("check", "stock"),
    "workers": ("workers",),
    "users list": ("users", "list"),
    "audit": ("audit", "--verify"),
    "events inbox": ("events", "inbox", "brand"),
    "events list": ("events", "list", "brand"),
    "events refused": ("events", "refused", "brand"),
    "status": ("status",),
    "runs": ("runs", "stock"),
    "assets": ("assets", "stock"),
    "diagnostics": ("diagnostics",),
    "state export": ("state", "export", "stock"),
    "state show": ("state", "show", "stock"),
    "secret list": ("secret", "list"),
}


def commands(command: click.Command, context: click.Context, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the words of each command. Those below `bynder` are made from the client's methods."""
    if not isinstance(command, click.Group) or words == ("bynder",):
        yield " ".join(words)
        return
    for name in command.list_commands(context) if words else COMMANDS:
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, click.Context(found, parent=context, info_name=name), (*words, name))


EVERY = [*commands(root, click.Context(root))]


def entries(site: Site) -> list[dict[str, Any]]:
    """The log as `damlink audit` shows it, the newest first."""
    lines = site.run("audit", "--json").stdout.splitlines()
    return [each | {"details": json.loads(each["details"])} for each in map(json.loads, lines)]


def test_commands_when_listed_have_one_verdict_each() -> None:
    verdicts = [*NOTED, *NOTED_APART, *NOT_NOTED]
    assert sorted(verdicts) == sorted(EVERY)
    assert sorted(READERS) == sorted(name for name, why in NOT_NOTED.items() if why == READS)


@pytest.mark.parametrize("name", NOTED)
def test_command_when_it_changes_something_is_noted(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    case = NOTED[name]
    case.prepare(site)
    before = len(entries(site)) if (site.folder / "damlink.toml").exists() else 0
    monkeypatch.setattr("sys.stdin", io.StringIO(case.typed))
    site.run(*case.words)
    (entry, *earlier) = entries(site)
    assert (entry["user"], entry["action"], entry["subject"]) == (WHO, name, case.subject)
    assert case.details.items() <= entry["details"].items()
    assert len(earlier) == before
    assert PASSWORD not in json.dumps(entry)


@pytest.mark.parametrize("name", READERS)
def test_command_when_it_reads_only_is_not_noted(site: Site, name: str) -> None:
    site.run("disable", "stock")
    site.run("enable", "stock")
    before = entries(site)
    site.run(*READERS[name])
    assert entries(site) == before


def test_login_when_a_person_consents_is_noted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_SECRET", site.portal.client_secret)
    ask_for_consent(site, "127.0.0.1")
    with site.start("login", "brand", "--no-browser") as child:
        assert child.stderr is not None
        address = (child.stderr.readline() + child.stderr.readline()).splitlines()[-1]
        httpx.get(address, follow_redirects=True)
        child.communicate(timeout=60)
    (entry,) = entries(site)
    assert (entry["user"], entry["action"], entry["subject"]) == (WHO, "login", "brand")


def test_run_when_it_approves_a_plan_is_noted_and_else_is_not(site: Site) -> None:
    site.run("run", "--limit", "1")
    site.run("plan", "stock", "--save")
    assert entries(site) == []
    plan = json.loads(site.run("plan", "stock", "--save", "--json").stdout.splitlines()[-1])["plan"]
    site.run("run", "--plan", plan)
    (entry,) = entries(site)
    assert (entry["action"], entry["subject"], entry["details"]) == ("run", "stock", {"plan": plan})


def test_secret_when_settings_refer_to_it_is_noted_by_its_name(site: Site) -> None:
    site.run("edit", "stock", "--set", "password=secret:stock.password", NO_CHECK)
    (entry,) = entries(site)
    assert entry["details"] == {"password": ["env:ISTOCK_PASSWORD", "secret:stock.password"]}


def test_settings_when_the_database_cannot_be_used_are_written_with_a_warning(site: Site) -> None:
    (site.folder / "damlink.db").write_bytes(b"no database" * 99)
    said = site.run("disable", "stock").stderr
    assert "the config is written, but the audit log does not say so: " in said
    assert "enabled = false" in (site.folder / "damlink.toml").read_text()


def test_connector_when_its_plugin_is_missing_is_disabled_and_noted(site: Site) -> None:
    site.connector(plugin="gone")
    site.run("disable", "stock")
    assert entries(site)[0]["details"] == {"enabled": ["not set", "false"]}
