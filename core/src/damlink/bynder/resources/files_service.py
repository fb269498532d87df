"""The steps of an upload by the files service (flow B), which not every portal has.

Source: api.bynder.com, "Asset upload (modern stack)"; what is sent besides the published fields is
as the official SDKs' unreleased branches send it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import httpx

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_field, read_again, read_body
from damlink.bynder._fields import fields
from damlink.bynder._once import success_of
from damlink.bynder._request import segment

__all__ = ["FilesService"]

RAW_BYTES: Final = "application/octet-stream"


class FilesService:
    """The steps of an upload by the files service, one call each; then save the file by its id."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action()
    def prepare(self) -> str:
        """Open an upload at the files service; the id of its file."""
        opened = read_again(
            lambda: self._client.post("/v7/file_cmds/upload/prepare", json={}, idempotent=True),
            lambda response: read_body(response, expect_field("file_id")),
        )
        return str(opened["file_id"])

    @action()
    def chunk(self, id: str, *, chunk: int, file: Path) -> None:
        """Send one chunk to the files service; safe to repeat.

        Args:
            id: of the file.
            chunk: its number, counted from 0.
            file: holds the chunk's bytes.
        """
        self.send_chunk(id, chunk, file.read_bytes())

    def send_chunk(self, id: str, chunk: int, data: bytes) -> None:
        """Send the bytes of one chunk to the files service."""
        path = f"/v7/file_cmds/upload/{segment(id)}/chunk/{chunk}"
        headers = {"Content-Type": RAW_BYTES, "Content-SHA256": hashlib.sha256(data).hexdigest()}
        self._client.post(path, content=data, headers=headers, idempotent=True)

    @action()
    def finalise(
        self,
        id: str,
        *,
        filename: str,
        size: int,
        chunks: int,
        sha256: str | None = None,
    ) -> None:
        """Close an upload at the files service; then save it by its file id.

        Args:
            id: of the file.
            filename: with its extension.
            size: of the whole file, in bytes.
            chunks: how many there are in all.
            sha256: of the whole file, in hex.
        """
        form = {"fileName": filename, "fileSize": size, "chunksCount": chunks, "sha256": sha256}
        path = f"/v7/file_cmds/upload/{segment(id)}/finalise_api"
        self._client.send_once("POST", path, read=_finalised, data=fields(form))


def _finalised(response: httpx.Response) -> None:
    """Take an answer without a body, as published, or a success in JSON."""
    if response.content:
        success_of(response)
