from __future__ import annotations

import logging
from typing import Any

import pytest

from damlink import Secret
from damlink._http.client import open_client


def test_log_of_httpx_when_a_secret_is_in_the_query_redacts_it(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    secret = Secret("a-key-in-the-query-4711")
    with open_client(server.url) as client:
        client.get("/list", params={"key": secret.reveal()})
    assert "HTTP Request: GET" in caplog.text
    assert "4711" not in caplog.text
