from __future__ import annotations

import json

import pytest

from damlink._run.scrubber import Scrubber

TEXTS = {
    "Authorization: Bearer abc.def": "Authorization:**redacted**",
    'the header "X-Api-Key: abcd" is wrong': 'the header "…" is wrong',
    "X-Api-Key: abcd is wrong": "X-Api-Key: **redacted** is wrong",
    "password=hunter2&page=2": "password=**redacted**&page=2",
    '{"refresh_token": "a\\"b", "expires_in": 1}': '{"…": **redacted**, "…": 1}',
    "GET https://me:pw@a.example/b?sig=1#x 404": "GET https://**redacted**a.example/b?**redacted** 404",
    "token: none": "token: **redacted**",
    "job 0123456789abcdef0123 failed": "job **redacted** failed",
    "upload of Harbour at dawn failed": "upload of … failed",
    "cannot read Sunset-2.JPG, or 'My dog'": "cannot read …, or '…'",
    "stock: no portal 'brand'": "stock: no portal 'brand'",
    "the portal's answer isn't JSON (503)": "the portal's answer isn't JSON (503)",
    "damlink._state.database: locked after 30 s": "damlink._state.database: locked after 30 s",
    "run `damlink check stock`": "run `damlink check stock`",
}


@pytest.mark.parametrize(("given", "left"), TEXTS.items(), ids=range(len(TEXTS)))
def test_text_when_scrubbed_keeps_what_names_no_secret_and_no_asset(given: str, left: str) -> None:
    scrubber = Scrubber()
    scrubber.keep_words(["brand", "stock"])
    scrubber.note_names(["Harbour at dawn", "Harbour", "stock"])
    assert scrubber.scrub(given) == left


def test_lines_when_scrubbed_stay_lines() -> None:
    text = "Authorization: a\nb: c\n\nCookie=\nd\n"
    assert Scrubber().scrub(text).count("\n") == text.count("\n")


def test_secret_with_several_lines_is_found_line_by_line() -> None:
    scrubber = Scrubber()
    scrubber.note_secrets(["first-part\nsecond-part\n"])
    assert scrubber.redact("second-part and first-part") == "**redacted** and **redacted**"


def test_line_of_json_when_scrubbed_keeps_its_members() -> None:
    line = {"level": "info", "message": "cannot read 'My dog'", "headers": {"Cookie": "a=1", "size": 7}}
    assert json.loads(Scrubber().scrub_line(json.dumps(line))) == {
        "level": "info",
        "message": "cannot read '…'",
        "headers": {"Cookie": "**redacted**", "size": 7},
    }


@pytest.mark.parametrize(
    "line", ["{", "{}", "[" * 100_000, '{"a":' * 100_000], ids=["open", "empty", "deep", "deep-object"]
)
def test_line_that_is_no_object_is_scrubbed_as_text(line: str) -> None:
    assert Scrubber().scrub_line(line)
