"""An upload into the portal: open, send, finalise, convert, save.

Each step is recorded. After a crash the upload resumes at the first step that is not recorded as done
(`Uploader._resume`), and never saves twice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._checkpoint import Checkpoint
from damlink._content import Content, spool_content
from damlink._model import PreparedAsset, PushResult, Removed
from damlink._upload.file_sender import BeginAgainError, FileSender
from damlink._upload.lookup import Marker
from damlink._upload.part_sizes import PartSizes
from damlink._upload.progress import Conversion, UploadProgress, UploadRecord
from damlink._upload.progress_report import Progress
from damlink._upload.save import Destination, Saver, split_tags
from damlink._upload.scope import kind_of, mark_uploaded, verify_scope
from damlink._upload.session import UploadSession
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
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import ArgumentError, AssetRejectedError, UnclearError

__all__ = ["Uploader"]

# Keys of a result's detail, for the next push.
TAGS: Final = "damlink.tags"
ARCHIVED: Final = "damlink.archived"


class Uploader:
    """Whole uploads into one portal.

    Args:
        setting: transport of new uploads, `v4` or `v7`; an upload in progress keeps its own.
        sizes: sizes of the parts of new uploads by S3.
        on_bytes: called with the number of bytes that are sent.
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
        sizes: PartSizes,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._uploads = uploads
        self._assets = assets
        self._saver = saver
        self._check = check
        transports: tuple[Transport, ...] = (S3Transport(uploads, sizes), FilesServiceTransport(service))
        self._sender = FileSender(transports, TRANSPORT_OF_SETTING[setting], on_bytes)

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
        previous: PushResult | None = None,
        replace_tags: bool = False,
        at_once: bool = False,
        progress: Progress | None = None,
    ) -> PushResult:
        """Upload an asset, continuing from the checkpoint; see `Portal.upload` and `Destination`."""
        _check_arguments(prepared, version_of, additional_to, previous)
        renames = previous is not None and previous.target_id != ""
        version_of = previous.target_id if previous and previous.target_id else version_of
        is_new = not version_of and not additional_to
        destination = Destination(
            brand_id=self._check.check(waiting_room=waiting_room, brand=brand or "") if is_new else None,
            waiting_room=waiting_room and is_new,
            version_of=version_of,
            additional_to=additional_to,
            marker=_marker(marker, prepared, checkpoint.source_id),
            at_once=at_once,
            renames=renames,
            former_tags=previous.detail.get(TAGS) or () if previous and replace_tags else (),
            unarchives=bool(previous and previous.detail.get(ARCHIVED)),
        )
        tags = {TAGS: split_tags(prepared.tags)} if replace_tags else {}
        record = UploadRecord(checkpoint)
        if previous and renames and prepared.is_content_of(previous) and record.progress == UploadProgress():
            self._saver.describe(prepared, previous.target_id, destination)
            detail = {name: value for name, value in previous.detail.items() if name != ARCHIVED} | tags
            return attrs.evolve(previous, fingerprint_after=None, notice="", detail=detail)
        verify_scope(checkpoint, prepared, record.progress, destination)
        result = self._resume(prepared, record, destination, progress)
        mark_uploaded(checkpoint, prepared, destination)
        return attrs.evolve(result, detail={**result.detail, **tags})

    def archive(self, previous: PushResult | None) -> PushResult | None:
        """Archive the asset of an earlier push; see `Portal.archive`."""
        if previous is None or not previous.target_id or self._assets.find(previous.target_id) is None:
            return None
        self._assets.modify(previous.target_id, archive=True)
        return attrs.evolve(
            previous, fingerprint_after=None, notice="", detail={**previous.detail, ARCHIVED: True}
        )

    def _resume(
        self, prepared: PreparedAsset, record: UploadRecord, to: Destination, progress: Progress | None
    ) -> PushResult:
        """Do the steps that are not recorded as done.

        Raises:
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: a save got no answer and its result cannot be determined.
            AssetRejectedError: the portal rejects the file.
        """
        saved = record.progress.saved_id or self._save(prepared, record, to, progress)
        record.update(saved_id=saved, kind=kind_of(to))
        if to.version_of:
            self._saver.describe(prepared, to.version_of, to)
        return PushResult(
            to.asset_id or saved,
            detail={"item_id": saved} if to.asset_id else {},
            content_fingerprint=None if to.additional_to else prepared.content_fingerprint or None,
        )

    def _save(
        self, prepared: PreparedAsset, record: UploadRecord, to: Destination, progress: Progress | None
    ) -> str:
        done = record.progress
        if done.save and (found := self._saver.look_up(record, done.save, to)):
            return found
        finalised = done.conversion or self._send(prepared, record, to, progress)
        if isinstance(finalised, str):
            return finalised
        return self._saver.save(prepared, record, finalised, to)

    # --- the bytes ---------------------------------------------------------------------------------

    def _send(
        self, prepared: PreparedAsset, record: UploadRecord, to: Destination, progress: Progress | None
    ) -> Conversion | str:
        """Send the bytes and finalise; return the new file's id if that already saves it."""

        def close(session: UploadSession, transport: Transport) -> Conversion | str:
            if to.additional_to and transport.closes_into_additional:
                return self._save_additional(session, record, to.additional_to)
            return self._finalise(session, transport, record)

        if to.version_of and record.progress.base_version is None:
            record.update(base_version=self._assets.get(to.version_of, versions=True).active_version)
        with _with_size(prepared.content) as content:
            if content.size == 0:
                raise AssetRejectedError(f"{content.filename} is empty")
            return self._sender.send(content, record, close, progress)

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


def _check_arguments(
    prepared: object, version_of: str | None, additional_to: str | None, previous: PushResult | None
) -> None:
    if isinstance(prepared, Removed):
        what = f"{prepared.source_id} is removed at the source: it cannot be uploaded"
        raise ArgumentError(f"{what}; let push decide what happens at the target, and return it")
    if version_of and additional_to:
        raise ArgumentError("an upload is a version of an asset or a file beside one, not both")
    if previous and (version_of or additional_to):
        raise ArgumentError("`previous` names the asset already; leave out version_of and additional_to")


def _marker(given: str | None, prepared: PreparedAsset, source_id: str) -> Marker | None:
    if given:
        return Marker.parse(given)
    return Marker(tag=source_id) if source_id in join_tags(prepared.tags).split(",") else None


def _finalise_twice(transport: Transport, session: UploadSession) -> str:
    """Finalise an upload and return its id; try once more if no answer came.

    Two requests may make two imports (assumed), but only one is saved, and others are invisible.

    Raises:
        BeginAgainError: neither got an answer.
    """
    with contextlib.suppress(UnclearError):
        return transport.finalise(session)
    try:
        return transport.finalise(session)
    except UnclearError as error:
        raise BeginAgainError(error) from error


@contextlib.contextmanager
def _with_size(content: Content) -> Iterator[Content]:
    """Yield a content of known size; one of unknown size is written to a temporary file first."""
    if content.size is not None:
        yield content
    else:
        with spool_content(content) as known:
            yield known
