"""The HTTP API keeps what is promised: members, parameters and roles, as a console answers them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from http_api.asked import Asked, ask_all
from http_api.filled import Filled, fill, open_console
from http_api.page import COMMAND, PAGE, Promise, describe, problems, read_promise, render_page
from http_api.words import FIELDS, PARAMETERS

EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
KNOWN: Promise = {"member": {"GET /": {"days": ["list"]}}}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return ask_all(tmp_path_factory.mktemp("asked"))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with open_console(tmp_path_factory.mktemp("filled")) as console:
        fill(console.session)
        yield console


def test_answers_when_compared_with_what_is_promised_keep_it(asked: Asked) -> None:
    assert list(problems(read_promise(), describe(asked.types()))) == []


@pytest.mark.parametrize(
    ("seen", "problem"),
    {
        "gone": ({}, "GET /: member days is gone; it is promised: deprecate it first"),
        "changed": (
            {"days": ["list", "null"]},
            "GET /: member days is list or null, and was list; it is promised: deprecate it first",
        ),
        "new": (
            {"days": ["list"], "weeks": ["list"]},
            f"GET /: member weeks is new; write the page anew: {COMMAND}",
        ),
    }.values(),
    ids=["gone", "changed", "new"],
)
def test_promise_when_an_answer_differs_names_the_member(seen: dict[str, list[str]], problem: str) -> None:
    assert list(problems(KNOWN, {"member": {"GET /": seen}})) == [problem]


def test_lists_when_asked_for_have_all_had_an_item(asked: Asked) -> None:
    found = asked.types()
    lists = [(page, path) for page, members in found.items() for path in members if "list" in members[path]]
    assert [f"{page} {path}" for page, path in lists if f"{path}[]" not in found[page]] == []


def test_parameters_when_read_are_those_of_the_reference(asked: Asked) -> None:
    pages = {f"GET {path}": set(names) for path, names in PARAMETERS.items()}
    forms = {f"POST {path}": set(names) for path, names in FIELDS.items()}
    assert {page: names for page, names in asked.keys.items() if names} == pages | forms


def test_page_of_the_reference_when_written_anew_is_current(asked: Asked) -> None:
    assert render_page(asked.types(), asked.ways) == PAGE.read_text("utf-8"), COMMAND


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_reference_when_run_ends_well(filled: Filled, example: str) -> None:
    given = {"TOKEN": filled.token, "CONSOLE": filled.url, "PATH": os.environ["PATH"], "no_proxy": "*"}
    done = subprocess.run(["bash", "-c", example], env=given, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_examples_of_the_reference_when_counted_are_a_page_and_a_form() -> None:
    assert ["data" in each for each in EXAMPLES] == [False, True]


@pytest.mark.parametrize(
    ("address", "kind"),
    {
        "/export?connector=stock": "text/csv; charset=utf-8",
        "/diagnostics.zip": "application/zip",
        "/live": "application/json",
        "/live?connector=stock": "application/json",
    }.items(),
)
def test_address_beside_the_pages_when_asked_with_a_token_answers(
    filled: Filled, address: str, kind: str
) -> None:
    answer = filled.ask("GET", address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


WRONG = {
    "no-such-connector": (404, httpx.Request("GET", "http://c/runs?connector=x")),
    "no-such-value": (400, httpx.Request("GET", "http://c/assets?connector=stock&state=x")),
    "no-form": (415, httpx.Request("POST", "http://c/run?connector=stock", json={})),
    "too-large": (413, httpx.Request("POST", "http://c/run", data={"connector": "x" * 70_000})),
    "too-many": (
        400,
        httpx.Request("POST", "http://c/run", data={f"f{number}": "x" for number in range(100)}),
    ),
    "not-there": (409, httpx.Request("POST", "http://c/run", data={"connector": "x"})),
}


@pytest.mark.parametrize(("status", "request_"), WRONG.values(), ids=list(WRONG))
def test_request_when_wrong_is_answered_with_one_line(
    filled: Filled, status: int, request_: httpx.Request
) -> None:
    headers = {"Authorization": f"Bearer {filled.token}", "Accept": "application/json"}
    kind = {name: value for name, value in request_.headers.items() if name == "content-type"}
    answer = filled.client.request(
        request_.method, request_.url.raw_path.decode(), headers=headers | kind, content=request_.read()
    )
    assert (answer.status_code, answer.json()["error"].count("\n")) == (status, 0)
