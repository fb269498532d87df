"""The Python of the pages about the Bynder client is run from their own text, against the sandbox."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from bynder_sdk import BynderClient
from bynder_sdk.client.asset_bank_client import AssetBankClient
from bynder_sdk.client.collection_client import CollectionClient
from bynder_sdk.client.pim_client import PIMClient
from bynder_sdk.client.workflow_client import WorkflowClient
from excerpts import DOCS, python_of
from official.client_world import Names, run
from official.every_call import open_portal, open_world
from official.one_of_each import World
from scripted_server import Server

from damlink._cli.bynder import resources

COMING: Final = (DOCS / "how-to/coming-from-bynder-sdk.md").read_text("utf-8")
ROWS: Final = re.findall(
    r"^\| (`(?:bank|client|collections|workflow|pim|Bynder).*) \| `(.*)` \|$", COMING, re.MULTILINE
)
SDK: Final = {
    "bank": AssetBankClient,
    "collections": CollectionClient,
    "workflow": WorkflowClient,
    "pim": PIMClient,
    "client": BynderClient,
}
PAGES: Final = ("how-to/use-the-bynder-client.md", "how-to/bynder-api.md")
REFERENCE: Final = "reference/bynder-python.md"
EXAMPLES: Final = dict(zip(resources(), python_of(REFERENCE), strict=True))
# It is run as a file: tests/official/test_program.py.
PROGRAM: Final = "import os\n"
BLOCKS: Final = [
    pytest.param(text, id=f"{Path(page).stem}-{number}")
    for page in PAGES
    for number, text in enumerate(python_of(page))
    if not text.startswith(PROGRAM)
]


@pytest.fixture(scope="module")
def portal() -> Iterator[Any]:
    with open_portal() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def world(portal: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with open_world(portal, tmp_path_factory.mktemp("file") / "small.jpg") as world:
        world.portal.metaproperties.create(name="colour", label="colour", type="text")
        yield world


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the Python runs: there are the files that it speaks of."""
    for name in ("beach.jpg", "beach.tif", "film.mov"):
        (tmp_path / name).write_bytes(b"bytes of a file")
    (tmp_path / "originals").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("theirs", "ours"), ROWS)
def test_call_when_it_stands_beside_one_of_the_sdk_is_carried_out(
    theirs: str, ours: str, world: World, folder: Path
) -> None:
    run(ours, Names(world))


def test_page_when_read_has_every_method_of_the_sdk() -> None:
    methods = [
        f"{name}.{method}"
        for name, kind in SDK.items()
        for method, _ in inspect.getmembers(kind, inspect.isfunction)
        if not method.startswith("_")
    ]
    assert [method for method in methods if f"`{method}(" not in COMING] == []
    assert f"has {len(methods)} methods" in COMING


def test_calls_of_the_sdk_when_named_exist() -> None:
    named = set(re.findall(r"`(bank|collections|workflow|pim|client)\.(\w+)\(", COMING))
    assert [f"{name}.{method}" for name, method in named if not hasattr(SDK[name], method)] == []
    assert len(ROWS) > 48


@pytest.mark.parametrize("text", BLOCKS)
def test_python_of_a_page_when_run_ends_well(
    text: str, portal: Any, world: World, folder: Path, server: Server
) -> None:
    server.then(200, b"bytes of a file").then(200, b"bytes of a file")
    places = {
        "https://files.example.com": server.url,
        "https://brand.bynder.com": world.portal.url,
        "/var/lib/importer/": f"{folder}/",
        "/var/originals": f"{folder}/originals",
    }
    for place, ours in places.items():
        text = text.replace(place, ours)
    given: dict[str, Any] = {"id": "unknown"} if "except BynderError" in text else {}
    given["token"] = portal.part("bynder").token
    run(text, Names(world, **given))


@pytest.mark.parametrize("resource", EXAMPLES)
def test_example_of_a_resource_when_run_ends_well(resource: str, world: World, folder: Path) -> None:
    assert f"portal.{resource}." in EXAMPLES[resource]
    run(EXAMPLES[resource], Names(world))


ASYNC: Final = python_of("explanation/async.md")


@pytest.mark.parametrize(
    ("number", "name", "found"),
    [(0, "names", ["Dune", "Sea"]), (1, "films", ["Film"]), (2, "sizes", [40_000, 40_000])],
    ids=["asyncio", "list", "threads"],
)
def test_example_of_threads_when_run_has_the_results(
    number: int, name: str, found: list[Any], world: World, folder: Path
) -> None:
    world.new_asset(name="Film", filename="film.mp4", media=1) if name == "films" else None
    names = Names(world)
    run(ASYNC[number], names)
    # Other tests have added assets, too.
    assert [each for each in names[name] if each in found] == found
