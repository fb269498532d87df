"""The stand-in of the frozen plugin's partner, of the blocks of damlink-sandbox 0.1. It is never changed."""

from __future__ import annotations

from typing import Any

from damlink_sandbox import Call, OAuthServer, StandIn, numbered_page, refuse, route, send_file


class FrozenSandbox(StandIn):
    """A list of pictures behind OAuth 2.0."""

    name = "frozen"
    credentials = OAuthServer()

    @route("GET /account")
    def account(self, call: Call) -> Any:
        return {"name": "sandbox", "kind": "image"}

    @route("GET /pictures")
    def pictures(self, call: Call) -> Any:
        rows = [
            {
                "id": f"FZ-{number}",
                "etag": file.sha256(),
                "title": file.filename,
                "changed": f"2026-01-{number + 1:02}",
                "path": f"/files/{number}",
                "gone": False,
            }
            for number, file in enumerate(self.media)
        ]
        since = call.query.get("since", "")
        return numbered_page(call.query, [row for row in rows if row["changed"] >= since], size=3)

    @route("GET /files/{number}")
    def file(self, call: Call) -> Any:
        number = int(call.params["number"])
        if number >= len(self.media):
            raise refuse(404, "no such file")
        return send_file(call.method, call.headers, self.media[number])
