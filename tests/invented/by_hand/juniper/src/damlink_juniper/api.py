"""Requests to Juniper's API and its answers. No other module knows its JSON."""

from __future__ import annotations

from typing import Final

import attrs
from damlink import Client, PreparedAsset, read_as

__all__ = ["delete_file", "find_file", "rename_file", "send_file"]

PART_BYTES: Final = 8 * 2**20


@attrs.frozen
class File:
    """A file at Juniper."""

    id: str


def find_file(http: Client, reference: str) -> str | None:
    """Return the id of the file with a reference of ours; `None` if there is none."""
    found = read_as(http.get("/v1/items", params={"reference": reference}), list[File], "items")
    return found[0].id if found else None


def send_file(http: Client, prepared: PreparedAsset, reference: str) -> str:
    """Send a file in parts, with a reference of ours, and return the id of the item that is made of them.

    Raises:
        UnclearError: it may or may not have arrived.
    """
    body = {"reference": reference, "title": prepared.name, "filename": prepared.content.filename}
    # An upload that is not completed is no item, and Juniper forgets it.
    upload = read_as(http.post("/v1/uploads", json=body, idempotent=True), File)
    for number, part in enumerate(prepared.content.parts(PART_BYTES), 1):
        http.put(f"/v1/uploads/{upload.id}/parts/{number}", content=part)
    item = http.send_once(
        "POST", f"/v1/uploads/{upload.id}/complete", read=lambda answer: read_as(answer, File, "item")
    )
    return item.id


def rename_file(http: Client, file_id: str, title: str) -> None:
    """Give a file another title."""
    http.put(f"/v1/items/{file_id}/title", json={"title": title})


def delete_file(http: Client, file_id: str) -> None:
    """Delete a file, if it is still there."""
    http.delete(f"/v1/items/{file_id}", accept={404})
