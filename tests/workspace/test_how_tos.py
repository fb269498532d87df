"""The commands of the how-tos are run from their own text, in a world that has what they speak of."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from larkspur import HOW_TO, KEY, install_larkspur, running_larkspur
from loopback import SECRET_VALUES, Site, until

from damlink.bynder._published import load_operations
from damlink_gelato.sandbox import ACCOUNT, GelatoSandbox
from damlink_imatag.sandbox import ImatagSandbox
from damlink_istock.sandbox import IStockSandbox
from damlink_sandbox import Sandbox, SnsSandbox, Synthetic
from damlink_sandbox.mark import SECRET_MARK

ROOT: Final = HOW_TO.parents[1]
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES: Final = sorted(page.name for page in HOW_TO.glob("*.md"))
ID: Final = "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"
# What is not run here, and why.
NOT_RUN: Final = {
    r"(sudo |python -m (pip|venv) |\S*/?pip install|fresh/)": "it installs, from an index or as root",
    r"(ssh-keyscan|sqlite3|pass) ": "a program of others",
    r"damlink (--\S+ )*(serve|sandbox)\b": "it runs until it is stopped",
    r"damlink (init|login|add stock --plugin istock$)": "it asks a person",
    r"(cd|export|python damlink-larkspur/larkspur.py) ": "the fixtures here do it",
    r"damlink (events subscribe|add stock)": "it needs an address that is made up on the page",
}
# It takes long.
SLOW: Final = re.compile(r"damlink (test (larkspur|acme)$|grade )")
# The connector of each page on one partner; of all others, `stock`.
CONNECTORS: Final = {
    "folder.md": "studio",
    "gelato.md": "print",
    "imatag.md": "marks",
    "publish-a-plugin.md": "larkspur",
    "record-a-partner.md": "larkspur",
    "write-a-plugin.md": "larkspur",
}
# What does not end with 0, since the page speaks of a state that is not this world's: the code and a text.
OTHERWISE: Final = {
    r"damlink settle stock": (3, "1400000018"),
    r"damlink retry print": (3, "has no asset"),
}


def lines_of(page: str) -> list[str]:
    """The lines of the shell blocks of a page, without comments."""
    blocks = [text for kind, text in FENCE.findall((HOW_TO / page).read_text("utf-8")) if kind == "sh"]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [re.sub(r"\s+# .*", "", line).strip() for line in lines if line.strip()]


def tables_of(page: str) -> dict[str, Any]:
    """The connectors of a page's configs, with all that its blocks say of each."""
    found: dict[str, Any] = {}
    for kind, text in FENCE.findall((HOW_TO / page).read_text("utf-8")):
        tables = tomllib.loads(text).get("connectors", {}) if kind == "toml" else {}
        for name, table in tables.items():
            found[name] = found.get(name, {}) | table
    return found


def is_run(line: str) -> bool:
    return not any(re.match(pattern, line) for pattern in NOT_RUN)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    media = [Synthetic(f"photo-{seed}.jpg", 4_000 + seed, "image", seed) for seed in range(2)]
    parts = [SnsSandbox, IStockSandbox, ImatagSandbox, GelatoSandbox]
    with Sandbox(parts, folder=tmp_path_factory.mktemp("world"), media=media) as sandbox:
        sandbox.part("bynder").control("pace", {"requests": 1_000_000, "seconds": 300})
        sandbox.part("bynder").control("lag", {"conversion": 0, "index": 0})
        sandbox.part("bynder").control("add_asset", {"name": "Dune", "filename": "dune.jpg", "size": 2000})
        for name, options in {"photographer": (), "region": ("EMEA", "APAC")}.items():
            body = {"name": name, "type": "select" if options else "text", "options": options, "multi": True}
            sandbox.part("bynder").control("metaproperty", body)
        yield sandbox


@pytest.fixture
def site(world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The portal and a connector of each plugin, by the names of the pages."""
    monkeypatch.setitem(SECRET_VALUES, "GELATO_KEY", ACCOUNT.key)
    monkeypatch.setitem(SECRET_VALUES, "IMATAG_KEY", f"sandbox-imatag-key-{SECRET_MARK}")
    monkeypatch.setitem(SECRET_VALUES, "LARKSPUR_KEY", KEY)
    (tmp_path / "site").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "beach.jpg").write_bytes(b"a beach")
    shutil.copy(ROOT / "tests/definitions/cursor-oauth2.yaml", tmp_path / "acme.yaml")
    (tmp_path / "event.json").write_text(
        '{"Subject": "asset_bank.media.updated", "Message": {"media_id": "1"}}'
    )
    define_operations(tmp_path / "definitions")
    install_larkspur(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    with running_larkspur(tmp_path / "site") as address:
        until(lambda: is_there(address))
        tables = {
            "pace": {"requests": 100_000, "share": 1.0},
            "portals": {
                "brand": {"url": world.origins["portal"], "token": {"env": "TOKEN"}, "index_lag": "1s"}
            },
            "connectors": connectors(world, tmp_path / "out", address),
        }
        yield Site(tmp_path, world, tables)
    for name in [name for name in sys.modules if name.startswith("damlink_larkspur")]:
        del sys.modules[name]


def define_operations(folder: Path) -> None:
    """Write a definition with every operation that Bynder publishes."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path in (name.split(" ") for name in load_operations()):
        paths.setdefault(path, {})[method.lower()] = {}
    folder.mkdir()
    (folder / "all.json").write_text(json.dumps({"paths": paths}))


def is_there(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).status_code == 401
    except httpx.TransportError:
        return False


def connectors(world: Sandbox, folder: Path, larkspur: str) -> dict[str, Any]:
    origins = world.origins
    stock = {
        "plugin": "istock",
        "requests_per_second": 500.0,
        "api_url": origins["istock"],
        "token_url": f"{origins['istock-login']}/oauth2/token",
        "api_key": {"env": "ISTOCK_API_KEY"},
        "api_secret": {"env": "ISTOCK_API_SECRET"},
        "username": {"env": "ISTOCK_USERNAME"},
        "password": {"env": "ISTOCK_PASSWORD"},
    }
    return {
        "stock": stock,
        "marks": {**world.part("imatag").connector(), "api_key": {"env": "IMATAG_KEY"}},
        "print": {**world.part("gelato").connector(), "api_key": {"env": "GELATO_KEY"}},
        "studio": {"plugin": "folder", "address": str(folder), "settle": "0s"},
        "larkspur": {"plugin": "larkspur", "api_url": larkspur, "api_key": {"env": "LARKSPUR_KEY"}},
    }


def prepare(site: Site, page: str) -> None:
    """Write the config: what the page says, with the world's addresses and secrets in place of its own."""
    name = CONNECTORS.get(page, "stock")
    table = site.tables["connectors"][name]
    own = tables_of(page).get(name, {})
    site.tables["connectors"] = {name: {key: own[key] for key in own if key not in table} | table}
    site.write()


def asset_of(site: Site) -> str:
    """The id of an asset in the portal; a page gives it another name."""
    names = ("Dune", "Beach")
    return next(str(asset["id"]) for asset in site.portal.state()["assets"] if asset["name"] in names)


def call_control(site: Site, line: str) -> Any:
    """Run a line on the sandbox's control service, and take back the faults that it orders."""
    line = line.replace("http://127.0.0.1:9003", site.sandbox.origins["control"])
    ended = subprocess.run(["bash", "-c", f"{line} --fail"], capture_output=True, text=True)
    site.sandbox.world.faults.clear()
    return ended


def run(site: Site, line: str) -> str:
    """Run a line, and return what is wrong with how it ended, or nothing."""
    words = [word.strip("'\"") for word in line.replace(ID, asset_of(site)).split("|")[-1].split()]
    code, text = next((end for pattern, end in OTHERWISE.items() if re.match(pattern, line)), (0, ""))
    ended = call_control(site, line) if words[0] == "curl" else site.run(*words[1:], expect=None)
    said = ended.stdout + ended.stderr
    return "" if (ended.returncode == code and text in said) else f"{line}: {ended.returncode} {said[-400:]}"


@pytest.mark.parametrize("page", [page for page in PAGES if any(map(is_run, lines_of(page)))])
def test_commands_of_a_how_to_when_run_end_well(
    site: Site, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"secret-{SECRET_MARK}\n"))
    prepare(site, page)
    lines = [line for line in lines_of(page) if is_run(line) and not SLOW.match(line)]
    assert [problem for line in lines if (problem := run(site, line))] == []


@pytest.mark.acceptance
def test_slow_commands_of_the_how_tos_when_run_end_well(site: Site) -> None:
    prepare(site, "publish-a-plugin.md")
    lines = [line for line in lines_of("publish-a-plugin.md") if SLOW.match(line)]
    assert [problem for line in lines if (problem := run(site, line))] == []


@pytest.mark.parametrize("pattern", [*NOT_RUN, *OTHERWISE])
def test_exception_when_it_is_made_is_that_of_a_line(pattern: str) -> None:
    assert [line for page in PAGES for line in lines_of(page) if re.match(pattern, line)] != []


PYTHON: Final = [
    pytest.param(text, id=f"{page}-{number}")
    for page in PAGES
    for number, (kind, text) in enumerate(FENCE.findall((HOW_TO / page).read_text("utf-8")))
    if kind == "python"
]


@pytest.mark.parametrize("text", PYTHON)
def test_python_of_a_how_to_when_read_is_python_with_names_that_exist(text: str) -> None:
    body = "".join(f"    {line}\n" for line in text.splitlines() if not line.startswith("from __future__"))
    compile(f"def excerpt():\n{body}    pass\n", "excerpt", "exec")
    imports = re.findall(
        r"^from (?:damlink|damlink_sandbox)\b.*?(?:\([^)]*\)|$)", text, re.MULTILINE | re.DOTALL
    )
    exec("\n".join(imports), {})
