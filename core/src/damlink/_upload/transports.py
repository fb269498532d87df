"""Transports of an upload's bytes: S3, or the portal's files service."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Protocol

from damlink._content import Content
from damlink._upload.buffered_parts import read_parts
from damlink._upload.part_sizes import PartSizes, smallest_part
from damlink._upload.parts import Part, PartFile, Report
from damlink._upload.session import UploadSession
from damlink._upload.streamed_parts import can_stream, stream_parts
from damlink.bynder.records.uploads import s3_fields
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import BynderError, ConfigError, TransientError

__all__ = ["TRANSPORT_OF_SETTING", "FilesServiceTransport", "S3Transport", "Transport", "closing_arguments"]

# The maximum that the files service accepts is not published.
FILES_SERVICE_PART_BYTES: Final = 5 * 1024 * 1024


class Transport(Protocol):
    """One way to send the bytes of an upload.

    Attributes:
        name: name of the transport in a session.
        converts: whether a finalised upload must be polled before it can be saved.
        closes_into_additional: whether the request that closes the upload can save it beside an asset.
    """

    name: ClassVar[str]
    converts: ClassVar[bool]
    closes_into_additional: ClassVar[bool]

    def open(self, content: Content, *, small: bool) -> UploadSession:
        """Open an upload for a content of known size.

        Args:
            small: make the parts as small as possible.
        """

    def can_continue(self, session: UploadSession, content: Content) -> bool:
        """Return whether parts of the session's size can be made from this content."""

    def avoid_large_parts(self, session: UploadSession, cause: str) -> None:
        """Make small parts in new uploads, because this upload was refused for the size of its parts."""

    def parts(self, content: Content, session: UploadSession) -> Iterator[Part]:
        """Yield the parts that the portal does not have yet."""

    def send(self, session: UploadSession, part: Part, report: Report) -> None:
        """Send the bytes of a part; safe to repeat."""

    def register(self, session: UploadSession, part: Part) -> None:
        """Register a part that has arrived, if the transport requires it."""

    def finalise(self, session: UploadSession) -> str:
        """Close the upload and return the id that a save names."""


class S3Transport:
    """Transport by S3. Source: api.bynder.com, "Asset upload"; all official SDKs use it."""

    name: ClassVar[str] = "s3"
    converts: ClassVar[bool] = True
    closes_into_additional: ClassVar[bool] = True

    def __init__(self, uploads: Uploads, sizes: PartSizes) -> None:
        self._uploads = uploads
        self._endpoint = ""
        self._sizes = sizes
        # Held during the first request, so that only one thread sends it.
        self._lock = threading.Lock()

    def open(self, content: Content, *, small: bool) -> UploadSession:
        """Open an upload."""
        ticket = self._uploads.init(filename=content.filename)
        with self._lock:
            self._endpoint = self._endpoint or self._uploads.endpoint()
        size = content.size or 0
        has_small_parts = small or not content.has_ranges
        return UploadSession(
            upload_id=ticket.upload_id,
            filename=content.filename,
            size=size,
            part_bytes=smallest_part(size) if has_small_parts else self._sizes.choose(size),
            transport=self.name,
            target_id=ticket.target_id,
            s3_filename=ticket.s3_filename,
            endpoint=self._endpoint,
            fields=dict(ticket.multipart_params),
            validator=content.validator,
        )

    def can_continue(self, session: UploadSession, content: Content) -> bool:
        """Return whether the parts are streamed, or small enough for memory."""
        return can_stream(content, session.parts) or session.part_bytes <= smallest_part(session.size)

    def avoid_large_parts(self, session: UploadSession, cause: str) -> None:
        """Make small parts from now on."""
        self._sizes.avoid_large(session.part_bytes, cause)

    def parts(self, content: Content, session: UploadSession) -> Iterator[Part]:
        """Yield the parts that the portal does not have yet."""
        if can_stream(content, session.parts):
            return stream_parts(content, session)
        return read_parts(content, session)

    def send(self, session: UploadSession, part: Part, report: Report) -> None:
        """Send a part to S3."""
        form = s3_fields(session.fields, session.filename, part.number, session.parts)
        with contextlib.closing(PartFile(part, report)) as file:
            self._uploads.send_chunk(session.endpoint, form, session.filename, file)
            if not file.is_whole:
                raise TransientError(f"S3 answered before part {part.number} was sent")

    def register(self, session: UploadSession, part: Part) -> None:
        """Register a part with the portal."""
        self._uploads.register(
            session.upload_id,
            chunk_number=part.number,
            target_id=session.target_id,
            filename=f"{session.s3_filename}/p{part.number}",
        )

    def finalise(self, session: UploadSession) -> str:
        """Close the upload and return the id of its import."""
        made = self._uploads.finalise(
            session.upload_id, **closing_arguments(session), original_filename=session.filename
        )
        return made.import_id


class FilesServiceTransport:
    """Transport by the files service, which requires the digest of the whole file at the end."""

    name: ClassVar[str] = "files_service"
    converts: ClassVar[bool] = False
    closes_into_additional: ClassVar[bool] = False

    def __init__(self, service: FilesService) -> None:
        self._service = service
        self._digests: dict[str, Any] = {}

    def open(self, content: Content, *, small: bool) -> UploadSession:  # noqa: ARG002
        """Open an upload.

        Raises:
            ConfigError: the portal has no files service.
        """
        return UploadSession(
            upload_id=self._prepare(),
            filename=content.filename,
            size=content.size or 0,
            part_bytes=FILES_SERVICE_PART_BYTES,
            transport=self.name,
        )

    def can_continue(self, session: UploadSession, content: Content) -> bool:  # noqa: ARG002
        """Return true: all parts have one size."""
        return True

    def avoid_large_parts(self, session: UploadSession, cause: str) -> None:
        """Do nothing: all parts have one size."""

    def _prepare(self) -> str:
        try:
            return self._service.prepare()
        except BynderError as error:
            if error.status != 404:
                raise
            hint = 'set uploads = "v4" in the portal\'s table'
            raise ConfigError("uploads", "the portal has no files service", hint=hint) from error

    def parts(self, content: Content, session: UploadSession) -> Iterator[Part]:
        """Yield the missing parts; the content is read from its beginning to compute its digest."""
        digest = self._digests[session.upload_id] = hashlib.sha256()
        return read_parts(content, session, watch=digest.update)

    def send(self, session: UploadSession, part: Part, report: Report) -> None:
        """Send a part."""
        self._service.send_chunk(session.upload_id, part.number - 1, b"".join(part.open()))
        report(part.size)

    def register(self, session: UploadSession, part: Part) -> None:
        """Do nothing: the files service registers parts itself."""

    def finalise(self, session: UploadSession) -> str:
        """Close the upload and return the id of its file."""
        self._service.finalise(
            session.upload_id,
            filename=session.filename,
            size=session.size,
            chunks=session.parts,
            sha256=self._digests[session.upload_id].hexdigest(),
        )
        del self._digests[session.upload_id]
        return session.upload_id


def closing_arguments(session: UploadSession) -> dict[str, Any]:
    """Return the arguments of the request that closes an upload by S3."""
    return {
        "target_id": session.target_id,
        "s3_filename": f"{session.s3_filename}/p{session.parts}",
        "chunks": session.parts,
    }


# The setting `uploads` names the version of Bynder's API.
TRANSPORT_OF_SETTING: Final = {"v4": S3Transport.name, "v7": FilesServiceTransport.name}
