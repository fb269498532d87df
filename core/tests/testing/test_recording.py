"""Recordings of a plugin's exchanges with its partner: written without secrets, replayed, and compared."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
from canaries import CANARY, canaries
from own_log import restored_log
from scripted_server import Asked, Reply, Server

from damlink._cli import main

PLUGIN: Final = """
import attrs
from damlink import Content, Finding, HeaderAuth, PreparedAsset, Secret, SourceAsset, hookimpl, setting

@attrs.frozen
class Settings:
    api_url: str = setting(help="The address.")
    api_key: Secret = setting(help="The key.")
    album: str = setting(default="", help="The album.")

settings_class = Settings

def check(ctx):
    yield Finding("account", ctx.http.get("/account").json()["name"])

@hookimpl
def authenticate(ctx):
    return HeaderAuth({"X-Larkspur": ctx.settings.api_key})

@hookimpl
def list_source_assets(ctx, since):
    query = {"at": ctx.now().isoformat(), "page_token": ""}
    while True:
        page = ctx.http.get("/pictures", params=query).json()
        for row in page["rows"]:
            yield SourceAsset(row["id"], row["etag"], row["title"], raw=row)
        query["page_token"] = page["next_token"]
        if not page["next_token"]:
            return

@hookimpl
def transform(ctx, source):
    details = ctx.http.get(f"/pictures/{source.source_id}").json()
    if source.source_id == "LK-2":
        ctx.http.post("/licences", json={"id": source.source_id})
    return PreparedAsset(Content.from_url(ctx.http, details["url"], "a.jpg"), name=source.title)

@hookimpl
def push(ctx, prepared, checkpoint):
    raise AssertionError("a recording does not push")
"""
SESSION: Final = f"session-{CANARY}"


def answer(asked: Asked) -> Reply:
    """What Larkspur answers; it repeats in many places what nobody should keep."""
    path, _, query = asked.path.partition("?")
    if asked.headers.get("x-larkspur") != CANARY:
        return Reply(401)
    headers = {
        "Content-Type": "application/json",
        "Set-Cookie": f"larkspur={SESSION}; Path=/",
        "X-Debug": f"key {CANARY}",
        "X-Total-Count": "3",
    }
    if path == "/account":
        record: Any = {"name": "us", "settings": {"apiKey": SESSION}, "echo": f"hello {CANARY}", "quota": 3}
    elif path == "/pictures":
        second = "page_token=two" in query
        record = {
            "rows": [row(number) for number in ((3,) if second else (1, 2))],
            "next_token": "" if second else f"two{CANARY}",
        }
    else:
        record = {"url": f"https://files.example/{CANARY}/a.jpg?Signature={CANARY}", "session": SESSION}
    return Reply(200, json.dumps(record).encode(), headers)


def row(number: int) -> dict[str, Any]:
    return {"id": f"LK-{number}", "etag": str(number), "title": f"Picture {number}", "author": "Jane"}


@attrs.frozen
class Place:
    """A folder with a config for the plugin, and the partner."""

    folder: Path
    server: Server

    @property
    def file(self) -> Path:
        return self.folder / "exchanges.json"

    def call(self, *arguments: str) -> tuple[int, str]:
        out = io.StringIO()
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            restored_log(),
            contextlib.chdir(self.folder),
            pytest.raises(SystemExit) as end,
        ):
            main(["test", "larkspur", *arguments])
        canaries.look("the output of the command", out.getvalue())
        return int(end.value.code or 0), out.getvalue()

    def recorded(self) -> dict[str, Any]:
        recorded: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        return recorded


@pytest.fixture
def place(
    tmp_path: Path,
    server: Server,
    install: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    hurried: None,
) -> Place:
    install("larkspur", PLUGIN)
    monkeypatch.setenv("LARKSPUR_KEY", CANARY)
    monkeypatch.setenv("TOKEN", f"portal-{CANARY}")
    (tmp_path / "damlink.toml").write_text(
        f"""
        [portals.brand]
        url = "http://127.0.0.1:1"
        token = {{ env = "TOKEN" }}
        [connectors.stock]
        plugin = "larkspur"
        api_url = "{server.url}/"
        api_key = {{ env = "LARKSPUR_KEY" }}
        album = "spring"
        """
    )
    server.serve(answer)
    return Place(tmp_path, server)


@pytest.fixture
def recorded(place: Place) -> Place:
    code, out = place.call("--record", str(place.file))
    assert code == 0, out
    return place


def test_record_when_the_partner_echoes_secrets_writes_none(recorded: Place) -> None:
    text = recorded.file.read_text("utf-8")
    assert CANARY not in text
    urls = [each["url"].removeprefix(recorded.server.url) for each in recorded.recorded()["exchanges"]]
    assert [url.partition("?")[0] for url in urls] == [
        "/account",
        "/pictures",
        "/pictures",
        "/pictures/LK-1",
        "/pictures/LK-2",
        "/pictures/LK-3",
    ]


def test_record_when_a_field_is_no_secret_keeps_it(recorded: Place) -> None:
    exchanges = recorded.recorded()["exchanges"]
    account, page = (json.loads(each["answer"]["body"]) for each in exchanges[:2])
    assert account == {
        "name": "us",
        "settings": {"apiKey": "**redacted**"},
        "echo": "hello **redacted**",
        "quota": 3,
    }
    assert page["rows"][0] == row(1)
    assert exchanges[0]["answer"]["headers"] == {"content-type": "application/json", "x-total-count": "3"}


def test_record_when_a_hook_would_act_sends_nothing_and_says_so(recorded: Place) -> None:
    steps = {each["seen"][0]: each for each in recorded.recorded()["steps"]}
    assert steps["LK-2"]["outcome"] == "stopped"
    assert "POST /licences may have an effect" in steps["LK-2"]["error"]
    assert [line for line in recorded.server.lines if line.startswith("POST")] == []


def test_record_when_a_post_is_allowed_sends_it(place: Place) -> None:
    code, out = place.call("--record", str(place.file), "--allow", "^POST /licences$")
    assert code == 0, out
    (sent,) = [each for each in place.recorded()["exchanges"] if each["method"] == "POST"]
    assert json.loads(sent["body"]) == {"id": "LK-2"}
    assert place.call("--replay", str(place.file))[0] == 0


def test_record_when_the_partner_refuses_writes_nothing(place: Place) -> None:
    place.server.always(401)
    code, out = place.call("--record", str(place.file))
    assert (code, place.file.exists()) == (4, False), out


def test_record_when_assets_are_limited_lists_no_more(place: Place) -> None:
    place.call("--record", str(place.file), "--assets", "1")
    assert place.recorded()["steps"][1]["seen"] == ["LK-1"]


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "image/jpeg"}], ids=["unnamed", "named"])
def test_record_when_an_answer_is_a_file_keeps_its_size_alone(place: Place, headers: dict[str, str]) -> None:
    cover = Reply(200, b"\xff\xd8 a picture", headers)
    place.server.serve(lambda asked: cover if asked.path == "/cover" else answer(asked))
    module = place.folder / "site" / "damlink-larkspur" / "damlink_larkspur_plugin.py"
    module.write_text(PLUGIN.replace("def check(ctx):\n", "def check(ctx):\n    ctx.http.get('/cover')\n"))
    code, out = place.call("--record", str(place.file))
    assert code == 0, out
    kept = place.recorded()["exchanges"][0]["answer"]
    assert (kept["body"], kept["bytes"]) == ("", len(cover.body))
    assert place.call("--replay", str(place.file))[0] == 0


def test_replay_when_nothing_changed_needs_no_partner_and_no_config(
    recorded: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recorded.folder / "damlink.toml").unlink()
    monkeypatch.delenv("LARKSPUR_KEY")
    before = len(recorded.server.lines)
    code, out = recorded.call("--replay", str(recorded.file))
    assert (code, "larkspur: as recorded" in out, len(recorded.server.lines)) == (0, True, before), out


def test_replay_when_the_plugin_asks_for_more_names_the_request(recorded: Place) -> None:
    document = recorded.recorded()
    document["exchanges"] = document["exchanges"][:-1]
    recorded.file.write_text(json.dumps(document))
    code, out = recorded.call("--replay", str(recorded.file))
    assert (code, "not recorded: GET" in out, "/pictures/LK-3" in out) == (1, True, True), out


def test_replay_when_other_assets_are_listed_names_the_hook(recorded: Place) -> None:
    document = recorded.recorded()
    document["steps"][1]["seen"] = ["LK-1", "LK-9", "LK-3"]
    recorded.file.write_text(json.dumps(document))
    code, out = recorded.call("--replay", str(recorded.file), "--json")
    assert (code, json.loads(out)["changes"]) == (1, ["list_source_assets: LK-2 is new, LK-9 is gone"]), out


def test_replay_when_the_plugin_connects_by_itself_is_refused(
    recorded: Place, install: Callable[..., Path]
) -> None:
    own = "import urllib.request\n    urllib.request.urlopen(ctx.settings.api_url)\n    query ="
    module = recorded.folder / "site" / "damlink-larkspur" / "damlink_larkspur_plugin.py"
    module.write_text(PLUGIN.replace("query =", own, 1))
    sys.modules.pop("damlink_larkspur_plugin")
    code, out = recorded.call("--replay", str(recorded.file))
    assert (code, "opens a connection of its own" in out) == (1, True), out


def test_drift_when_nothing_changed_ends_with_0(recorded: Place) -> None:
    before = recorded.file.read_bytes()
    assert recorded.call("--drift", str(recorded.file)) == (0, "larkspur: no changed fields\n")
    assert recorded.file.read_bytes() == before


def test_drift_when_fields_changed_names_each(recorded: Place) -> None:
    changed = {"id": "LK-1", "etag": 1, "title": "Picture 1", "credit": None}
    page = {"rows": [changed], "next_token": ""}
    recorded.server.serve(
        lambda asked: (
            Reply(200, json.dumps(page).encode()) if asked.path.startswith("/pictures?") else answer(asked)
        )
    )
    code, out = recorded.call("--drift", str(recorded.file))
    assert code == 1
    assert out.splitlines()[:3] == [
        "gone  GET /pictures: rows[].author (was text)",
        "new   GET /pictures: rows[].credit (null)",
        "type  GET /pictures: rows[].etag (was text, is number)",
    ]
    assert "list_source_assets failed: " in out
    assert out.endswith("larkspur: 3 changed fields\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "a", "--replay", "b"], "--record and --replay exclude each other"),
        (["--replay", "missing.json"], "missing.json: No such file or directory"),
        (["--replay", "damlink.toml"], "it is no recording"),
        (["--record", "a", "--connector", "other"], "no connector 'other'"),
        (["--record", "a", "--allow", "("], "no regular expression"),
    ],
    ids=["two", "missing", "other-file", "connector", "pattern"],
)
def test_command_when_it_is_called_wrongly_says_so(place: Place, arguments: list[str], said: str) -> None:
    code, out = place.call(*arguments)
    assert (code in (2, 3), said in out) == (True, True), out
