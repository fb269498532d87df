"""Text content, in the form of JSON:API.

Source: Bynder's published definition of authoring. An unknown document is a 400 (assumed).
"""

from __future__ import annotations

import json
from typing import Any

from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.router import Answer, Call, Refusal, Routes

_KIND = "application/vnd.api+json"

routes: Routes[Portal] = Routes()


def add(portal: Portal, html: str) -> str:
    """Add a document with this text and return its id."""
    made = portal.ids.uuid()
    content = {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": html}]}]}
    attributes = {"document": json.dumps(content), "html": html, "documentGroupId": portal.ids.uuid()}
    portal.services.documents[made] = attributes
    return made


@routes.add("GET /api/1/authoring/documents/{id}")
def _get(portal: Portal, call: Call) -> Answer:
    if call.headers.get("accept") != _KIND:
        raise _refusal("VALIDATION_ERROR", f"headers must have accept {_KIND}")
    key = call.params["id"].lower()
    if key not in portal.services.documents:
        raise _refusal("MISSING_ERROR", "Document not found")
    return _answer(
        200, {"data": {"id": key, "type": "document", "attributes": portal.services.documents[key]}}
    )


def _refusal(code: str, detail: str) -> Refusal:
    title = "".join(word.capitalize() for word in code.split("_"))
    return Refusal(
        _answer(400, {"errors": [{"status": 400, "code": code, "title": title, "detail": detail}]})
    )


def _answer(status: int, data: Any) -> Answer:
    return Answer(status, json.dumps(data).encode(), _KIND)
