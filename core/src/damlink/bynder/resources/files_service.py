"""Steps of an upload to the files service, which only some portals have.

Source: api.bynder.com, "Asset upload (modern stack)"; fields that are not published there are sent as in
unreleased branches of the official SDKs.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import httpx

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_field, post_body
from damlink.bynder._fields import fields
from damlink.bynder._once import success_of
from damlink.bynder._request import segment
from damlink.bynder.resources.resource import Resource

__all__ = ["FilesService"]

RAW_BYTES: Final = "application/octet-stream"


class FilesService(Resource):
    """Steps of an upload to the files service, which only some portals have.

    Example:
        file = portal.files.prepare()
        portal.files.chunk(file, chunk=0, file=path)
        portal.files.finalise(file, filename="beach.jpg", size=path.stat().st_size, chunks=1)
    """

    @action()
    def prepare(self) -> str:
        """Open an upload at the files service and return the id of its file."""
        path = "/v7/file_cmds/upload/prepare"
        opened = post_body(self._client, path, expect_field("file_id"), json={})
        return str(opened["file_id"])

    @action()
    def chunk(self, id: str, *, chunk: int, file: Path) -> None:
        """Send one chunk to the files service. Safe to repeat.

        Args:
            id: of the file.
            chunk: number of the chunk, counted from 0.
            file: contains the bytes of the chunk.
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
        """Close an upload at the files service. Save the file by its id afterwards.

        Args:
            id: of the file.
            filename: with its extension.
            size: of the whole file, in bytes.
            chunks: number of chunks.
            sha256: of the whole file, in hexadecimal.
        """
        form = {"fileName": filename, "fileSize": size, "chunksCount": chunks, "sha256": sha256}
        path = f"/v7/file_cmds/upload/{segment(id)}/finalise_api"
        self._client.send_once("POST", path, read=_accept_success, data=fields(form))


def _accept_success(response: httpx.Response) -> None:
    """Accept an answer without a body, as published, or a success in JSON."""
    if response.content:
        success_of(response)
