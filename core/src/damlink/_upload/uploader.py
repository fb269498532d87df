"""An upload into the portal: open, send, finalise, convert, save; notes in between, so that a crash
anywhere goes on from there and never saves twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from damlink._checkpoint import Checkpoint, upload_record
from damlink._content import Content, spooled
from damlink._model import PreparedAsset, PushResult
from damlink._upload.lookup import Marker
from damlink._upload.parts import ChangedContentError, Part, PartSender, Session
from damlink._upload.save import Destination, LostUploadError, Saver
from damlink._upload.source import SourceFailureError
from damlink._upload.transports import FilesServiceTransport, S3Transport, Transport, closing
from damlink.bynder._fields import joined_tags
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

NOT_READY_PATIENCE: Final = timedelta(minutes=3)  # as long as a production integration gives it
NOT_READY_SECONDS: Final = 5.0
NOTE_EVERY_SECONDS: Final = 1.0  # parts sent since the last note are sent again after a crash
_BEGINNINGS: Final = 3  # an upload is begun so often before the row fails


class Uploader:
    """Carries whole uploads into one portal.

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
        self._transports: dict[str, Transport] = {
            "v4": S3Transport(uploads),
            "v7": FilesServiceTransport(service),
        }
        self._setting = setting
        self._sender = PartSender(on_bytes)

    def close(self) -> None:
        """Let the threads go."""
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
    ) -> PushResult:
        """Upload an asset, continuing from the checkpoint; see `Portal.upload`."""
        if version_of and additional_to:
            raise ArgumentError("an upload is a version of an asset or a file beside one, not both")
        is_new = not version_of and not additional_to
        destination = Destination(
            brand_id=self._check.check(waiting_room=waiting_room, brand=brand or "") if is_new else None,
            waiting_room=waiting_room and is_new,
            version_of=version_of,
            additional_to=additional_to,
            marker=_marker(marker, prepared, checkpoint.source_id),
        )
        return self._upload(prepared, checkpoint, destination)

    def _upload(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> PushResult:
        """Do the steps that the checkpoint does not record as done.

        Raises:
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: a save got no answer and its result cannot be determined.
            AssetRejectedError: the portal rejects the file.
        """
        checkpoint = upload_record(checkpoint)
        saved = checkpoint.get("saved")
        if saved is None and checkpoint.get("save"):
            saved = self._saver.settled(checkpoint, to)
        if saved is None and not checkpoint.get("import"):
            saved = self._send(prepared, checkpoint, to)
        if saved is None:
            saved = self._saver.save(prepared, checkpoint, to)
        checkpoint.put(saved=saved)
        if to.version_of:
            self._saver.describe(prepared, to.version_of)
        return PushResult(to.asset_id or saved, detail={"item_id": saved} if to.asset_id else {})

    # --- the bytes ---------------------------------------------------------------------------------

    def _send(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> str | None:
        """Send the bytes and finalise; the new item's id where that already saves it."""
        if to.version_of and checkpoint.get("version") is None:
            checkpoint.put(version=self._assets.get(to.version_of, versions=True).active_version)
        with _unwrapped(), _sized(prepared.content) as content:
            if content.size == 0:
                raise AssetRejectedError(f"{content.filename} is empty")
            for _ in range(_BEGINNINGS - 1):
                with contextlib.suppress(_BeginAgainError, ChangedContentError):
                    return self._send_once(content, checkpoint, to)
                checkpoint.put(upload=None)
            try:
                return self._send_once(content, checkpoint, to)
            except _BeginAgainError as error:
                raise TransientError(f"the upload of {content.filename} breaks off: {error}") from error

    def _send_once(self, content: Content, checkpoint: Checkpoint, to: Destination) -> str | None:
        session, transport = self._session(content, checkpoint)
        noted_at = time.monotonic()

        def send(part: Part) -> None:
            transport.send(session, part)

        def register(part: Part) -> None:
            nonlocal noted_at
            transport.register(session, part)
            session.register(part)
            if time.monotonic() - noted_at >= NOTE_EVERY_SECONDS:
                checkpoint.put(upload=attrs.asdict(session))
                noted_at = time.monotonic()

        with _begin_again_if_forgotten(), _patient(session, checkpoint):
            self._sender.send_all(transport.parts(content, session), send, register)
            if to.additional_to and transport.closes_into_additional:
                return self._save_additional(session, checkpoint, to.additional_to)
            self._finalise(session, transport, checkpoint)
        return None

    def _session(self, content: Content, checkpoint: Checkpoint) -> tuple[Session, Transport]:
        noted = checkpoint.get("upload")
        if noted:
            session = Session(**noted)
            if session.fits(content) and not session.closing:
                return session, self._transports[session.flow]
        transport = self._transports[self._setting]
        return transport.open(content), transport

    def _finalise(self, session: Session, transport: Transport, checkpoint: Checkpoint) -> None:
        """Close the upload."""
        if checkpoint.get("upload"):
            checkpoint.put(upload=attrs.asdict(session) | {"closing": True})
        import_id = _finalised(transport, session)
        converting = {
            "id": import_id,
            "crc32": session.crc32,
            "size": session.size,
            "polls": transport.converts,
        }
        converting |= {"filename": session.filename, "since": datetime.now(UTC).isoformat()}
        checkpoint.put(upload=None, **{"import": converting})

    def _save_additional(self, session: Session, checkpoint: Checkpoint, asset_id: str) -> str:
        return self._saver.attempt(
            checkpoint,
            {"size": session.size, "filename": session.filename},
            Destination(additional_to=asset_id),
            lambda: self._uploads.finalise_additional(
                session.upload_id, asset_id=asset_id, **closing(session)
            ),
        )


def _marker(given: str | None, prepared: PreparedAsset, source_id: str) -> Marker | None:
    if given:
        return Marker.parse(given)
    return Marker(tag=source_id) if source_id in joined_tags(prepared.tags).split(",") else None


def _finalised(transport: Transport, session: Session) -> str:
    """Close an upload; once more where no answer came, and then it is begun anew.

    Two closings may make two imports (assumed), but only one is saved, and others are invisible.
    """
    with contextlib.suppress(UnclearError):
        return transport.finalise(session)
    try:
        return transport.finalise(session)
    except UnclearError as error:
        raise _BeginAgainError(str(error)) from error


@contextlib.contextmanager
def _unwrapped() -> Iterator[None]:
    """Raise what the source has raised, once nothing can take it for the portal's or S3's."""
    try:
        yield
    except SourceFailureError as failure:
        raise failure.cause from failure


class _BeginAgainError(Exception):
    """The portal or S3 no longer knows this upload."""


@contextlib.contextmanager
def _begin_again_if_forgotten() -> Iterator[None]:
    try:
        yield
    except (StorageRefusedError, LostUploadError) as error:  # the policy has expired, say
        raise _BeginAgainError(str(error)) from error
    except BynderAuthError:
        raise
    except BynderError as error:
        raise _BeginAgainError(str(error)) from error


@contextlib.contextmanager
def _patient(session: Session, checkpoint: Checkpoint) -> Iterator[None]:
    """Give a portal that says "not ready, try again" some minutes; every part sent is kept."""
    try:
        yield
    except SourceFailureError:
        checkpoint.put(upload=attrs.asdict(session))
        raise
    except TransientError as error:
        checkpoint.put(upload=attrs.asdict(session))
        if error.status is None or error.status < 500 or isinstance(error, UnavailableError):
            raise
        now = datetime.now(UTC)
        since = datetime.fromisoformat(checkpoint.get("not_ready") or now.isoformat())
        checkpoint.put(not_ready=since.isoformat())
        if now - since > NOT_READY_PATIENCE:
            checkpoint.put(not_ready=None)
            raise
        raise NotYet(str(error), NOT_READY_SECONDS) from error


@contextlib.contextmanager
def _sized(content: Content) -> Iterator[Content]:
    if content.size is not None:
        yield content
    else:
        with spooled(content) as known:
            yield known
