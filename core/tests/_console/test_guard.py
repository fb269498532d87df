"""Refusals of the guard, as a program reads them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from damlink._state.access import Access

REFUSED = {
    "no-such-token": (
        401,
        {"Authorization": "Bearer x"},
        "this token is not known, or has ended; `damlink users",
    ),
    "other-host": (421, {"Host": "evil.example"}, "this address is not the console's"),
    "other-site": (403, {"Origin": "http://evil.example"}, "this did not come from a page of the console"),
    "too-small-a-role": (403, {}, "this takes the role operator, and known has viewer"),
}


@pytest.mark.parametrize(("status", "headers", "why"), REFUSED.values(), ids=list(REFUSED))
def test_refusal_when_json_is_asked_for_is_json(
    shown: Any, status: int, headers: dict[str, str], why: str
) -> None:
    token = Access(shown.session.database).make_token("known", "a test", None)
    given = {"Authorization": f"Bearer {token}", "Accept": "application/json"} | headers
    answer = httpx.post(f"{shown.url}/run", headers=given, data={"connector": "stock"}, trust_env=False)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(why)


def test_page_when_json_is_asked_for_without_a_token_says_that_it_is_missing(shown: Any) -> None:
    answer = httpx.get(f"{shown.url}/", headers={"Accept": "application/json"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"].partition(";")[0]) == (401, "a token is missing")


def test_refusal_when_no_json_is_asked_for_is_a_line(shown: Any) -> None:
    answer = httpx.get(f"{shown.url}/", headers={"Authorization": "Bearer x"}, trust_env=False)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.count("\n") == 1
