"""The rules of the kit find each deliberate defect of a plugin, by the rule that is meant for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

# A plugin without defect, and its stand-in.
PLUGIN: Final = """
import json
from damlink import Content, Cursor, HeaderAuth, PreparedAsset, Secret, SourceAsset, hookimpl, setting
import attrs

@attrs.frozen
class LarkspurSettings:
    api_key: Secret = setting(help="The key.")
    api_url: str = setting(default="https://larkspur.example", help="The address.")

settings_class = LarkspurSettings
calls = []

@hookimpl
def authenticate(ctx):
    return HeaderAuth({"X-Key": ctx.settings.api_key})

@hookimpl
def list_source_assets(ctx, since):
    page = 1
    while rows := ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json():
        for row in rows:
            yield SourceAsset(row["id"], row["etag"], row["title"], raw=row)
        yield Cursor(rows[-1]["changed"])
        page += 1

@hookimpl
def transform(ctx, source):
    content = Content.from_url(ctx.http, source.raw["url"], "a.jpg")
    return PreparedAsset(content, name=source.title, tags=(source.source_id,))

@hookimpl
def push(ctx, prepared, previous, checkpoint):
    return ctx.bynder.upload(prepared, checkpoint, version_of=previous and previous.target_id)
"""
STAND_IN: Final = """
from damlink_sandbox import Key, StandIn, numbered_page, route, send_file

class LarkspurSandbox(StandIn):
    name = "larkspur"
    credentials = Key("X-Key")

    @route("GET /pictures")
    def pictures(self, call):
        rows = [
            {"id": f"LK-{n}", "etag": file.sha256(), "title": file.filename, "changed": f"2026-01-0{n + 1}",
             "url": f"/files/{n}"}
            for n, file in enumerate(self.media)
        ]
        since = call.query.get("since", "")
        return numbered_page(call.query, [row for row in rows if row["changed"] >= since], size=3)

    @route("GET /files/{n}")
    def file(self, call):
        return send_file(call.method, call.headers, self.media[int(call.params["n"])])
"""
IGNORING: Final = (
    "ctx.bynder.upload(prepared, checkpoint,",
    "ctx.bynder.upload(prepared, type('N', (), {'get': lambda s, n, d=None: d, 'put': lambda s, **v: None, "
    "'source_id': 'x', 'scope': lambda s, n: s})(),",
)
# Each defect: what it replaces in the plugin, by what; and the rule that finds it.
DEFECTS: Final = {
    "checkpoint ignored": (*IGNORING, "push.once", "push ignores its checkpoint"),
    "unstable fingerprint": (
        'row["etag"],',
        "str(calls.append(1) or len(calls)),",
        "listing.stable",
        "finger",
    ),
    "unstable id": (
        'SourceAsset(row["id"],',
        "SourceAsset(str(id(row)),",
        "listing.stable",
        "only",
    ),
    "cursor too early": (
        'yield Cursor(rows[-1]["changed"])',
        'yield Cursor(f"2026-01-0{page + 7}")',
        "listing.resumable",
        "leaves out",
    ),
    "whole listing in memory": (
        "def list_source_assets(ctx, since):",
        "def list_source_assets(ctx, since):\n    return list(_all(ctx, since))\n\ndef _all(ctx, since):",
        "listing.lazy",
        "before its first asset",
    ),
    "changed raw": (
        "    content =",
        "    source.raw['seen'] = True\n    content =",
        "transform.pure",
        "item assignment",
    ),
    "no extension": ('"a.jpg")', '"picture")', "content.named", "no extension"),
    "secret in raw": (
        "raw=row)",
        "raw={**row, 'key': ctx.settings.api_key.reveal()})",
        "log.secret-free",
        "in the raw",
    ),
    "errors swallowed": (
        'rows := ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json()',
        "rows := _get(ctx, page, since)",
        "partner.500",
        "swallowed",
    ),
    "bare HTTP": ("    page = 1\n", "    page = 1\n    _bare(ctx)\n", "code.own-http", "opens a connection"),
    "blocking sleep": ("    content =", "    time.sleep(0.01)\n    content =", "code.own-sleep", "sleeps"),
    "module global": (
        "    content =",
        "    calls.append(1)\n    content =",
        "code.no-globals",
        "plugin.calls",
    ),
    "secret as plain text": (
        "    api_url: str",
        '    password: str = setting(default="", help="It.")\n    api_url: str',
        "settings.secret",
        "password",
    ),
}
GET: Final = """
import time, urllib.error, urllib.request

def _bare(ctx):
    try:
        urllib.request.urlopen(f"{ctx.settings.api_url}/pictures").close()
    except urllib.error.HTTPError as error:
        error.close()

def _get(ctx, page, since):
    try:
        return ctx.http.get("/pictures", params={"page": page, "since": since or ""}).json()
    except Exception:
        return []
"""


def install(folder: Path, plugin: str) -> None:
    """Lay the plugin into a folder as an installer leaves it."""
    package, facts = folder / "damlink_larkspur", folder / "damlink_larkspur-0.1.0.dist-info"
    package.mkdir()
    facts.mkdir()
    (package / "__init__.py").touch()
    (package / "plugin.py").write_text(plugin + GET)
    (package / "sandbox.py").write_text(STAND_IN)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: damlink-larkspur\nVersion: 0.1.0\n")
    (facts / "entry_points.txt").write_text(
        "[damlink]\nlarkspur = damlink_larkspur.plugin\n"
        "[damlink.sandbox]\nlarkspur = damlink_larkspur.sandbox:LarkspurSandbox\n"
    )


def call_test(folder: Path, *arguments: str) -> Any:
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "damlink", "test", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def try_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Try one rule on a plugin in a process of its own; return the result's outcome and what was seen."""

    def run(plugin: str, rule: str) -> tuple[str, str]:
        install(tmp_path, plugin)
        program = (
            "import sys\nfrom damlink.testing.runner import try_rules\n"
            "from damlink.testing.grade import list_graded_rules\n"
            "rules = [each for _, each in list_graded_rules() if each.id == sys.argv[1]]\n"
            "(found,) = try_rules('larkspur', rules)\n"
            "print(found.outcome + '|' + found.seen)"
        )
        path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
        child = subprocess.run(
            [sys.executable, "-c", program, rule],
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=240,
        )
        outcome, _, seen = child.stdout.strip().partition("|")
        return outcome, seen or child.stderr

    return run


@pytest.mark.parametrize(
    ("old", "new", "rule", "seen"), DEFECTS.values(), ids=[name.replace(" ", "-") for name in DEFECTS]
)
def test_rule_when_a_plugin_has_a_defect_names_it(
    try_rule: Any, old: str, new: str, rule: str, seen: str
) -> None:
    assert PLUGIN.count(old) == 1
    outcome, said = try_rule(PLUGIN.replace(old, new), rule)
    assert (outcome, seen in said) == ("broken", True), said


def test_command_when_a_plugin_is_sound_passes_it(tmp_path: Path) -> None:
    install(tmp_path, PLUGIN)
    child = call_test(tmp_path, "larkspur", "--json")
    report = json.loads(child.stdout)
    assert (child.returncode, report["passed"]) == (0, True), child.stdout
    assert {rule["outcome"] for rule in report["rules"]} == {"passed", "skipped"}
    assert all(rule["proves"] for rule in report["rules"])


def test_command_when_a_rule_is_broken_says_what_to_do(tmp_path: Path) -> None:
    install(tmp_path, PLUGIN.replace('"a.jpg")', '"picture")'))
    child = call_test(tmp_path, "larkspur")
    (line,) = [line for line in child.stdout.splitlines() if line.startswith("content.named")]
    assert "FAILED" in line
    assert "the file 'picture' has no extension; to do: name the file with its extension" in line
    assert child.returncode == 1


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("nowhere", "no plugin 'nowhere' is installed"),
        ("larkspur", "it has no hook push; define push with @hookimpl"),
    ],
)
def test_command_when_a_plugin_cannot_be_loaded_exits_3_with_one_line(
    tmp_path: Path, plugin: str, said: str
) -> None:
    install(
        tmp_path, PLUGIN.replace("def push(", "def deliver(").replace("@hookimpl\ndef deliver", "def deliver")
    )
    child = call_test(tmp_path, plugin)
    assert (child.returncode, child.stderr.count("\n"), said in child.stderr) == (3, 1, True), child.stderr
