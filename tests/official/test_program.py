"""One program of the docs, with Damlink and with the official SDK, each run from the page's own text."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from bynder_sdk.client import upload_client
from excerpts import DOCS, lines_of, python_below

from damlink_sandbox import BynderSandbox, Sandbox

OURS: Final = ("how-to/use-the-bynder-client.md", "A whole program")
SDK: Final = ("how-to/coming-from-bynder-sdk.md", "The same program")


@pytest.fixture
def portal(tls: Any, tmp_path: Path) -> Iterator[Sandbox]:
    """A portal of its own for each program, which adds an option that is not there."""
    files = (str(tls.certificate), str(tls.key))
    with Sandbox([BynderSandbox], folder=tmp_path / "portal", tls=files) as sandbox:
        yield sandbox


@pytest.fixture
def folder(portal: Sandbox, tls: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a program runs: there is a file to upload, and the portal has the metaproperty."""
    part = portal.part("bynder")
    part.control("lag", {"conversion": 0, "index": 0, "s3": 0})
    part.control("metaproperty", {"name": "Colour", "type": "select", "options": ["red"]})
    names = {
        "BYNDER_URL": portal.origins["portal"],
        "BYNDER_DOMAIN": urlsplit(portal.origins["portal"]).netloc,
        "BYNDER_TOKEN": part.token,
        "SSL_CERT_FILE": str(tls.authority),
        "REQUESTS_CA_BUNDLE": str(tls.authority),
        "DAMLINK_STATE_DIR": str(tmp_path / "state"),
    }
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(upload_client, "POLLING_IDLE_TIME", 0)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beach.jpg").write_bytes(b"a beach" * 1000)
    return tmp_path


def run(program: str) -> str:
    """Run a program; what it writes."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(program, "program", "exec"), {"__name__": "__main__"})
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
@pytest.mark.parametrize("page", [OURS, SDK], ids=["Damlink", "SDK"])
def test_program_of_the_docs_when_run_carries_out_its_task(
    page: tuple[str, str], portal: Sandbox, folder: Path
) -> None:
    said = run(python_below(*page))
    made = portal.part("bynder").state()["assets"][-1]
    assert (made["name"], {*made["tags"]}) == ("beach", {"sea", "summer"})
    assert f"{made['id']} beach\n" in said
    assert made["metaproperties"] == {"Colour": ["turquoise"]}
    assert (folder / "original.jpg").read_bytes() == (folder / "beach.jpg").read_bytes()


def test_program_of_the_docs_when_counted_has_12_lines_at_most() -> None:
    assert lines_of(python_below(*OURS)) <= 12


def test_lines_when_the_docs_name_them_are_counted() -> None:
    text = (DOCS / SDK[0]).read_text("utf-8")
    named = re.search(r"program of (\d+) lines", text), re.search(r"It has (\d+) lines", text)
    assert [int(each[1]) for each in named if each] == [lines_of(python_below(*each)) for each in (OURS, SDK)]
