"""The ways to sign requests that the page on writing a plugin shows, run from its own text."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any, Final

import httpx
import pytest
from larkspur import HOW_TO

from damlink import Secret
from damlink._http.client import open_client
from damlink._http.connection import Connection

PAGE: Final = (HOW_TO / "write-a-plugin.md").read_text("utf-8")
SECTION: Final = PAGE.partition("\n## Sign requests\n")[2].partition("\n## ")[0]
BLOCKS: Final = re.findall(r"^```python\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)
URL: Final = "https://api.larkspur.example"


def names_of(block: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(block, names)
    return names


def sent_with(auth: httpx.Auth) -> list[httpx.Request]:
    """The requests that two signed ones become, to a partner with a login in JSON."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"token": "t1", "valid_seconds": 900})

    with open_client(URL, connection=Connection(transport=httpx.MockTransport(answer))) as client:
        client.sign_with(auth)
        client.get("/pictures")
        client.get("/pictures?page=2")
    return sent


@pytest.mark.parametrize("block", BLOCKS, ids=["token", "signature"])
def test_way_to_sign_when_shown_is_short(block: str) -> None:
    assert len(block.splitlines()) <= 25


def test_token_of_the_page_when_run_is_requested_once_and_sent() -> None:
    settings = SimpleNamespace(api_url=URL, client="acme", client_secret=Secret("made-up"))
    auth = names_of(BLOCKS[0])["authenticate"](SimpleNamespace(settings=settings))
    login, *signed = sent_with(auth)
    assert json.loads(login.content) == {"client": "acme", "secret": "made-up"}
    assert [each.headers["Authorization"] for each in signed] == ["Token t1"] * 2


def test_signature_of_the_page_when_run_is_that_of_each_request() -> None:
    sent = sent_with(names_of(BLOCKS[1])["SignedAuth"](Secret("made-up")))
    assert len({each.headers["Larkspur-Signature"] for each in sent}) == 2
