"""An upload into the portal: open, send, finalise, convert, save.

Each step is recorded, so that after a crash the upload continues from there and never saves twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._checkpoint import Checkpoint
from damlink._content import Content, spool_content
from damlink._model import PreparedAsset, PushResult
from damlink._system.backoff import pause_by_age
from damlink._upload.lookup import Marker
from damlink._upload.parts import ChangedContentError, Part, PartSender, UploadSession
from damlink._upload.progress import Conversion, UploadRecord
from damlink._upload.save import Destination, LostUploadError, Saver
from damlink._upload.source import SourceFailureError
from damlink._upload.transports import (
    TRANSPORT_OF_SETTING,
    FilesServiceTransport,
    S3Transport,
    Transport,
    closing_arguments,
)
from damlink.bynder._fields import join_tags
from damlink.bynder._upload_check import UploadCheck
from damlink.bynder.resources.assets import Assets
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.s3 import StorageRefusedError
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import (
    ArgumentError,
    AssetRejectedError,
    BynderAuthError,
    BynderError,
    NotYet,
    TransientError,
    UnavailableError,
    UnclearError,
)

__all__ = ["Uploader"]

# As long as a production integration waits for a portal that answers "not ready".
NOT_READY_TIMEOUT_SECONDS: Final = 180.0
# Parts sent since the last record are sent again after a crash.
RECORD_EVERY_SECONDS: Final = 1.0
# An upload is begun so often before the row fails.
_BEGINNINGS: Final = 3


class Uploader:
    """Whole uploads into one portal.

    Args:
        setting: transport of new uploads, `v4` or `v7`; an upload in progress keeps its own.
        on_bytes: called with the size of each part that has arrived.
    """

    def __init__(
        self,
        uploads: Uploads,
        service: FilesService,
        assets: Assets,
        saver: Saver,
        check: UploadCheck,
        *,
        setting: str,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._uploads = uploads
        self._assets = assets
        self._saver = saver
        self._check = check
        transports: tuple[Transport, ...] = (S3Transport(uploads), FilesServiceTransport(service))
        self._transports = {each.name: each for each in transports}
        self._transport = self._transports[TRANSPORT_OF_SETTING[setting]]
        self._sender = PartSender(on_bytes)

    def close(self) -> None:
        """Stop the threads that send parts."""
        self._sender.close()

    def upload(
        self,
        prepared: PreparedAsset,
        checkpoint: Checkpoint,
        *,
        brand: str | None = None,
        waiting_room: bool = False,
        version_of: str | None = None,
        additional_to: str | None = None,
        marker: str | None = None,
        at_once: bool = False,
    ) -> PushResult:
        """Upload an asset, continuing from the checkpoint; see `Portal.upload` and `Destination`."""
        if version_of and additional_to:
            raise ArgumentError("an upload is a version of an asset or a file beside one, not both")
        is_new = not version_of and not additional_to
        destination = Destination(
            brand_id=self._check.check(waiting_room=waiting_room, brand=brand or "") if is_new else None,
            waiting_room=waiting_room and is_new,
            version_of=version_of,
            additional_to=additional_to,
            marker=_marker(marker, prepared, checkpoint.source_id),
            at_once=at_once,
        )
        return self._upload(prepared, UploadRecord(checkpoint), destination)

    def _upload(self, prepared: PreparedAsset, record: UploadRecord, to: Destination) -> PushResult:
        """Do the steps that are not recorded as done.

        Raises:
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: a save got no answer and its result cannot be determined.
            AssetRejectedError: the portal rejects the file.
        """
        saved = record.progress.saved_id or self._save(prepared, record, to)
        record.update(saved_id=saved)
        if to.version_of:
            self._saver.describe(prepared, to.version_of)
        return PushResult(to.asset_id or saved, detail={"item_id": saved} if to.asset_id else {})

    def _save(self, prepared: PreparedAsset, record: UploadRecord, to: Destination) -> str:
        progress = record.progress
        if progress.save and (found := self._saver.look_up(record, progress.save, to)):
            return found
        finalised = progress.conversion or self._send(prepared, record, to)
        if isinstance(finalised, str):
            return finalised
        return self._saver.save(prepared, record, finalised, to)

    # --- the bytes ---------------------------------------------------------------------------------

    def _send(self, prepared: PreparedAsset, record: UploadRecord, to: Destination) -> Conversion | str:
        """Send the bytes and finalise; return the new file's id if that already saves it."""
        if to.version_of and record.progress.base_version is None:
            record.update(base_version=self._assets.get(to.version_of, versions=True).active_version)
        with _raise_cause_of_source_failure(), _with_size(prepared.content) as content:
            if content.size == 0:
                raise AssetRejectedError(f"{content.filename} is empty")
            for _ in range(_BEGINNINGS - 1):
                with contextlib.suppress(_BeginAgainError, ChangedContentError):
                    return self._send_once(content, record, to)
                record.update(session=None)
            try:
                return self._send_once(content, record, to)
            except _BeginAgainError as error:
                raise TransientError(f"the upload of {content.filename} breaks off: {error}") from error

    def _send_once(self, content: Content, record: UploadRecord, to: Destination) -> Conversion | str:
        session, transport = self._open(content, record)
        recorded_at = time.monotonic()

        def send(part: Part) -> None:
            transport.send(session, part)

        def register(part: Part) -> None:
            nonlocal recorded_at
            transport.register(session, part)
            session.register(part)
            if time.monotonic() - recorded_at >= RECORD_EVERY_SECONDS:
                record.update(session=session)
                recorded_at = time.monotonic()

        with _begin_again_if_forgotten(), _wait_if_not_ready(session, record):
            self._sender.send_all(transport.parts(content, session), send, register)
            if to.additional_to and transport.closes_into_additional:
                return self._save_additional(session, record, to.additional_to)
            return self._finalise(session, transport, record)

    def _open(self, content: Content, record: UploadRecord) -> tuple[UploadSession, Transport]:
        """Return the recorded session if it can be continued, else a new one."""
        session = record.progress.session
        if session and session.fits(content) and not session.closing:
            return session, self._transports[session.transport]
        return self._transport.open(content), self._transport

    def _finalise(self, session: UploadSession, transport: Transport, record: UploadRecord) -> Conversion:
        if record.progress.session:
            record.update(session=attrs.evolve(session, closing=True))
        conversion = Conversion(
            id=_finalise_twice(transport, session),
            crc32=session.crc32,
            size=session.size,
            filename=session.filename,
            since=datetime.now(UTC),
            is_polled=transport.converts,
        )
        record.update(session=None, conversion=conversion)
        return conversion

    def _save_additional(self, session: UploadSession, record: UploadRecord, asset_id: str) -> str:
        arguments = closing_arguments(session)
        return self._saver.attempt(
            record,
            Destination(additional_to=asset_id),
            lambda: self._uploads.finalise_additional(session.upload_id, asset_id=asset_id, **arguments),
            size=session.size,
            filename=session.filename,
        )


def _marker(given: str | None, prepared: PreparedAsset, source_id: str) -> Marker | None:
    if given:
        return Marker.parse(given)
    return Marker(tag=source_id) if source_id in join_tags(prepared.tags).split(",") else None


def _finalise_twice(transport: Transport, session: UploadSession) -> str:
    """Finalise an upload and return its id; try once more if no answer came.

    Two requests may make two imports (assumed), but only one is saved, and others are invisible.

    Raises:
        _BeginAgainError: neither got an answer.
    """
    with contextlib.suppress(UnclearError):
        return transport.finalise(session)
    try:
        return transport.finalise(session)
    except UnclearError as error:
        raise _BeginAgainError(str(error)) from error


@contextlib.contextmanager
def _raise_cause_of_source_failure() -> Iterator[None]:
    """Raise the source's own error, outside of all code that handles errors of the portal or S3."""
    try:
        yield
    except SourceFailureError as failure:
        raise failure.cause from failure


class _BeginAgainError(Exception):
    """The upload cannot be continued: the portal or S3 no longer has it."""


@contextlib.contextmanager
def _begin_again_if_forgotten() -> Iterator[None]:
    try:
        yield
    except BynderAuthError:
        raise
    # StorageRefusedError: for example, the policy has expired.
    except (StorageRefusedError, LostUploadError, BynderError) as error:
        raise _BeginAgainError(str(error)) from error


@contextlib.contextmanager
def _wait_if_not_ready(session: UploadSession, record: UploadRecord) -> Iterator[None]:
    """Raise `NotYet` for some minutes if the portal answers "not ready"; every part sent is recorded."""
    try:
        yield
    except SourceFailureError:
        record.update(session=session)
        raise
    except TransientError as error:
        record.update(session=session)
        if error.status is None or error.status < 500 or isinstance(error, UnavailableError):
            raise
        now = datetime.now(UTC)
        since = record.progress.not_ready_since or now
        age = (now - since).total_seconds()
        is_over = age > NOT_READY_TIMEOUT_SECONDS
        record.update(not_ready_since=None if is_over else since)
        if is_over:
            raise
        raise NotYet(str(error), pause_by_age(age)) from error


@contextlib.contextmanager
def _with_size(content: Content) -> Iterator[Content]:
    """Yield a content of known size; one of unknown size is written to a temporary file first."""
    if content.size is not None:
        yield content
    else:
        with spool_content(content) as known:
            yield known
