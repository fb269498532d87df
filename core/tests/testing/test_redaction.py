"""Secrets are taken out of each place of an exchange where one may be, also where they are only echoed."""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Final

import httpx
import pytest

from damlink.testing.redaction import Redactor, is_secret_name

CANARY: Final = "9f-Canary/7c+1e=5a"
HOME: Final = "https://api.larkspur.example/v1"


def everything(url: str, headers: Mapping[str, str], answer: Mapping[str, str], body: str) -> str:
    """Return all that would be written of one exchange."""
    redactor = Redactor([HOME])
    request, found = httpx.Request("GET", url, headers=headers), httpx.Headers(answer)
    redactor.note_request(request)
    redactor.note_answer(found, body)
    return "\n".join([redactor.address(url), json.dumps(redactor.headers(found)), redactor.body(body)])


QUOTED: Final = urllib.parse.quote(CANARY, safe="")
BASIC: Final = base64.b64encode(f"user:{CANARY}".encode()).decode()
# By what the secret is in: address, headers of the request, headers of the answer, body of the answer.
PLACES: Final = {
    "bearer": (HOME, {"Authorization": f"Bearer {CANARY}"}, {}, f'{{"echo": "{CANARY}"}}'),
    "basic": (HOME, {"Authorization": f"Basic {BASIC}"}, {}, f"hello {CANARY}"),
    "basic-whole": (HOME, {"Authorization": f"Basic {BASIC}"}, {}, f"hello {BASIC}"),
    "api-key": (HOME, {"X-Api-Key": CANARY}, {"X-Next": f"/a?page=2&b={CANARY}"}, f"<p>{CANARY}</p>"),
    "sent-cookie": (HOME, {"Cookie": f'a=b; s="{CANARY}"'}, {}, f'["{CANARY}"]'),
    "set-cookie": (HOME, {}, {"Set-Cookie": f"s={CANARY}; Path=/"}, f'["{CANARY}"]'),
    "csrf": (HOME, {}, {"X-CSRF-Token": CANARY}, f"id: {CANARY}"),
    "query": (f"{HOME}/a?api_key={QUOTED}", {}, {}, f'{{"self": "/v1/a?api_key={QUOTED}", "b": "{CANARY}"}}'),
    "user": (f"https://user:{QUOTED}@api.larkspur.example/v1", {}, {}, f'{{"echo": "{CANARY}"}}'),
    "foreign-query": (f"https://files.example/a.jpg?x={QUOTED}", {}, {}, ""),
    "foreign-path": (f"https://files.example/{QUOTED}/a.jpg", {}, {}, ""),
    "address-in-body": (HOME, {}, {}, f'{{"url": "https://files.example/{QUOTED}/a.jpg?x={QUOTED}"}}'),
    "address-in-text": (HOME, {}, {}, f"see https://hooks.example/services/{QUOTED} now"),
    "location": (HOME, {}, {"Location": f"https://files.example/{QUOTED}"}, ""),
    "link": (HOME, {}, {"Link": f'<{HOME}/a?access_token={QUOTED}>; rel="next"'}, ""),
    "field": (HOME, {}, {}, f'{{"accessToken": "{CANARY}", "echo": ["x {CANARY} y"]}}'),
    "list": (HOME, {}, {}, f'{{"tokens": ["{CANARY}"], "echo": "{CANARY}"}}'),
    "object": (HOME, {}, {}, f'{{"credentials": {{"user": "{CANARY}"}}, "echo": "{CANARY}"}}'),
    "name": (HOME, {"X-Api-Key": CANARY}, {}, json.dumps({CANARY: 1})),
    "escaped": (HOME, {"X-Api-Key": CANARY}, {}, json.dumps({"a": CANARY}).replace("/", r"\/")),
    "xml": (HOME, {}, {}, f"<a><secretKey>{CANARY}</secretKey></a>"),
    "form": (HOME, {}, {}, f"a=b&client_secret={QUOTED}"),
    "ini": (HOME, {}, {}, f"password: {CANARY}"),
    "quoted": (HOME, {}, {}, f"var a = {{'token': '{CANARY}'}}"),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=[*PLACES])
def test_exchange_when_a_secret_is_in_it_is_written_without(
    place: tuple[str, Mapping[str, str], Mapping[str, str], str],
) -> None:
    assert CANARY in urllib.parse.unquote(str(place)) or BASIC in str(place)
    written = everything(*place)
    assert [form for form in (CANARY, QUOTED, BASIC, CANARY.replace("/", r"\/")) if form in written] == []


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "accessToken",
        "access_token",
        "X-Api-Key",
        "apikey",
        "clientSecret",
        "AWS_SECRET_KEY",
        "sessionID",
    ],
)
def test_name_when_it_says_secret_is_one(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["author", "authors", "key", "keywords", "title", "monkey", "passage", "token_url"]
)
def test_name_when_it_only_looks_like_it_is_none(name: str) -> None:
    assert not is_secret_name(name)


def test_value_when_a_secret_is_no_text_keeps_its_type() -> None:
    redactor = Redactor([HOME])
    assert redactor.value({"pin": 1234, "token": None, "session": True, "otp": 1.5}) == {
        "pin": 0,
        "token": None,
        "session": True,
        "otp": 0.0,
    }


def test_address_when_redacted_twice_is_the_same() -> None:
    redactor = Redactor([HOME])
    for url in (f"{HOME}/a?token=x&page=2", "https://files.example/k/a.jpg?x=1"):
        once = redactor.address(url)
        assert redactor.address(once) == once
