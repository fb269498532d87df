"""An upload into the portal: open, send, finalise, convert, save; notes in between, so that a crash
anywhere goes on from there and never saves twice.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import attrs

from damlink._checkpoint import upload_record
from damlink._content import Content, spooled
from damlink._model import PreparedAsset, PushResult
from damlink._upload.parts import ChangedContentError, Part, PartSender, Session
from damlink._upload.save import Destination, LostUploadError, Saver
from damlink._upload.source import SourceFailureError
from damlink._upload.transports import Flow, FlowA, FlowB, closing
from damlink.bynder.resources.assets import Assets
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.s3 import StorageRefusedError
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import (
    AssetRejectedError,
    BynderAuthError,
    BynderError,
    NotYet,
    TransientError,
    UnavailableError,
    UnclearError,
)

if TYPE_CHECKING:
    from damlink._context import Checkpoint

__all__ = ["Uploader"]

NOT_READY_PATIENCE: Final = timedelta(minutes=3)  # as long as a production integration gives it
NOT_READY_SECONDS: Final = 5.0
NOTE_EVERY_SECONDS: Final = 1.0  # parts sent since the last note are sent again after a crash
_BEGINNINGS: Final = 3  # an upload is begun so often before the row fails


class Uploader:
    """Carries whole uploads into one portal.

    Args:
        flow: how new uploads travel: `v4` or `v7`; one in progress stays with its own.
        on_bytes: told the size of each part that has arrived.
    """

    def __init__(
        self,
        uploads: Uploads,
        service: FilesService,
        assets: Assets,
        saver: Saver,
        *,
        flow: str,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._uploads = uploads
        self._assets = assets
        self._saver = saver
        self._flows: dict[str, Flow] = {"v4": FlowA(uploads), "v7": FlowB(service)}
        self._flow = flow
        self._sender = PartSender(on_bytes)

    def close(self) -> None:
        """Let the threads go."""
        self._sender.close()

    def upload(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> PushResult:
        """Bring an asset into the portal, going on from what the checkpoint says.

        Raises:
            NotYet: the portal is still converting, or a save waits to be settled.
            UnclearError: a save got no answer and nothing can tell what became of it.
            AssetRejectedError: the portal will not have the file.
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
        session, flow = self._session(content, checkpoint)
        noted_at = time.monotonic()

        def send(part: Part) -> None:
            flow.send(session, part)

        def register(part: Part) -> None:
            nonlocal noted_at
            flow.register(session, part)
            session.register(part)
            if time.monotonic() - noted_at >= NOTE_EVERY_SECONDS:
                checkpoint.put(upload=attrs.asdict(session))
                noted_at = time.monotonic()

        with _begin_again_if_forgotten(), _patient(session, checkpoint):
            self._sender.send_all(flow.parts(content, session), send, register)
            if to.additional_to and flow.closes_into_additional:
                return self._save_additional(session, checkpoint, to.additional_to)
            self._finalise(session, flow, checkpoint)
        return None

    def _session(self, content: Content, checkpoint: Checkpoint) -> tuple[Session, Flow]:
        noted = checkpoint.get("upload")
        if noted:
            session = Session(**noted)
            if session.fits(content) and not session.closing:
                return session, self._flows[session.flow]
        flow = self._flows[self._flow]
        return flow.open(content), flow

    def _finalise(self, session: Session, flow: Flow, checkpoint: Checkpoint) -> None:
        """Close the upload."""
        if checkpoint.get("upload"):
            checkpoint.put(upload=attrs.asdict(session) | {"closing": True})
        import_id = _finalised(flow, session)
        converting = {"id": import_id, "crc32": session.crc32, "size": session.size, "polls": flow.converts}
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


def _finalised(flow: Flow, session: Session) -> str:
    """Close an upload; once more where no answer came, and then it is begun anew.

    Two closings may make two imports (assumed), but only one is saved, and others are invisible.
    """
    with contextlib.suppress(UnclearError):
        return flow.finalise(session)
    try:
        return flow.finalise(session)
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
