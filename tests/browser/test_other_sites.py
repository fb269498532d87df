"""Pages of other sites in the browser of a person who is signed in to the console."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from browser.chromium import REBOUND

pytestmark = pytest.mark.acceptance

# Another site, and another port of this machine, to which a browser does send the cookie.
SITES = {"another-site": "http://evil.example", "another-port": "http://127.0.0.1:1"}
TRAP = """
<form method="post" action="{origin}/retry?connector=stock&amp;id=97"><button>A prize</button></form>
<iframe src="{origin}/"></iframe>
"""


@pytest.fixture(params=SITES.values(), ids=list(SITES))
def trap(chromium: Any, shown: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page of the other site, in a browser that is signed in."""
    body = TRAP.format(origin=shown.origin)
    with contextlib.closing(chromium.new_context()) as context:
        context.add_cookies(shown.cookies)
        context.route(f"{request.param}/", lambda route: route.fulfill(body=body, content_type="text/html"))
        page = context.new_page()
        page.goto(f"{request.param}/")
        yield page


def test_form_when_another_site_sends_it_is_refused(trap: Any) -> None:
    with trap.expect_navigation() as answered:
        trap.get_by_role("button").click()
    assert answered.value.status == 403


def test_console_when_framed_by_another_site_is_not_shown(trap: Any) -> None:
    assert trap.frames[1].url.startswith("chrome-error:")


def test_console_when_another_name_leads_to_its_address_does_not_answer(chromium: Any, shown: Any) -> None:
    port = shown.origin.rpartition(":")[2]
    with contextlib.closing(chromium.new_context()) as context:
        answer = context.new_page().goto(f"http://{REBOUND}:{port}/")
    assert answer is not None
    assert 400 <= answer.status < 500
