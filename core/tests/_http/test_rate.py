"""What an answer says about the rate limit is read, in each of its common forms, at the wire."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest
from scripted_server import Server

from damlink import Client, Rate, read_rate


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({}, Rate()),
        ({"Retry-After": "7"}, Rate(retry_after=7)),
        (
            {"RateLimit-Limit": "100", "RateLimit-Remaining": "3", "RateLimit-Reset": "50"},
            Rate(100, 3, 50),
        ),
        (
            {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"},
            Rate(100, 0, 5),
        ),
        ({"X-Rate-Limit-Remaining": "9"}, Rate(remaining=9)),
        ({"RateLimit": "limit=100, remaining=50, reset=5"}, Rate(100, 50, 5)),
        ({"RateLimit": '"default";r=50;t=30', "RateLimit-Policy": '"default";q=100;w=10'}, Rate(100, 50, 30)),
        ({"RateLimit-Limit": "100, 100;w=60"}, Rate(limit=100)),
        ({"X-RateLimit-Remaining": "many", "Retry-After": "soon"}, Rate()),
    ],
    ids=["none", "retry-after", "three", "with-x", "with-hyphen", "one", "structured", "policy", "garbage"],
)
def test_rate_when_an_answer_states_it_is_read(
    server: Server, partner: Client, headers: dict[str, str], rate: Any
) -> None:
    server.then(200, headers=headers)
    assert read_rate(partner.get("/")) == rate


@pytest.mark.parametrize("factor", [1, 1000], ids=["seconds", "milliseconds"])
def test_rate_when_the_reset_is_a_moment_is_the_time_until_then(
    server: Server, partner: Client, factor: int
) -> None:
    server.then(200, headers={"X-RateLimit-Reset": str(int(time.time() + 3600) * factor)})
    assert 3000 < (read_rate(partner.get("/")).reset_seconds or 0) <= 3600


def test_rate_when_the_date_has_passed_asks_for_no_pause(server: Server, partner: Client) -> None:
    server.then(200, headers={"Retry-After": formatdate(time.time() - 60, usegmt=True)})
    assert read_rate(partner.get("/")).pause_seconds == 0


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        (Rate(), 0),
        (Rate(remaining=1, reset_seconds=9), 0),
        (Rate(remaining=0, reset_seconds=9), 9),
        (Rate(remaining=0), 0),
        (Rate(remaining=0, reset_seconds=9, retry_after=2), 2),
    ],
)
def test_pause_when_nothing_is_left_lasts_until_the_reset(rate: Rate, seconds: float) -> None:
    assert rate.pause_seconds == seconds
