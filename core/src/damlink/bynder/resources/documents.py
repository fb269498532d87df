"""Text content that was written in the portal.

Source: Bynder's published definition of authoring.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import read_again, read_body
from damlink.bynder._request import segment
from damlink.bynder.records.services import Document
from damlink.bynder.resources.resource import Resource

__all__ = ["Documents"]

PATH: Final = "/api/1/authoring/documents"
JSON_API: Final = "application/vnd.api+json"


class Documents(Resource):
    """Text content that was written in the portal.

    Example:
        print(portal.documents.get(document))
    """

    @action()
    def get(self, id: str, *, referer: str | None = None) -> Document:
        """Get the text of a document.

        Args:
            id: of the document.
            referer: address of the page that shows the document, which may decide about permissions.
        """
        headers = {"Accept": JSON_API} | ({"Referer": referer} if referer else {})
        return read_again(
            lambda: self._client.get(f"{PATH}/{segment(id)}", headers=headers),
            lambda response: Document.read(read_body(response, expect_document)),
        )


def expect_document(body: Any) -> Mapping[str, Any]:
    """Return an object of JSON:API with one resource."""
    if isinstance(body, Mapping) and isinstance(body.get("data"), Mapping):
        return body
    raise ValueError("with a document")
