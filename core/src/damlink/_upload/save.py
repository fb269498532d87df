"""The save that ends an upload: recorded before it is sent, never repeated blindly, looked up if unclear.

Source: api.bynder.com, "Asset upload": save as a new asset, as a version, as an additional.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from damlink._model import PreparedAsset
from damlink._system.backoff import LONGEST_SECONDS, pause_by_age
from damlink._upload.conversions import Conversions, ConversionState
from damlink._upload.lookup import CLOCK_TOLERANCE, Marker, Search, find_saved
from damlink._upload.progress import Conversion, SaveAttempt, UploadRecord
from damlink.bynder._fields import join_tags
from damlink.bynder.records.uploads import Saved
from damlink.bynder.resources.assets import Assets
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import (
    AssetRejectedError,
    BynderAuthError,
    BynderError,
    NotYet,
    TransientError,
    UnclearError,
    UploadError,
)

__all__ = ["Destination", "LostUploadError", "Saver", "split_tags"]

# After this time the transfer thread is free for other assets, and the conversion is polled rarely.
CONVERSION_TIMEOUT_SECONDS: Final = 10 * 60.0
CONVERSION_DEADLINE_SECONDS: Final = 24 * 3600.0
LATE_POLL_SECONDS: Final = 15 * 60.0
# After so many saves without an answer the row fails; a later run looks for the asset first.
TRIES_A_ROUND: Final = 4


@attrs.frozen(kw_only=True)
class Destination:
    """Target of an upload: a new asset, a new version of one, or a file beside one.

    Attributes:
        at_once: poll its conversion at once, since the caller does nothing else meanwhile.
        renames: a version gives its asset the name as well.
        former_tags: tags that a version takes off its asset, unless it has them itself.
        unarchives: a version takes its asset out of the archive.
    """

    brand_id: str | None = None
    waiting_room: bool = False
    version_of: str | None = None
    additional_to: str | None = None
    marker: Marker | None = None
    at_once: bool = False
    renames: bool = False
    former_tags: Sequence[str] = ()
    unarchives: bool = False

    @property
    def asset_id(self) -> str | None:
        """The asset it is added to, if any."""
        return self.version_of or self.additional_to


class Saver:
    """Saves of finalised uploads.

    Args:
        now: the portal's clock: new assets are dated by it.
        index_lag: seconds that a new asset may take to appear in lists.
    """

    def __init__(
        self, uploads: Uploads, assets: Assets, *, now: Callable[[], datetime], index_lag: float
    ) -> None:
        self._uploads = uploads
        self._assets = assets
        self._conversions = Conversions(uploads)
        self._now = now
        self._index_lag = index_lag

    def save(
        self, prepared: PreparedAsset, record: UploadRecord, conversion: Conversion, to: Destination
    ) -> str:
        """Save a finalised upload and return the id of the new asset, version or file.

        Raises:
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: no answer, and its result cannot be determined.
            AssetRejectedError: the portal rejects the file.
        """
        self._check_conversion(conversion, record, to)
        self._check_version(record, to)
        if not to.asset_id:
            self._uploads.check_metaproperties(prepared.metaproperties)
        return self.attempt(
            record,
            to,
            lambda: self._send(prepared, conversion, to),
            size=conversion.size,
            filename=conversion.filename,
            pause=_pause(conversion, pause_by_age(_age_seconds(conversion))),
        )

    def attempt(
        self,
        record: UploadRecord,
        to: Destination,
        send: Callable[[], Saved],
        *,
        size: int,
        filename: str,
        pause: float = LONGEST_SECONDS,
    ) -> str:
        """Send a save once, recorded before it is sent, and return the id of what it made.

        A refusal cancels this attempt only: an earlier one without an answer stays recorded.

        Args:
            size: size of the file.
            pause: seconds to wait if the portal is not ready for it.

        Raises:
            NotYet: the portal is not ready for it, or there was no answer and it must be looked up.
            UnclearError: it cannot be determined whether this or an earlier save happened.
            LostUploadError: the portal no longer has the upload.
        """
        earlier = record.progress.save
        attempt = SaveAttempt(
            since=earlier.since if earlier else self._now(),
            sizes=tuple(sorted({*(earlier.sizes if earlier else ()), size})),
            filename=filename,
            tries=(earlier.tries if earlier else 0) + 1,
        )
        record.update(save=attempt)
        try:
            saved = send()
            return (saved.item_id or saved.media_id) if to.additional_to else saved.media_id
        except UnclearError as error:
            raise self._handle_no_answer(error, record, attempt, to) from error
        except (NotYet, BynderAuthError, TransientError) as error:
            record.update(save=earlier)
            if isinstance(error, NotYet):
                raise NotYet(error.reason, pause) from error
            raise
        except BynderError as error:
            raise self._handle_refusal(error, record, earlier) from error

    def _send(self, prepared: PreparedAsset, conversion: Conversion, to: Destination) -> Saved:
        if to.version_of:
            return self._uploads.save_version(to.version_of, import_id=conversion.id)
        if to.additional_to:
            return self._uploads.save_additional(to.additional_to, file_id=conversion.id)
        return self._uploads.save(
            conversion.id,
            brand_id=to.brand_id or None,
            name=prepared.name or None,
            description=prepared.description or None,
            copyright=prepared.copyright or None,
            tags=prepared.tags or None,
            metaproperties=prepared.metaproperties,
            audit=to.waiting_room or None,
            crc32=conversion.crc32,
        )

    def _handle_no_answer(
        self, error: UnclearError, record: UploadRecord, attempt: SaveAttempt, to: Destination
    ) -> Exception:
        """Return the error after a save without an answer: look it up later, or ask a person."""
        if to.waiting_room:
            return UnclearError(f"{error}; the waiting room cannot be listed").about(error)
        if not to.asset_id and to.marker is None:
            return UnclearError(f"{error}; nothing marks the asset in the portal").about(error)
        record.update(save=attrs.evolve(attempt, lost=self._now()))
        if attempt.tries % TRIES_A_ROUND == 0:
            hint = "the next run looks for the asset before it saves again"
            return TransientError(
                f"the portal has answered none of {attempt.tries} saves: {error}", hint=hint
            ).about(error)
        return NotYet(f"looking up whether the save happened: {error}", self._index_lag)

    def _handle_refusal(
        self, error: BynderError, record: UploadRecord, earlier: SaveAttempt | None
    ) -> Exception:
        """Return the error after a save that the portal has refused."""
        record.update(save=earlier)
        if error.status == 404 and earlier:
            # The earlier save may have used the import; its asset will appear in the lists.
            return UnclearError(f"{error}, after a save without an answer").about(error)
        if error.status == 404 or "crc" in error.body.lower():
            record.update(session=None, conversion=None)
            return LostUploadError(f"the portal lost or damaged the upload: {error}").about(error)
        return error

    def look_up(self, record: UploadRecord, attempt: SaveAttempt, to: Destination) -> str | None:
        """Return the id of what an unclear save has made; `None` if the save may be sent again.

        Raises:
            NotYet: the portal's lists may not show it yet.
            UnclearError: it cannot be determined.
        """
        if to.waiting_room:
            raise UnclearError("the save got no answer, and the waiting room cannot be listed")
        early = self._seconds_until_listed(record, attempt)
        if early > 0:
            raise NotYet("looking up whether the save happened", early)
        search = Search(
            since=attempt.since,
            sizes=attempt.sizes,
            filename=attempt.filename,
            marker=to.marker,
            asset_id=to.asset_id,
            additional=bool(to.additional_to),
        )
        return find_saved(self._assets, search)

    def _seconds_until_listed(self, record: UploadRecord, attempt: SaveAttempt) -> float:
        """Return the seconds until the portal's lists show what a save has made.

        They count from the time when a process found that there is no answer. The save may have been
        recorded minutes before it was sent: it waited for the rate limiter, or after a 429. So if the
        process that sent it was killed, they count from the time when the next process continues.
        """
        now = self._now()
        # A time in the future means that a clock was set back.
        if attempt.lost is None or attempt.lost > now + CLOCK_TOLERANCE:
            record.update(save=attrs.evolve(attempt, lost=now))
            return self._index_lag
        return self._index_lag - (now - attempt.lost).total_seconds()

    def describe(self, prepared: PreparedAsset, asset_id: str, to: Destination) -> None:
        """Write the metadata of a version: its save takes none. Tags that people added stay."""
        tags = self._tags(prepared, asset_id, to)
        name = prepared.name if to.renames else ""
        has_texts = bool(name or prepared.description or prepared.copyright)
        if not (has_texts or tags is not None or prepared.metaproperties or to.unarchives):
            return
        self._assets.modify(
            asset_id,
            name=name or None,
            description=prepared.description or None,
            copyright=prepared.copyright or None,
            tags=tags,
            metaproperties=prepared.metaproperties or None,
            archive=False if to.unarchives else None,
        )

    def _tags(self, prepared: PreparedAsset, asset_id: str, to: Destination) -> list[str] | None:
        """Return all tags that the asset shall have; `None` if they stay as they are."""
        wanted = split_tags(prepared.tags)
        dropped = {*to.former_tags} - {*wanted}
        if not wanted and not dropped:
            return None
        return [*(tag for tag in self._assets.get(asset_id).tags if tag not in dropped), *wanted]

    # --- before the save ---------------------------------------------------------------------------

    def _check_conversion(self, conversion: Conversion, record: UploadRecord, to: Destination) -> None:
        """Raise an error unless the conversion is done.

        A conversion that cannot be polled counts as done: the save answers whether it is.
        """
        state = ConversionState.DONE
        if conversion.is_polled:
            state = self._conversions.state(conversion.id, at_once=to.at_once)
        if state is ConversionState.DONE:
            return
        is_late = _age_seconds(conversion) > CONVERSION_DEADLINE_SECONDS
        if state is ConversionState.CONVERTING and not is_late:
            raise NotYet(
                "the portal is still converting", _pause(conversion, self._conversions.pause_seconds)
            )
        record.update(session=None, conversion=None)
        name = conversion.filename
        if state is ConversionState.REJECTED:
            raise AssetRejectedError(f"the portal rejected {name}: its type, or its virus scan")
        if state is ConversionState.FAILED:
            raise UploadError(f"the portal could not convert {name}")
        raise UploadError(f"the portal has not converted {name} within a day")

    def _check_version(self, record: UploadRecord, to: Destination) -> None:
        """Raise an error if another version was uploaded meanwhile: ours would replace it."""
        if to.version_of is None:
            return
        now = self._assets.get(to.version_of, versions=True).active_version
        if now != record.progress.base_version:
            record.update(session=None, conversion=None, base_version=None)
            raise TransientError(f"the asset got version {now} meanwhile; starting over")


def split_tags(tags: Sequence[str]) -> list[str]:
    """Return tags as the portal shows them."""
    joined = join_tags(tags)
    return joined.split(",") if joined else []


class LostUploadError(TransientError):
    """The portal no longer has the upload, or has it damaged: the bytes must be sent again."""


def _age_seconds(conversion: Conversion) -> float:
    return (datetime.now(UTC) - conversion.since).total_seconds()


def _pause(conversion: Conversion, pause: float) -> float:
    return LATE_POLL_SECONDS if _age_seconds(conversion) >= CONVERSION_TIMEOUT_SECONDS else pause
