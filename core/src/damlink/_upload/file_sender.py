"""Sending of a whole file: in the upload that is recorded, or in a new one."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from damlink._content import Content, UnprovenOffsetError
from damlink._system.backoff import pause_by_age
from damlink._upload.part_sender import send_parts
from damlink._upload.part_sizes import smallest_part
from damlink._upload.parts import ChangedContentError, Part, Report
from damlink._upload.progress import UploadRecord
from damlink._upload.progress_report import Progress, report_progress
from damlink._upload.save import LostUploadError
from damlink._upload.session import UploadSession
from damlink._upload.source import SourceFailureError
from damlink._upload.transports import Transport
from damlink.bynder.resources.s3 import PartTooLargeError, StorageRefusedError
from damlink.errors import (
    BynderAuthError,
    BynderError,
    ConnectorError,
    NotYet,
    TransientError,
    UnavailableError,
)

__all__ = ["BeginAgainError", "FileSender"]

# As long as a production integration waits for a portal that answers "not ready".
NOT_READY_TIMEOUT_SECONDS: Final = 180.0
# Parts sent since the last record are sent again after a crash. Large parts are recorded at once.
RECORD_EVERY_SECONDS: Final = 1.0
# An upload is begun so often before the row fails.
_BEGINNINGS: Final = 3

T = TypeVar("T")
_Close = Callable[[UploadSession, Transport], T]


class FileSender:
    """Sender of whole files.

    Args:
        transports: all transports; an upload in progress keeps its own.
        name: name of the transport of new uploads.
        report: called with the number of bytes that are sent.
    """

    def __init__(self, transports: Sequence[Transport], name: str, report: Report) -> None:
        self._transports = {each.name: each for each in transports}
        self._transport = self._transports[name]
        self._report = report

    def send(
        self, content: Content, record: UploadRecord, close: _Close[T], progress: Progress | None = None
    ) -> T:
        """Send all parts that the portal does not have yet, then return the result of `close`.

        If the upload cannot be continued, it is begun again, for the last time in small parts.

        Raises:
            NotYet: the portal is not ready for the parts yet.
            ConnectorError: the source, S3 or the portal fails.
        """
        refused: tuple[UploadSession, str] | None = None
        for beginnings_left in reversed(range(_BEGINNINGS)):
            session, transport = self._open(content, record, small=not beginnings_left)
            try:
                with _raise_cause_of_source_failure(), _begin_again_if_refused():
                    report = report_progress(progress, session, self._report)
                    closed = self._send_parts(content, session, transport, record, close, report)
            except ChangedContentError:
                if not beginnings_left:
                    raise
            except BeginAgainError as error:
                if not beginnings_left:
                    broken = TransientError(f"the upload of {content.filename} breaks off: {error}")
                    raise broken.about(error.cause) from error
                if error.concerns_size:
                    transport.avoid_large_parts(session, str(error))
                refused = session, str(error)
            else:
                if not beginnings_left and refused:
                    transport.avoid_large_parts(*refused)
                return closed
            record.update(session=None)
        raise AssertionError("the last beginning returns or raises")

    def _open(
        self, content: Content, record: UploadRecord, *, small: bool
    ) -> tuple[UploadSession, Transport]:
        """Return the recorded session if it can be continued, else a new one."""
        session = record.progress.session
        if session and session.fits(content) and not session.closing:
            transport = self._transports[session.transport]
            has_failed = not session.digests and record.progress.not_ready_since is None
            may_be_too_large = has_failed and _has_large_parts(session)
            if transport.can_continue(session, content) and not may_be_too_large:
                return session, transport
            small = True
        return self._transport.open(content, small=small), self._transport

    def _send_parts(
        self,
        content: Content,
        session: UploadSession,
        transport: Transport,
        record: UploadRecord,
        close: _Close[T],
        report: Report,
    ) -> T:
        recorded_at, unrecorded = time.monotonic(), False
        has_large_parts = _has_large_parts(session)

        def send(part: Part) -> None:
            transport.send(session, part, report)

        def register(part: Part) -> None:
            nonlocal recorded_at, unrecorded
            transport.register(session, part)
            session.register(part)
            unrecorded = True
            now = time.monotonic()
            if has_large_parts or now - recorded_at >= RECORD_EVERY_SECONDS:
                record.update(session=session)
                recorded_at, unrecorded = now, False

        with _wait_if_not_ready(session, record):
            missing = session.parts - len(session.digests)
            try:
                send_parts(transport.parts(content, session), send, register, missing=missing)
            except Exception:
                # The next attempt need not send again what the portal has.
                if unrecorded:
                    record.update(session=session)
                raise
            return close(session, transport)


def _has_large_parts(session: UploadSession) -> bool:
    return session.part_bytes > smallest_part(session.size)


class BeginAgainError(Exception):
    """The upload cannot be continued: the portal or S3 refuses it, or no longer has it.

    Attributes:
        cause: the refusal.
        concerns_size: whether the size of the parts may be the cause.
    """

    def __init__(self, cause: ConnectorError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        # 404: the portal has forgotten the upload.
        status = cause.status or 0 if isinstance(cause, BynderError) else 0
        self.concerns_size = isinstance(cause, PartTooLargeError) or (400 <= status < 500 and status != 404)


@contextlib.contextmanager
def _raise_cause_of_source_failure() -> Iterator[None]:
    """Raise the source's own error, outside of all code that handles errors of the portal or S3."""
    try:
        yield
    except SourceFailureError as failure:
        raise failure.cause from failure


@contextlib.contextmanager
def _begin_again_if_refused() -> Iterator[None]:
    try:
        yield
    except BynderAuthError:
        raise
    # StorageRefusedError: for example, the policy has expired. UnprovenOffsetError: the source has no ranges.
    except (StorageRefusedError, LostUploadError, BynderError, UnprovenOffsetError) as error:
        raise BeginAgainError(error) from error


@contextlib.contextmanager
def _wait_if_not_ready(session: UploadSession, record: UploadRecord) -> Iterator[None]:
    """Raise `NotYet` for some minutes if the portal answers "not ready"; every part sent is recorded."""
    try:
        yield
    except SourceFailureError:
        record.update(session=session if session.digests else None)
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
