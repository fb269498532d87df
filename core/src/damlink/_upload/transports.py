"""How the bytes of an upload travel: by S3 (flow A, `v4`), or by the files service (flow B, `v7`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Protocol

from damlink._content import Content
from damlink._upload.parts import Part, PartFile, Session, part_size, read_parts
from damlink.bynder.records.uploads import s3_fields
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import BynderError, ConfigError

__all__ = ["FilesServiceTransport", "S3Transport", "Transport", "closing"]

FILES_SERVICE_PART: Final = 5 * 1024 * 1024  # bytes; the most it takes is not published


class Transport(Protocol):
    """One way for the bytes of an upload.

    Attributes:
        converts: whether a finalised upload is to be polled before it can be saved.
        closes_into_additional: whether a file beside an asset is saved by the closing itself.
    """

    converts: ClassVar[bool]
    closes_into_additional: ClassVar[bool]

    def open(self, content: Content) -> Session:
        """Open an upload for a content of known size."""

    def parts(self, content: Content, session: Session) -> Iterator[Part]:
        """The parts that are not there yet."""

    def send(self, session: Session, part: Part) -> None:
        """Send the bytes of a part; safe to repeat."""

    def register(self, session: Session, part: Part) -> None:
        """Tell the portal of a part that has arrived, if it wants to be told."""

    def finalise(self, session: Session) -> str:
        """Close the upload; the id that a save names."""


class S3Transport:
    """By S3. Source: api.bynder.com, "Asset upload", as all official SDKs do it."""

    converts: ClassVar[bool] = True
    closes_into_additional: ClassVar[bool] = True

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads
        self._endpoint = ""

    def open(self, content: Content) -> Session:
        """Open an upload."""
        ticket = self._uploads.init(filename=content.filename)
        self._endpoint = self._endpoint or self._uploads.endpoint()
        size = content.size or 0
        return Session(
            upload_id=ticket.upload_id,
            filename=content.filename,
            size=size,
            part_bytes=part_size(size),
            flow="v4",
            target_id=ticket.target_id,
            s3_filename=ticket.s3_filename,
            endpoint=self._endpoint,
            fields=dict(ticket.multipart_params),
            validator=content.validator,
        )

    def parts(self, content: Content, session: Session) -> Iterator[Part]:
        """The parts that are not there yet."""
        return read_parts(content, session)

    def send(self, session: Session, part: Part) -> None:
        """Send a part to S3."""
        form = s3_fields(session.fields, session.filename, part.number, session.parts)
        self._uploads.send_chunk(session.endpoint, form, session.filename, PartFile(part.data))

    def register(self, session: Session, part: Part) -> None:
        """Tell the portal of a part."""
        self._uploads.register(
            session.upload_id,
            chunk_number=part.number,
            target_id=session.target_id,
            filename=f"{session.s3_filename}/p{part.number}",
        )

    def finalise(self, session: Session) -> str:
        """Close the upload; the id of its import."""
        made = self._uploads.finalise(
            session.upload_id, **closing(session), original_filename=session.filename
        )
        return made.import_id


class FilesServiceTransport:
    """By the files service, which wants the digest of the whole file at the end."""

    converts: ClassVar[bool] = False
    closes_into_additional: ClassVar[bool] = False

    def __init__(self, service: FilesService) -> None:
        self._service = service
        self._digests: dict[str, Any] = {}

    def open(self, content: Content) -> Session:
        """Open an upload.

        Raises:
            ConfigError: the portal has no files service.
        """
        return Session(
            upload_id=self._prepared(),
            filename=content.filename,
            size=content.size or 0,
            part_bytes=FILES_SERVICE_PART,
            flow="v7",
        )

    def _prepared(self) -> str:
        try:
            return self._service.prepare()
        except BynderError as error:
            if error.status != 404:
                raise
            hint = 'set uploads = "v4" in the portal\'s table'
            raise ConfigError("uploads", "the portal has no files service", hint=hint) from error

    def parts(self, content: Content, session: Session) -> Iterator[Part]:
        """The parts that are not there yet; the content is read from its beginning for its digest."""
        digest = self._digests[session.upload_id] = hashlib.sha256()
        return read_parts(content, session, watch=digest.update)

    def send(self, session: Session, part: Part) -> None:
        """Send a part."""
        self._service.send_chunk(session.upload_id, part.number - 1, bytes(part.data))

    def register(self, session: Session, part: Part) -> None:
        """Nothing: the files service knows what it took."""

    def finalise(self, session: Session) -> str:
        """Close the upload; the id of its file."""
        self._service.finalise(
            session.upload_id,
            filename=session.filename,
            size=session.size,
            chunks=session.parts,
            sha256=self._digests[session.upload_id].hexdigest(),
        )
        del self._digests[session.upload_id]
        return session.upload_id


def closing(session: Session) -> dict[str, Any]:
    """What closes an upload by S3."""
    return {
        "target_id": session.target_id,
        "s3_filename": f"{session.s3_filename}/p{session.parts}",
        "chunks": session.parts,
    }
