"""Tamarack's part of the sandbox. Its rows are in `rows.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from damlink_sandbox import Call, StandIn, TokenServer, cursor_page, route, send_file

# The most rows of a page: few, so that the list has several pages.
SIZE = 3
ROWS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "rows.json").read_text("utf-8"))


class TamarackSandbox(StandIn):
    """The stand-in for Tamarack: one account, and a list of rows."""

    name = "tamarack"
    credentials = TokenServer(
        "/v3/session",
        fields=("app", "key"),
        answers=("session", "ttl"),
        header="X-Tamarack-Session",
        prefix="",
        is_single=True,
    )

    def settings(self) -> Mapping[str, Any]:
        """Return further settings of the connector."""
        return {"requests_per_second": 100.0}

    @route("GET /v3/media")
    def items(self, call: Call) -> Any:
        """Return a page of the list."""
        rows = [self._with_file(number, row) for number, row in enumerate(ROWS)]
        rows = [row for row in rows if row["updatedAt"] >= call.query.get("updated_from", "")]
        page, following = cursor_page(call.query, rows, SIZE, cursor="page_token")
        return {"result": {"media": page, "page_token": following}}

    @route("GET /v3/media/{id}/original")
    def file(self, call: Call) -> Any:
        """Return the bytes of a file."""
        number = int(call.params["id"]) - 1
        return send_file(call.method, call.headers, self.media[number % len(self.media)])

    def _with_file(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with the name of one of the sandbox's files."""
        return {**row, "filename": self.media[number % len(self.media)].filename}
