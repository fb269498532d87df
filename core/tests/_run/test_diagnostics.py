"""A file for support has what support needs, and no byte of a secret, a title or a file name."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import attrs
import pytest
from canaries import KEY
from ledger_rows import claim

from damlink._config.load import load
from damlink._http.token import Token
from damlink._model import SourceAsset
from damlink._run.diagnostics import FOLDER, LOG_BYTES, MEMBERS, make_diagnostics
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._secrets.store import TokenCustody
from damlink._state.access import Access
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.runs import Runs
from damlink._state.tables import metadata
from damlink._state.users import Role, Users

# One for each place in which a secret may stand, or the name of an asset.
KINDS = (
    *("literal", "comment", "metadata", "environment", "named", "file", "store", "access", "refresh"),
    *("user", "header", "cookie", "member", "parameter", "address", "word", "title", "id", "picture"),
)
LEAKS = {kind: f"{hashlib.sha256(kind.encode()).hexdigest()[:12]}Zq/{kind}" for kind in KINDS}
PLUGIN = """
import attrs
from damlink import *

about = About(title="Acme", summary="Pictures.")

@attrs.frozen
class settings_class:
    key: Secret = setting(help="The key.")
    password: str = setting(default="", help="By mistake no secret.")
    pages: int = setting(default=3, help="Pages.")
    kind: str = setting(default="all", help="Which.")
    site_url: str = setting(default="", help="Where.")

@hookimpl
def list_source_assets(ctx):
    yield SourceAsset("1", "a")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
CONFIG = f"""
# The former key was {LEAKS["comment"]}.
[portals.brand]
url = "https://brand.example"
token = {{ env = "TOKEN" }}

[portals.other]
url = "https://other.example"
token = {{ file = "token.secret" }}

[connectors.stock]
plugin = "acme"
portal = "brand"
title = "The stock"
key = {{ secret = "kept" }}
password = "{LEAKS["named"]}"
pages = 7
kind = "https://user:{LEAKS["address"]}@acme.example/a"
site_url = "https://acme.example/a?key={LEAKS["parameter"]}"
metadata = {{ metaproperties = {{ Copyright = "{LEAKS["metadata"]}" }} }}

[connectors.strange]
plugin = "missing"
portal = "other"
every = "2h"
api_key = "{LEAKS["literal"]}"
pin = 123456789
"""
LOG = f"""
2026-01-01 INFO stock: {LEAKS["title"]} has arrived
2026-01-01 DEBUG > Authorization: Bearer {LEAKS["header"]}
2026-01-01 DEBUG > Cookie: a=1; session={LEAKS["cookie"]}
2026-01-01 DEBUG {{"access_token": "{LEAKS["member"]}", "expires_in": 3600}}
{{"level": "debug", "message": "the token '{LEAKS["store"]}' of {LEAKS["id"]}", "auth": "{LEAKS["header"]}"}}
2026-01-01 DEBUG GET https://user:{LEAKS["address"]}@acme.example/a?sig={LEAKS["parameter"]}&page=2
2026-01-01 WARNING cannot read "{LEAKS["picture"]}.jpg", and not {LEAKS["picture"].replace("/", "-")}.tiff
2026-01-01 WARNING the store has {LEAKS["store"]}, {quote(LEAKS["store"], safe="")} and \
{base64.b64encode(f"user:{LEAKS['store']}".encode()).decode()}
2026-01-01 WARNING the token eyJhbGciOiJIUzI1NiJ9{LEAKS["word"].replace("/", "")} was refused
"""


@attrs.frozen
class World:
    """A config with a database, in which secrets stand everywhere."""

    session: Session
    log: Path

    def make(self) -> dict[str, bytes]:
        """Make the file, and return its members by name."""
        return members(make_diagnostics(self.session, self.log))


def members(packed: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        return {each.filename.removeprefix(f"{FOLDER}/"): file.read(each) for each in file.infolist()}


@pytest.fixture
def world(tmp_path: Path, install: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    install("acme", PLUGIN)
    monkeypatch.setenv("TOKEN", LEAKS["environment"])
    (tmp_path / "token.secret").write_text(f"{LEAKS['file']}\n")
    (tmp_path / "damlink.toml").write_text(CONFIG)
    log = tmp_path / "damlink.log"
    with Session(load(tmp_path / "damlink.toml")) as session:
        user_token = fill(session)
        log.write_text(f"{LOG}\n{user_token}\n")
        yield World(session, log)


def fill(session: Session) -> str:
    """Put secrets and names of assets into every table; return the token of a user."""
    session.secrets.set("kept", LEAKS["store"])
    custody = TokenCustody(session.credentials, session.cipher, "account")
    custody.save(Token(Secret(LEAKS["access"]), 0.0, Secret(LEAKS["refresh"])))
    file = f"{LEAKS['picture'].replace('/', '-')}.jpg"
    said = f"{file} refused: '{LEAKS['title']} of {LEAKS['id']}' {' '.join(LEAKS.values())}"
    with Lease(session.database, "stock") as lease:
        ledger = Ledger(session.database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset(LEAKS["id"], "v1", LEAKS["title"])]), "all")
        ledger.mark_rejected(claim(ledger), known(said))
    runs = Runs(session.database, "stock")
    runs.end(runs.begin(1), 4, {"listed": {"new": 1}}, known(said))
    Inbox(session.database).put(
        Notification(
            portal="brand",
            topic="arn:aws:sns:eu-west-1:111122223333:brand",
            message_id="1",
            subject=LEAKS["title"],
            message=json.dumps({"name": LEAKS["picture"], "token": LEAKS["store"]}),
            occurred_at=datetime.now(UTC),
        )
    )
    Users(session.database).add(LEAKS["user"].replace("/", "-"), Role.VIEWER, None)
    return Access(session.database).make_token(LEAKS["user"].replace("/", "-"), "a", None)


def known(text: str) -> str:
    """Leave out what only looks like a secret where it has a name."""
    for kind in ("header", "cookie", "member", "parameter", "address", "word", "comment", "user", "picture"):
        text = text.replace(LEAKS[kind], "")
    return f"{text}; token={LEAKS['member']}, Authorization: Basic {LEAKS['header']}"


@pytest.mark.parametrize("kind", KINDS)
def test_diagnostics_when_secrets_and_names_stand_everywhere_hold_none(world: World, kind: str) -> None:
    leak = LEAKS[kind]
    forms = {leak, leak.replace("/", "-"), leak.replace("/", ""), quote(leak, safe=""), leak[:12]}
    found = {name for name, data in world.make().items() for form in forms if form.encode() in data}
    assert found == set()


def test_diagnostics_hold_neither_the_key_nor_a_token_of_a_user_nor_base64_of_a_secret(world: World) -> None:
    data = b"".join(world.make().values())
    token = world.log.read_text().split()[-1]
    inside = base64.b64encode(f"user:{LEAKS['store']}".encode())[8:24]
    assert [each for each in (KEY.encode(), token.encode(), inside, b"123456789") if each in data] == []


def test_diagnostics_have_the_same_members_each_time_with_their_digests(world: World) -> None:
    found = world.make()
    assert list(found) == list(MEMBERS)
    files = json.loads(found["manifest.json"])["files"]
    assert {name: each["sha256"] for name, each in files.items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in found.items() if name != "manifest.json"
    }


def test_config_when_shown_has_references_numbers_and_declared_texts(world: World) -> None:
    tables = tomllib.loads(world.make()["config.toml"].decode())
    assert tables["portals"]["brand"] == {"url": "https://brand.example", "token": {"env": "TOKEN"}}
    assert tables["connectors"]["stock"] == {
        "plugin": "acme",
        "portal": "brand",
        "title": "The stock",
        "key": {"secret": "kept"},
        "password": "(not shown)",
        "pages": 7,
        "kind": "https://acme.example/a",
        "site_url": "https://acme.example/a",
        "metadata": {"metaproperties": {"Copyright": "(not shown)"}},
    }
    assert tables["connectors"]["strange"]["api_key"] == "(not shown)"
    assert tables["connectors"]["strange"]["every"] == "2h"


def test_diagnostics_say_where_each_connector_stands_and_why(world: World) -> None:
    found = {name: json.loads(data) for name, data in world.make().items() if name.endswith(".json")}
    (cause,) = found["causes.json"]["stock"]
    assert (cause["state"], cause["count"]) == ("rejected", 1)
    assert " refused: " in cause["cause"]
    assert found["runs.json"]["stock"][0]["totals"] == {"listed": {"new": 1}}
    assert [each["assets"] for each in found["status.json"]] == [{"rejected": 1}, {}]
    assert found["check.json"][0]["detail"] == "plugin loaded, settings valid, secrets found"
    assert [each["ok"] for each in found["check.json"]] == [True, False]
    assert "missing" in found["check.json"][1]["detail"]
    assert (
        found["database.json"]["rows"] | {"ledger": 1, "run": 1, "inbox": 1} == found["database.json"]["rows"]
    )
    assert {*found["database.json"]["rows"]} == {*metadata.tables}
    assert "acme" in {each["name"] for each in found["versions.json"]["plugins"]}
    assert found["pace.json"]["allowed"] > 0
    (line,) = (line for line in world.make()["log.txt"].decode().splitlines() if line.startswith('{"level"'))
    assert json.loads(line) == {"level": "debug", "message": "the token '…' of …", "auth": "**redacted**"}


def test_log_when_long_is_its_whole_last_lines(world: World) -> None:
    world.log.write_text("".join(f"{number} {'a' * 80}\n" for number in range(20_000)))
    lines = world.make()["log.txt"].decode().splitlines()
    assert lines[-1] == f"19999 {'a' * 80}"
    assert len(lines) == 2000
    assert {len(line) for line in lines} == {len(lines[-1])}
    assert world.log.stat().st_size > LOG_BYTES


def test_diagnostics_when_there_is_no_database_are_made_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "damlink.toml").write_text(
        '[portals.brand]\nurl = "https://brand.example"\ntoken = { env = "T" }\n'
    )
    before = {*tmp_path.iterdir()}
    with Session(load(tmp_path / "damlink.toml"), keeps=False) as session:
        found = members(make_diagnostics(session))
    assert list(found) == list(MEMBERS)
    assert json.loads(found["database.json"]) == {}
    assert {path.name for path in tmp_path.iterdir()} - {path.name for path in before} <= {"state"}


def test_diagnostics_when_the_key_is_lost_are_made_with_the_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAMLINK_KEY", base64.urlsafe_b64encode(bytes(32)).decode())
    with Session(load(world.session.config.path), keeps=False) as session:
        found = members(make_diagnostics(session))
    assert "key" in json.loads(found["check.json"])[0]["detail"]
    assert json.loads(found["causes.json"])["stock"][0]["count"] == 1
