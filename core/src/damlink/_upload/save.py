"""The save that ends an upload: noted before it is sent, never repeated blindly, settled if unclear.

Source: api.bynder.com, "Asset upload": save as a new asset, as a version, as an additional.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import attrs

from damlink._checkpoint import Checkpoint
from damlink._model import PreparedAsset
from damlink._upload.conversions import Imports, ImportState
from damlink._upload.lookup import CLOCK_TOLERANCE, Marker, Search, settle
from damlink.bynder._fields import joined_tags
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

__all__ = ["Destination", "LostUploadError", "Saver"]

CONVERSION_PATIENCE: Final = timedelta(minutes=10)  # then other assets get the worker
CONVERSION_LIMIT: Final = timedelta(hours=24)
LATER_SECONDS: Final = 15 * 60.0
TRIES_A_ROUND: Final = 4  # saves without an answer; then the row fails, and is looked for much later
UNPOLLED_SECONDS: Final = 5.0  # between two saves of what cannot be polled


@attrs.frozen(kw_only=True)
class Destination:
    """Where an upload goes: a new asset, a new version of one, or a file beside one."""

    brand_id: str | None = None
    waiting_room: bool = False
    version_of: str | None = None
    additional_to: str | None = None
    marker: Marker | None = None

    @property
    def asset_id(self) -> str | None:
        """The asset it is added to, if any."""
        return self.version_of or self.additional_to


class Saver:
    """Saves finalised uploads.

    Args:
        now: the portal's clock: new assets are dated by it.
        index_lag: seconds that a new asset may take to appear in lists.
    """

    def __init__(
        self, uploads: Uploads, assets: Assets, *, now: Callable[[], datetime], index_lag: float
    ) -> None:
        self._uploads = uploads
        self._assets = assets
        self._imports = Imports(uploads)
        self._now = now
        self._index_lag = index_lag

    def save(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> str:
        """Save the import that the checkpoint notes; the id of what it made.

        Raises:
            NotYet: the portal is still converting, or the save waits to be settled.
            UnclearError: no answer, and nothing can tell what became of it.
            AssetRejectedError: the portal will not have the file.
        """
        converting = checkpoint.get("import")
        self._await_conversion(converting, checkpoint)
        self._check_version(checkpoint, to)
        if not to.asset_id:
            self._uploads.check_metaproperties(prepared.metaproperties)
        pause = self._pause(converting)
        return self.attempt(checkpoint, converting, to, lambda: self._send(prepared, converting, to), pause)

    def attempt(
        self,
        checkpoint: Checkpoint,
        facts: Mapping[str, Any],
        to: Destination,
        send: Callable[[], Saved],
        pause: float = UNPOLLED_SECONDS,
    ) -> str:
        """Send a save once, noted before it leaves, and return the id of what it made.

        Whatever refuses it writes off this attempt only: an earlier one that got no answer stays noted.

        Args:
            facts: size and file name of what is saved.
            pause: seconds to wait if the portal is not ready for it.

        Raises:
            NotYet: the portal is not ready for it, or there was no answer and it is to be looked for.
            UnclearError: nothing can tell whether this or an earlier one happened.
            LostUploadError: the portal no longer has the upload.
        """
        earlier: dict[str, Any] | None = checkpoint.get("save")
        checkpoint.put(save=self._begun(facts, earlier or {}))
        try:
            return _id_of(send(), to)
        except UnclearError as error:
            raise self._unsettled(error, checkpoint, to) from error
        except (NotYet, BynderAuthError, TransientError) as error:
            checkpoint.put(save=earlier)
            if isinstance(error, NotYet):
                raise NotYet(error.reason, pause) from error
            raise
        except BynderError as error:
            raise self._refused(error, earlier, checkpoint) from error

    def _begun(self, facts: Mapping[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
        """Return the note of a save that is about to leave; what it makes is not older than `since`.

        Each note counts its tries: the last one, and the earlier ones, which all got no answer.
        """
        return {
            "since": earlier.get("since") or self._now().isoformat(),
            "sizes": sorted({*_sizes(earlier), facts["size"]}),
            "filename": facts["filename"],
            "tries": earlier.get("tries", 0) + 1,
        }

    def _send(self, prepared: PreparedAsset, converting: dict[str, Any], to: Destination) -> Saved:
        import_id = converting["id"]
        if to.version_of:
            return self._uploads.save_version(to.version_of, import_id=import_id)
        if to.additional_to:
            return self._uploads.save_additional(to.additional_to, file_id=import_id)
        return self._uploads.save(
            import_id,
            brand_id=to.brand_id or None,
            name=prepared.name or None,
            description=prepared.description or None,
            copyright=prepared.copyright or None,
            tags=prepared.tags or None,
            metaproperties=prepared.metaproperties,
            audit=to.waiting_room or None,
            crc32=converting["crc32"],
        )

    def _unsettled(self, error: UnclearError, checkpoint: Checkpoint, to: Destination) -> Exception:
        """What a save without an answer means: look later, or leave it to a person."""
        if to.waiting_room:
            return UnclearError(f"{error}; the waiting room shows nobody what arrived")
        if not to.asset_id and to.marker is None:
            return UnclearError(f"{error}; nothing marks the asset in the portal")
        noted = checkpoint.get("save") | {"lost": self._now().isoformat()}
        checkpoint.put(save=noted)
        if noted["tries"] % TRIES_A_ROUND == 0:
            hint = "the next round looks for it before it sends it again"
            return TransientError(
                f"the portal has answered none of {noted['tries']} saves: {error}", hint=hint
            )
        return NotYet(f"looking whether the save happened: {error}", self._index_lag)

    def settled(self, checkpoint: Checkpoint, to: Destination) -> str | None:
        """What became of a save that was begun: its id, or `None` if it may be sent again."""
        if to.waiting_room:
            raise UnclearError("the save got no answer, and the waiting room shows nobody what arrived")
        begun = checkpoint.get("save")
        early = self._too_early(begun, checkpoint)
        if early > 0:
            raise NotYet("looking whether the save happened", early)
        search = Search(
            since=datetime.fromisoformat(begun["since"]),
            sizes=_sizes(begun),
            filename=begun["filename"],
            marker=to.marker,
            asset_id=to.asset_id,
            additional=bool(to.additional_to),
        )
        return settle(self._assets, search)

    def _too_early(self, begun: dict[str, Any], checkpoint: Checkpoint) -> float:
        """Seconds until the portal's lists show what the save made.

        They count from the moment when a process found that there is no answer. It may have been noted
        minutes before it left: it waited for the pace, or out a 429. So where the process that sent it
        was killed, they count from when the next one takes the row over.
        """
        now = self._now()
        lost = datetime.fromisoformat(begun.get("lost") or now.isoformat())
        if "lost" not in begun or lost > now + CLOCK_TOLERANCE:  # just taken over, or a clock was set back
            checkpoint.put(save=begun | {"lost": now.isoformat()})
            lost = now
        return self._index_lag - (now - lost).total_seconds()

    def describe(self, prepared: PreparedAsset, asset_id: str) -> None:
        """Write the metadata of a version: its save takes none. Tags that people added stay."""
        wanted = joined_tags(prepared.tags)
        tags = (*self._assets.get(asset_id).tags, *wanted.split(",")) if wanted else None
        if not (prepared.description or prepared.copyright or tags or prepared.metaproperties):
            return
        self._assets.modify(
            asset_id,
            description=prepared.description or None,
            copyright=prepared.copyright or None,
            tags=tags,
            metaproperties=prepared.metaproperties or None,
        )

    # --- before and after --------------------------------------------------------------------------

    def _await_conversion(self, converting: dict[str, Any], checkpoint: Checkpoint) -> None:
        state = self._state(converting)
        if state is ImportState.DONE:
            return
        name = converting["filename"]
        if state is not ImportState.CONVERTING:
            checkpoint.put(upload=None, **{"import": None})
        if state is ImportState.REJECTED:
            raise AssetRejectedError(f"the portal rejected {name}: its type, or its virus scan")
        if state is ImportState.FAILED:
            raise UploadError(f"the portal could not convert {name}")
        self._check_patience(converting, checkpoint)
        raise NotYet("the portal is still converting", self._pause(converting))

    def _state(self, converting: dict[str, Any]) -> ImportState:
        """What cannot be polled is done for all we know: its save says whether it is."""
        return self._imports.state(converting["id"]) if converting.get("polls", True) else ImportState.DONE

    def _check_patience(self, converting: dict[str, Any], checkpoint: Checkpoint) -> None:
        if self._waited(converting) > CONVERSION_LIMIT:
            checkpoint.put(upload=None, **{"import": None})
            raise UploadError(f"the portal has not converted {converting['filename']} within a day")

    def _pause(self, converting: dict[str, Any]) -> float:
        if self._waited(converting) >= CONVERSION_PATIENCE:
            return LATER_SECONDS
        return self._imports.pause_seconds if converting.get("polls", True) else UNPOLLED_SECONDS

    @staticmethod
    def _waited(converting: dict[str, Any]) -> timedelta:
        return datetime.now(UTC) - datetime.fromisoformat(converting["since"])

    def _check_version(self, checkpoint: Checkpoint, to: Destination) -> None:
        """Never bury a version that somebody else has uploaded meanwhile."""
        if to.version_of is None:
            return
        before, now = checkpoint.get("version"), self._assets.get(to.version_of, versions=True).active_version
        if now != before:
            checkpoint.put(upload=None, version=None, **{"import": None})
            raise TransientError(f"the asset got version {now} meanwhile; starting over")

    def _refused(
        self, error: BynderError, earlier: Mapping[str, Any] | None, checkpoint: Checkpoint
    ) -> Exception:
        """What a clear "no" to a save means."""
        checkpoint.put(save=earlier)
        if error.status == 404 and earlier:
            # The first save may have used the import up; it will show in the lists in the end.
            return UnclearError(f"{error}, after a save without an answer")
        if error.status == 404 or "crc" in error.body.lower():
            checkpoint.put(upload=None, **{"import": None})
            return LostUploadError(f"the portal lost or damaged the upload: {error}", status=error.status)
        return error


class LostUploadError(TransientError):
    """The portal no longer has the upload, or not as it was sent: it is to be sent anew."""


def _sizes(noted: Mapping[str, Any]) -> Collection[int]:
    """The sizes of the files that may have been saved; earlier versions noted one."""
    return noted["sizes"] if "sizes" in noted else [noted["size"]] if "size" in noted else []


def _id_of(saved: Saved, to: Destination) -> str:
    return (saved.item_id or saved.media_id) if to.additional_to else saved.media_id
