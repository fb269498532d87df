from __future__ import annotations

import httpx
import pytest

from damlink import AuthError, TransientError
from damlink_istock.plugin import classify


@pytest.mark.parametrize(
    "text",
    ["Account Over Queries Per Second Limit", '{"message": "You are over rate limit."}'],
    ids=["plain text", "JSON"],
)
def test_classify_when_a_403_is_about_the_rate_is_a_429(text: str) -> None:
    error = classify(httpx.Response(403, text=text))
    assert isinstance(error, TransientError)
    assert error.status == 429


@pytest.mark.parametrize("status", [401, 403])
def test_classify_when_a_user_is_missing_names_the_settings(status: int) -> None:
    error = classify(httpx.Response(status, text='{"ErrorCode": "UserTokenRequired"}'))
    assert isinstance(error, AuthError)
    assert "set username and password" in str(error)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (403, "<html>over rate limit</html>"),
        (403, '{"ErrorCode": "OverageLimitReached"}'),
        (400, '{"ErrorCode": "UserTokenRequired"}'),
        (500, "over rate limit"),
    ],
    ids=["gateway page", "allowance", "another status", "failure"],
)
def test_classify_when_the_words_add_nothing_leaves_the_general_rule(status: int, text: str) -> None:
    assert classify(httpx.Response(status, text=text)) is None
