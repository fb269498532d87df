"""The steps of an upload, one call each, in both flows. `Portal.upload` takes them in their order.

Source: api.bynder.com, "Asset upload", and the official SDKs. Flow A goes by S3 (`/api/upload`);
flow B by Bynder's files service (`/v7/file_cmds`), which not every portal has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import attrs
import httpx

from damlink._http import Client
from damlink.bynder._action import action
from damlink.bynder._fields import fields, joined_tags, named
from damlink.bynder._request import get_json, read_json, segment
from damlink.errors import NotYet

__all__ = ["Import", "Poll", "Saved", "Ticket", "Uploads", "s3_fields"]

RAW_BYTES: Final = "application/octet-stream"


@attrs.frozen(kw_only=True)
class Ticket:
    """An upload that the portal has opened: what every later step of flow A needs.

    Attributes:
        multipart_params: what S3 wants with every chunk, verbatim but for `key`.
    """

    upload_id: str
    target_id: str
    s3_filename: str
    multipart_params: Mapping[str, str]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Import:
    """A finalised upload under conversion."""

    import_id: str
    batch_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Poll:
    """What became of finalised uploads; those under conversion are in none of the three."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    rejected: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Saved:
    """What a save has made.

    Attributes:
        media_id: of the asset; an additional may be told by its `item_id` alone.
        access_request_id: the batch of the waiting room, where it went there.
    """

    media_id: str
    item_id: str
    batch_id: str
    access_request_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Saved:
        """From the portal's JSON."""
        return cls(
            media_id=str(raw.get("mediaid") or ""),
            item_id=str(raw.get("itemId") or ""),
            batch_id=str(raw.get("batchId") or ""),
            access_request_id=str(raw.get("accessRequestId") or ""),
            raw=raw,
        )


class _Writer(Protocol):
    """Turns metaproperty values into form fields; the portal's metaproperties are one."""

    def form(self, values: Mapping[str, str | Sequence[str]]) -> dict[str, str]:
        """The fields `metaproperty.ID`."""


class Uploads:
    """The steps of an upload, one call each.

    Args:
        s3: an unsigned client: S3 refuses a form that carries credentials besides its policy.
    """

    def __init__(self, client: Client, s3: Client, metaproperties: _Writer) -> None:
        self._client = client
        self._s3 = s3
        self._metaproperties = metaproperties

    # --- flow A: by S3 -----------------------------------------------------------------------------

    @action("Get Closest S3 Upload Endpoint")
    def endpoint(self) -> str:
        """The S3 address that chunks go to."""
        return str(get_json(self._client, "/api/upload/endpoint"))

    @action("Initialize Upload")
    def init(self, *, filename: str) -> Ticket:
        """Open an upload.

        Args:
            filename: with its extension, which the portal demands.
        """
        answer = read_json(
            self._client.post("/api/upload/init", data={"filename": filename}, idempotent=True)
        )
        return Ticket(
            upload_id=str(answer["s3file"]["uploadid"]),
            target_id=str(answer["s3file"]["targetid"]),
            s3_filename=str(answer["s3_filename"]),
            multipart_params={key: str(value) for key, value in answer["multipart_params"].items()},
            raw=answer,
        )

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
        """Send a file, or one chunk of it, to S3; safe to repeat.

        Args:
            upload_url: what `endpoint` answered.
            multipart_params: as `init` answered them.
            file: holds the bytes; each chunk but the last at least 5 MB.
            chunk: its number, counted from 1.
            chunks: how many there are in all.
        """
        with file.open("rb") as data:
            self.send_chunk(
                upload_url, s3_fields(multipart_params, file.name, chunk, chunks), file.name, data
            )

    def send_chunk(self, upload_url: str, form: Mapping[str, str], filename: str, data: Any) -> None:
        """Send one chunk to S3 that is a seekable file."""
        files: Any = {"file": (filename, data, RAW_BYTES)}
        self._s3.post(upload_url, data=form, files=files, idempotent=True)

    @action("Register Uploaded Chunk")
    def register(self, id: str, *, chunk_number: int, target_id: str, filename: str) -> None:  # noqa: A002
        """Tell the portal of a chunk that S3 has taken; safe to repeat.

        Args:
            id: of the upload.
            chunk_number: counted from 1.
            target_id: as `init` answered it.
            filename: where the chunk lies: the S3 file name and `/p` with its number.
        """
        form = {"id": id, "targetid": target_id, "filename": filename, "chunkNumber": str(chunk_number)}
        # Repeating a chunk's number is what the portal's own `retry` asks for.
        self._client.post("/api/v4/upload/", data=form, idempotent=True)

    @action("Finalize Complete Upload")
    def finalise(
        self,
        id: str,  # noqa: A002
        *,
        target_id: str,
        s3_filename: str,
        chunks: int,
        original_filename: str | None = None,
    ) -> Import:
        """Close an upload whose chunks are all registered.

        Args:
            id: of the upload.
            target_id: as `init` answered it.
            s3_filename: where the file lies; with or without the last chunk's `/p`.
            chunks: how many there are in all.
            original_filename: what the portal shows, special characters included.

        Raises:
            UnclearError: no answer: begin a new upload; an unsaved one is invisible.
        """
        form = {"id": id, **_closing(target_id, s3_filename, chunks)}
        form |= fields({"original_filename": original_filename})
        answer = read_json(self._client.post("/api/v4/upload/", data=form))
        return Import(import_id=str(answer["importId"]), batch_id=str(answer.get("batchId", "")), raw=answer)

    @action("Finalize Complete Upload And Save As New Asset Additional")
    def finalise_additional(
        self,
        id: str,  # noqa: A002
        *,
        asset_id: str,
        target_id: str,
        s3_filename: str,
        chunks: int,
    ) -> Saved:
        """Close an upload and put its file beside an asset; never to be repeated blindly.

        Args:
            id: of the upload.
            asset_id: the asset that gets the file.
            target_id: as `init` answered it.
            s3_filename: where the file lies; with or without the last chunk's `/p`.
            chunks: how many there are in all.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/additional/{segment(id)}/"
        return self._saved(self._client.post(path, data=_closing(target_id, s3_filename, chunks)))

    @action("Retrieve Poll State")
    def poll(self, *, items: Sequence[str]) -> Poll:
        """What became of finalised uploads.

        Args:
            items: import ids.
        """
        answer = get_json(self._client, "/api/v4/upload/poll/", items=",".join(items)) or {}
        done, failed, rejected = (
            tuple(str(each) for each in answer.get(key) or ())
            for key in ("itemsDone", "itemsFailed", "itemsRejected")
        )
        return Poll(done=done, failed=failed, rejected=rejected, raw=answer)

    # --- the save, of both flows -------------------------------------------------------------------

    @action("Save a New Asset")
    def save(
        self,
        import_id: str,
        *,
        brand_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
        copyright: str | None = None,  # noqa: A002
        tags: Sequence[str] | None = None,
        categories: Sequence[str] | None = None,
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        is_public: bool | None = None,
        audit: bool | None = None,
        access_request_id: str | None = None,
        requestor_id: str | None = None,
        access_type: Literal["upload", "edit", "export", "shutterstock", "stock"] | None = None,
        iso_publication_date: datetime | None = None,
        archive_date: datetime | None = None,
        watermark_date: datetime | None = None,
        crc32: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Saved:
        """Save a converted upload as a new asset; never to be repeated blindly: each makes one.

        Args:
            import_id: of the finalised upload; the file id in flow B.
            brand_id: of the brand; the portal may have a default.
            name: of the asset.
            description: of the asset.
            copyright: of the asset.
            tags: of the asset; a comma in one becomes a space.
            categories: their ids.
            metaproperties: values by name, label or id; of a select, its options' names or ids.
            is_public: whether everybody may see it; cannot be undone.
            audit: send it to the waiting room.
            access_request_id: put it into this batch of the waiting room.
            requestor_id: the user shown as its uploader in the waiting room.
            access_type: the section of the waiting room.
            iso_publication_date: when it is published.
            archive_date: when it is archived.
            watermark_date: when it gets the portal's visible watermark.
            crc32: of the file's bytes, which the portal then checks.
            extra: further fields under Bynder's names.

        Raises:
            NotYet: the portal is still converting.
            UnclearError: no answer: look whether it arrived.
        """
        given = named(locals())
        for ours in ("importId", "metaproperties", "tags", "isoPublicationDate"):
            given.pop(ours)
        given |= {"ISOPublicationDate": iso_publication_date}
        given |= {"tags": joined_tags(tags)} if tags is not None else {}
        given |= self._metaproperties.form(metaproperties) if metaproperties else {}
        path = f"/api/v4/media/save/{segment(import_id)}/"
        return self._saved(self._client.post(path, data=fields(given, extra)))

    @action("Save as a New Asset Version")
    def save_version(self, asset_id: str, *, import_id: str) -> Saved:
        """Save a converted upload as the new version of an asset; it takes no metadata.

        Args:
            asset_id: the asset that gets the version.
            import_id: of the finalised upload; the file id in flow B.

        Raises:
            NotYet: the portal is still converting.
            UnclearError: no answer: look whether it arrived.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/{segment(import_id)}/"
        return self._saved(self._client.post(path, data={}))

    def _saved(self, response: httpx.Response) -> Saved:
        if response.status_code == httpx.codes.SEE_OTHER:
            raise NotYet("the portal is still converting")
        return Saved.read(read_json(response))

    # --- flow B: by the files service --------------------------------------------------------------

    @action()
    def prepare_file(self) -> str:
        """Open an upload at the files service; the id of its file."""
        return str(
            read_json(self._client.post("/v7/file_cmds/upload/prepare", json={}, idempotent=True))["file_id"]
        )

    @action()
    def file_chunk(self, id: str, *, chunk: int, file: Path) -> None:  # noqa: A002
        """Send one chunk to the files service; safe to repeat.

        Args:
            id: of the file.
            chunk: its number, counted from 0.
            file: holds the chunk's bytes.
        """
        self.send_file_chunk(id, chunk, file.read_bytes())

    def send_file_chunk(self, id: str, chunk: int, data: bytes) -> None:  # noqa: A002
        """Send the bytes of one chunk to the files service."""
        path = f"/v7/file_cmds/upload/{segment(id)}/chunk/{chunk}"
        headers = {"Content-Type": RAW_BYTES, "Content-SHA256": hashlib.sha256(data).hexdigest()}
        self._client.post(path, content=data, headers=headers, idempotent=True)

    @action()
    def finalise_file(
        self,
        id: str,  # noqa: A002
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
        self._client.post(f"/v7/file_cmds/upload/{segment(id)}/finalise_api", data=fields(form))

    @action()
    def save_additional(self, asset_id: str, *, file_id: str) -> Saved:
        """Put a finalised file of the files service beside an asset; never to be repeated blindly.

        Args:
            asset_id: the asset that gets the file.
            file_id: of the finalised file.

        Raises:
            NotYet: the portal is still working on it.
        """
        path = f"/api/v4/media/{segment(asset_id)}/save/additional/{segment(file_id)}/"
        return self._saved(self._client.post(path, data={}))


def s3_fields(params: Mapping[str, Any], filename: str, chunk: int, chunks: int) -> dict[str, str]:
    """The form that S3 wants with one chunk: the portal's own fields, and where it goes."""
    key = f"{params['key']}/p{chunk}"
    return {
        **{name: str(value) for name, value in params.items()},
        "key": key,
        "Filename": key,
        "name": filename,
        "chunk": str(chunk),
        "chunks": str(chunks),
    }


def _closing(target_id: str, s3_filename: str, chunks: int) -> dict[str, str]:
    return {"targetid": target_id, "s3_filename": s3_filename, "chunks": str(chunks)}
