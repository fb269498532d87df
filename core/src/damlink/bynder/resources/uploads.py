"""Steps of an upload to S3, and the saves of every upload.

Source: api.bynder.com, "Asset upload", and the official SDKs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, Unpack

import httpx

from damlink._http.client import Client
from damlink._http.outcome import CLASSIFY
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_ids, expect_mapping, expect_text, get_body, post_body
from damlink.bynder._fields import bynder_names, fields, join_tags
from damlink.bynder._once import check_confirmation, post_once, success_of
from damlink.bynder._request import segment
from damlink.bynder.records.uploads import Import, Poll, Saved, Ticket, closing_fields, s3_fields
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.bynder.resources.s3 import s3_error
from damlink.errors import NotYet

__all__ = ["SaveFields", "Uploads"]

RAW_BYTES: Final = "application/octet-stream"


class SaveFields(TypedDict, total=False):
    """Optional fields of a new asset.

    Args:
        brand_id: of the brand; the portal may have a default.
        name: of the asset.
        description: of the asset.
        copyright: of the asset.
        categories: ids of categories.
        is_public: make the asset public, which cannot be undone.
        audit: send the asset to the waiting room.
        access_request_id: of the batch in the waiting room.
        requestor_id: of the user shown as uploader in the waiting room.
        access_type: section of the waiting room.
        archive_date: moment at which the asset is archived.
        watermark_date: moment at which the asset gets a visible watermark.
        crc32: checksum of the file, which the portal verifies.
    """

    brand_id: str | None
    name: str | None
    description: str | None
    copyright: str | None
    categories: Sequence[str] | None
    is_public: bool | None
    audit: bool | None
    access_request_id: str | None
    requestor_id: str | None
    access_type: Literal["upload", "edit", "export", "shutterstock", "stock"] | None
    archive_date: datetime | None
    watermark_date: datetime | None
    crc32: int | None


class Uploads:
    """Uploads: a whole file by one command, or the steps of an upload one by one.

    Args:
        s3: client without credentials: S3 accepts only those in the form.
    """

    def __init__(self, client: Client, s3: Client, metaproperties: Metaproperties) -> None:
        self._client = client
        self._s3 = s3
        self._metaproperties = metaproperties

    # --- upload to S3 ------------------------------------------------------------------------------

    @action("Get Closest S3 Upload Endpoint")
    def endpoint(self) -> str:
        """Get the address of S3 for chunks."""
        return str(get_body(self._client, "/api/upload/endpoint", expect_text))

    @action("Initialize Upload")
    def init(self, *, filename: str) -> Ticket:
        """Open an upload.

        Args:
            filename: with its extension, which the portal requires.
        """
        return post_body(self._client, "/api/upload/init", _expect_ticket, data={"filename": filename})

    @action("Upload Chunk")
    def chunk(
        self,
        *,
        upload_url: str,
        multipart_params: Mapping[str, Any],
        file: Path,
        chunk: int = 1,
        chunks: int = 1,
    ) -> None:
        """Send a file, or one chunk of it, to S3. Safe to repeat.

        Args:
            upload_url: address that `endpoint` returned.
            multipart_params: form fields that `init` returned.
            file: contains the bytes of the chunk; at least 5 MB, except for the last one.
            chunk: number of the chunk, counted from 1.
            chunks: number of chunks.
        """
        with file.open("rb") as data:
            self.send_chunk(
                upload_url, s3_fields(multipart_params, file.name, chunk, chunks), file.name, data
            )

    def send_chunk(self, upload_url: str, form: Mapping[str, str], filename: str, data: Any) -> None:
        """Send one chunk, a seekable file, to S3."""
        files: Any = {"file": (filename, data, RAW_BYTES)}
        marks = {CLASSIFY: s3_error}
        self._s3.post(upload_url, data=form, files=files, idempotent=True, extensions=marks)

    @action("Register Uploaded Chunk")
    def register(self, id: str, *, chunk_number: int, target_id: str, filename: str) -> None:
        """Register a chunk that S3 has stored. Safe to repeat.

        Args:
            id: of the upload.
            chunk_number: number of the chunk, counted from 1.
            target_id: id that `init` returned.
            filename: key of the chunk: the file name in S3, then `/p` and the number of the chunk.
        """
        form = {"id": id, "targetid": target_id, "filename": filename, "chunkNumber": str(chunk_number)}
        # Repeating a chunk's number is what the portal's own `retry` asks for.
        self._client.post("/api/v4/upload/", data=form, idempotent=True)

    @action("Finalize Complete Upload")
    def finalise(
        self,
        id: str,
        *,
        target_id: str,
        s3_filename: str,
        chunks: int,
        original_filename: str | None = None,
    ) -> Import:
        """Finalise an upload after all chunks are registered.

        Args:
            id: of the upload.
            target_id: id that `init` returned.
            s3_filename: file name in S3, with or without `/p` and the number of the last chunk.
            chunks: number of chunks.
            original_filename: name that the portal shows, including special characters.

        Raises:
            UnclearError: no answer: begin a new upload; an unsaved one is invisible.
        """
        form = {"id": id, **closing_fields(target_id, s3_filename, chunks)}
        form |= fields({"original_filename": original_filename})
        return post_once(self._client, "/api/v4/upload/", Import.read, data=form)

    @action("Finalize Complete Upload And Save As New Asset Additional")
    def finalise_additional(
        self,
        id: str,
        *,
        asset_id: str,
        target_id: str,
        s3_filename: str,
        chunks: int,
    ) -> Saved:
        """Finalise an upload and add its file to an asset. Check the asset before a retry.

        Args:
            id: of the upload.
            asset_id: of the asset.
            target_id: id that `init` returned.
            s3_filename: file name in S3, with or without `/p` and the number of the last chunk.
            chunks: number of chunks.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/additional/{segment(id)}/"
        return self._send_save(path, Saved.read_additional, closing_fields(target_id, s3_filename, chunks))

    @action("Retrieve Poll State")
    def poll(self, *, items: Sequence[str]) -> Poll:
        """Get the states of finalised uploads.

        Args:
            items: import ids.
        """
        return get_body(self._client, "/api/v4/upload/poll/", _expect_poll, items=",".join(items))

    # --- save of every upload ----------------------------------------------------------------------

    @action("Save a New Asset")
    def save(
        self,
        import_id: str,
        *,
        tags: Sequence[str] | None = None,
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        iso_publication_date: datetime | None = None,
        extra: Mapping[str, Any] | None = None,
        **given: Unpack[SaveFields],
    ) -> Saved:
        """Save a converted upload as a new asset. Each call creates one, so check before a retry.

        Args:
            import_id: of the finalised upload; for the files service, the id of the file.
            tags: of the asset; a comma in one becomes a space.
            metaproperties: values by name, label or id; names or ids of options.
            iso_publication_date: moment of publication.
            extra: more fields, by Bynder's own names.
            given: see `SaveFields`.

        Raises:
            NotYet: the portal is still converting.
            UnclearError: no answer: check whether the file was saved.
        """
        values = bynder_names(given) | self._metaproperties.form(metaproperties or {})
        # Bynder spells this field in its own way.
        values |= {"ISOPublicationDate": iso_publication_date}
        values |= {"tags": None if tags is None else join_tags(tags)}
        path = f"/api/v4/media/save/{segment(import_id)}/"
        return self._send_save(path, Saved.read, fields(values, extra))

    def check_metaproperties(self, values: Mapping[str, str | Sequence[str]]) -> None:
        """Verify before a save that metaproperties and options exist.

        Raises:
            BynderError: one does not exist.
        """
        self._metaproperties.form(values)

    @action("Save as a New Asset Version")
    def save_version(self, asset_id: str, *, import_id: str) -> Saved:
        """Save a converted upload as a new version of an asset, without metadata.

        Args:
            asset_id: of the asset.
            import_id: of the finalised upload; for the files service, the id of the file.

        Raises:
            NotYet: the portal is still converting.
            UnclearError: no answer: check whether the file was saved.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/{segment(import_id)}/"
        return self._send_save(path, Saved.read, {})

    def _send_save(
        self, path: str, read: Callable[[Mapping[str, Any]], Saved], form: Mapping[str, str]
    ) -> Saved:
        """Send a save.

        Raises:
            NotYet: the portal answers that it is still converting.
        """

        def read_saved(response: httpx.Response) -> Saved:
            answer = success_of(response)
            if response.status_code != httpx.codes.SEE_OTHER:
                return read(answer)
            check_confirmation(answer)
            raise NotYet("the portal is still converting")

        accept = (httpx.codes.SEE_OTHER,)
        return self._client.send_once("POST", path, read=read_saved, accept=accept, data=form)

    @action()
    def save_additional(self, asset_id: str, *, file_id: str) -> Saved:
        """Add a finalised file of the files service to an asset. Check the asset before a retry.

        Args:
            asset_id: of the asset.
            file_id: of the finalised file.

        Raises:
            NotYet: the portal is still processing the file.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/additional/{segment(file_id)}/"
        return self._send_save(path, Saved.read_additional, {})


def _expect_poll(body: Any) -> Poll:
    """Return the states of imports; the official clients accept `null` for none."""
    answer = {} if body is None else expect_mapping(body)
    done, failed, rejected = (
        tuple(str(each) for each in expect_ids(answer.get(key) or []))
        for key in ("itemsDone", "itemsFailed", "itemsRejected")
    )
    return Poll(done=done, failed=failed, rejected=rejected, raw=answer)


def _expect_ticket(body: Any) -> Ticket:
    try:
        return Ticket(
            upload_id=str(body["s3file"]["uploadid"]),
            target_id=str(body["s3file"]["targetid"]),
            s3_filename=str(body["s3_filename"]),
            multipart_params={key: str(value) for key, value in body["multipart_params"].items()},
            raw=body,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("with the ids of an upload") from error
