"""Stand-in for Marigold."""

from __future__ import annotations

from typing import Any

from damlink_sandbox import Call, OAuthServer, StandIn, cursor_page, route, send_file


class MarigoldSandbox(StandIn):
    """One application, and the pictures of one desk."""

    name = "marigold"
    credentials = OAuthServer()

    @route("GET /v2/pictures")
    def pictures(self, call: Call) -> Any:
        """List the pictures that have changed since a moment, that moment included."""
        rows = [row for row in self.rows() if row["modified"] >= call.query.get("modified_from", "")]
        items, following = cursor_page(call.query, rows, size=3, cursor="after")
        return {"items": items, "next": following}

    @route("GET /v2/pictures/{uuid}/file")
    def file(self, call: Call) -> Any:
        """Send a picture."""
        return send_file(call.method, call.headers, self.media[int(call.params["uuid"].partition("-")[2])])

    def rows(self) -> list[dict[str, Any]]:
        """Return all pictures; the rights of the last one are restricted."""
        rights = ["cleared"] * (len(self.media) - 1) + ["restricted"]
        return [
            {
                "uuid": f"mg-{number}",
                "revision": f"{number}.1",
                "headline": file.filename.partition(".")[0],
                "caption": "On the coast.",
                "credit": "Ada Reed / Marigold",
                "keywords": ["coast"],
                "rights": rights[number],
                "modified": f"2026-03-{number + 1:02}T08:00:00Z",
                "filename": file.filename,
                "checksum": file.sha256(),
            }
            for number, file in enumerate(self.media)
        ]
