"""An upload into the portal: open, send, finalise, convert, save; notes in between, so that a crash
anywhere goes on from there and never saves twice.

Source: api.bynder.com, "Asset upload" (flow by S3), and the order of calls of the official SDKs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from damlink._content import Content, spooled
from damlink._http import Client
from damlink._model import PreparedAsset, PushResult
from damlink.bynder._assets import Assets
from damlink.bynder._imports import Imports, ImportState
from damlink.bynder._metaproperties import Metaproperties
from damlink.bynder._parts import ChangedContentError, Part, PartSender, Session, part_size
from damlink.bynder._request import get_json, read_json
from damlink.bynder._settlement import Marker, Search, settle
from damlink.errors import (
    AssetRejectedError,
    BynderAuthError,
    BynderError,
    NotYet,
    TransientError,
    UnavailableError,
    UnclearError,
    UploadError,
)

if TYPE_CHECKING:
    from damlink._context import Checkpoint

__all__ = ["Destination", "Uploads"]

CONVERSION_PATIENCE: Final = timedelta(minutes=10)  # then other assets get the worker
CONVERSION_LIMIT: Final = timedelta(hours=24)
LATER_SECONDS: Final = 15 * 60.0
NOT_READY_PATIENCE: Final = timedelta(minutes=3)  # as long as a production integration gives it
NOT_READY_SECONDS: Final = 5.0
NOTE_EVERY_SECONDS: Final = 1.0  # parts sent since the last note are sent again after a crash
_BEGINNINGS: Final = 3  # an upload is begun so often before the row fails


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


class Uploads:
    """Uploads into one portal.

    Args:
        index_lag: seconds that a new asset may take to appear in lists.
        on_bytes: told the size of each part that has arrived.
    """

    def __init__(
        self,
        client: Client,
        s3: Client,
        assets: Assets,
        metaproperties: Metaproperties,
        *,
        index_lag: float,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._client = client
        self._sender = PartSender(s3, on_bytes)
        self._assets = assets
        self._metaproperties = metaproperties
        self._imports = Imports(client)
        self._index_lag = index_lag
        self._endpoint = ""

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
        saved = checkpoint.get("saved")
        if saved is None and checkpoint.get("save"):
            saved = self._settled(checkpoint, to)
        if saved is None and not checkpoint.get("import"):
            saved = self._send(prepared, checkpoint, to)
        if saved is None:
            saved = self._save(prepared, checkpoint, to)
        checkpoint.put(saved=saved)
        if to.version_of:
            self._describe(prepared, to.version_of)
        return PushResult(to.asset_id or saved, detail=_detail(saved, to))

    # --- the bytes ---------------------------------------------------------------------------------

    def _send(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> str | None:
        """Send the bytes and finalise; the new item's id where that already saves it."""
        if to.version_of and checkpoint.get("version") is None:
            checkpoint.put(version=self._assets.get(to.version_of, versions=True).active_version)
        with _sized(prepared.content) as content:
            if content.size == 0:
                raise AssetRejectedError(f"{content.filename} is empty")
            for _ in range(_BEGINNINGS - 1):
                with contextlib.suppress(_BeginAgainError, ChangedContentError):
                    return self._send_once(content, checkpoint, to)
                checkpoint.put(upload=None, save=None)
            try:
                return self._send_once(content, checkpoint, to)
            except _BeginAgainError as error:
                raise TransientError(f"the upload of {content.filename} breaks off: {error}") from error

    def _send_once(self, content: Content, checkpoint: Checkpoint, to: Destination) -> str | None:
        session = self._session(content, checkpoint)
        noted_at = time.monotonic()

        def register(part: Part) -> None:
            nonlocal noted_at
            self._register(session, part)
            session.register(part)
            if time.monotonic() - noted_at >= NOTE_EVERY_SECONDS:
                checkpoint.put(upload=attrs.asdict(session))
                noted_at = time.monotonic()

        with _begin_again_if_forgotten(), _patient(session, checkpoint):
            self._sender.send_all(content, session, register)
            if to.additional_to:
                return self._save_additional(session, checkpoint, to.additional_to)
            self._finalise(session, checkpoint)
        return None

    def _session(self, content: Content, checkpoint: Checkpoint) -> Session:
        noted = checkpoint.get("upload")
        if noted:
            session = Session(**noted)
            if session.fits(content) and not session.closing:
                return session
        return self._open(content)

    def _open(self, content: Content) -> Session:
        form = {"filename": content.filename}
        answer = read_json(self._client.post("/api/upload/init", data=form, idempotent=True))
        if not self._endpoint:
            self._endpoint = str(get_json(self._client, "/api/upload/endpoint"))
        size = content.size or 0
        return Session(
            upload_id=answer["s3file"]["uploadid"],
            target_id=answer["s3file"]["targetid"],
            s3_filename=answer["s3_filename"],
            endpoint=self._endpoint,
            fields={key: str(value) for key, value in answer["multipart_params"].items()},
            filename=content.filename,
            size=size,
            part_bytes=part_size(size),
            validator=content.validator,
        )

    def _register(self, session: Session, part: Part) -> None:
        form = {
            "id": session.upload_id,
            "targetid": session.target_id,
            "filename": f"{session.s3_filename}/p{part.number}",
            "chunkNumber": str(part.number),
        }
        # Repeating a part's number is what the portal's own `retry` asks for.
        self._client.post("/api/v4/upload/", data=form, idempotent=True)

    def _finalise(self, session: Session, checkpoint: Checkpoint) -> None:
        """Close the upload. Without an answer it is begun anew: one that is not saved is invisible."""
        form = _closing(session) | {"id": session.upload_id, "original_filename": session.filename}
        if checkpoint.get("upload"):
            checkpoint.put(upload=attrs.asdict(session) | {"closing": True})
        try:
            answer = read_json(self._client.post("/api/v4/upload/", data=form))
        except UnclearError as error:
            raise _BeginAgainError(str(error)) from error
        converting = {"id": answer["importId"], "crc32": session.crc32, "size": session.size}
        converting |= {"filename": session.filename, "since": _moment(datetime.now(UTC))}
        checkpoint.put(upload=None, **{"import": converting})

    # --- the save ----------------------------------------------------------------------------------

    def _save(self, prepared: PreparedAsset, checkpoint: Checkpoint, to: Destination) -> str:
        converting = checkpoint.get("import")
        self._await_conversion(converting, checkpoint)
        self._check_version(checkpoint, to)
        form = {} if to.version_of else self._form(prepared, converting, to)
        path = f"/api/v4/media/{to.version_of}/save/" if to.version_of else "/api/v4/media/save/"
        begun = checkpoint.get("save") or {}
        self._begin_save(checkpoint, converting, tries=begun.get("tries", 0) + 1)
        try:
            response = self._client.post(f"{path}{converting['id']}/", data=form)
        except UnclearError as error:
            raise self._unsettled(error, to) from error
        except BynderAuthError:
            checkpoint.put(save=None)
            raise
        except BynderError as error:
            raise self._refused(error, checkpoint) from error
        except TransientError:
            checkpoint.put(save=None)
            raise
        if response.status_code == 303:
            checkpoint.put(save=None)
            raise NotYet("the portal is still converting", self._imports.pause_seconds)
        return str(read_json(response)["mediaid"])

    def _begin_save(self, checkpoint: Checkpoint, facts: dict[str, Any], tries: int) -> None:
        """Note that a save is about to be sent: what follows cannot be repeated blindly."""
        noted = {"since": _moment(self._portal_now()), "size": facts["size"], "tries": tries}
        checkpoint.put(save=noted | {"filename": facts["filename"]})

    def _refused(self, error: BynderError, checkpoint: Checkpoint) -> Exception:
        """What a clear "no" to a save means."""
        tries = checkpoint.get("save")["tries"]
        if error.status == 404 and tries > 1:
            # The first save may have used the import up; it will show in the lists in the end.
            return UnclearError(f"{error}, after a save without an answer")
        if error.status == 404 or "crc" in error.body.lower():
            checkpoint.put(save=None, upload=None, **{"import": None})
            return TransientError(f"the portal lost or damaged the upload: {error}", status=error.status)
        checkpoint.put(save=None)
        return error

    def _unsettled(self, error: UnclearError, to: Destination) -> Exception:
        if to.waiting_room:
            return UnclearError(f"{error}; the waiting room shows nobody what arrived")
        if not to.asset_id and to.marker is None:
            return UnclearError(f"{error}; nothing marks the asset in the portal")
        return NotYet(f"looking whether the save happened: {error}", self._index_lag)

    def _settled(self, checkpoint: Checkpoint, to: Destination) -> str | None:
        """What became of a save that was begun: its id, or `None` if it may be sent again."""
        begun = checkpoint.get("save")
        since = datetime.fromisoformat(begun["since"])
        if to.waiting_room:
            raise UnclearError("the save got no answer, and the waiting room shows nobody what arrived")
        early = (since + timedelta(seconds=self._index_lag) - self._portal_now()).total_seconds()
        if early > 0:
            raise NotYet("looking whether the save happened", early)
        search = Search(
            since=since,
            size=begun["size"],
            filename=begun["filename"],
            marker=to.marker,
            asset_id=to.asset_id,
            additional=bool(to.additional_to),
        )
        return settle(self._assets, search)

    def _await_conversion(self, converting: dict[str, Any], checkpoint: Checkpoint) -> None:
        state = self._imports.state(converting["id"])
        if state is ImportState.DONE:
            return
        name = converting["filename"]
        if state is not ImportState.CONVERTING:
            checkpoint.put(upload=None, **{"import": None})
        if state is ImportState.REJECTED:
            raise AssetRejectedError(f"the portal rejected {name}: its type, or its virus scan")
        if state is ImportState.FAILED:
            raise UploadError(f"the portal could not convert {name}")
        waited = datetime.now(UTC) - datetime.fromisoformat(converting["since"])
        if waited > CONVERSION_LIMIT:
            checkpoint.put(upload=None, **{"import": None})
            raise UploadError(f"the portal has not converted {name} within a day")
        pause = self._imports.pause_seconds if waited < CONVERSION_PATIENCE else LATER_SECONDS
        raise NotYet("the portal is still converting", pause)

    def _check_version(self, checkpoint: Checkpoint, to: Destination) -> None:
        """Never bury a version that somebody else has uploaded meanwhile."""
        if to.version_of is None:
            return
        before, now = checkpoint.get("version"), self._assets.get(to.version_of, versions=True).active_version
        if now != before:
            checkpoint.put(upload=None, version=None, **{"import": None})
            raise TransientError(f"the asset got version {now} meanwhile; starting over")

    def _save_additional(self, session: Session, checkpoint: Checkpoint, asset_id: str) -> str:
        self._begin_save(checkpoint, {"size": session.size, "filename": session.filename}, tries=1)
        path = f"/api/v4/media/{asset_id}/save/additional/{session.upload_id}/"
        try:
            answer = read_json(self._client.post(path, data=_closing(session)))
        except UnclearError as error:
            raise NotYet(f"looking whether the save happened: {error}", self._index_lag) from error
        return str(answer.get("itemId") or answer.get("mediaid") or "")

    # --- what is written ---------------------------------------------------------------------------

    def _form(self, prepared: PreparedAsset, converting: dict[str, Any], to: Destination) -> dict[str, str]:
        form = {
            "brandId": to.brand_id or "",
            "name": prepared.name,
            "description": prepared.description,
            "copyright": prepared.copyright,
            "tags": joined_tags(prepared.tags),
            "audit": "true" if to.waiting_room else "",
            "crc32": str(converting["crc32"]),
        }
        form |= self._metaproperties.form(prepared.metaproperties) if prepared.metaproperties else {}
        return {name: value for name, value in form.items() if value}

    def _describe(self, prepared: PreparedAsset, asset_id: str) -> None:
        """Write the metadata of a version: its save takes none. Tags that people added stay."""
        tags = dict.fromkeys((*self._assets.get(asset_id).tags, *map(_tag, prepared.tags)))
        form = {
            "description": prepared.description,
            "copyright": prepared.copyright,
            "tags": ",".join(tags),
        }
        form |= self._metaproperties.form(prepared.metaproperties) if prepared.metaproperties else {}
        self._assets.modify(asset_id, **{name: value for name, value in form.items() if value})

    def _portal_now(self) -> datetime:
        """The portal's clock, as its last answer told it: new assets are dated by it."""
        return self._client.remote_now()


class _BeginAgainError(Exception):
    """The portal or S3 no longer knows this upload."""


@contextlib.contextmanager
def _begin_again_if_forgotten() -> Iterator[None]:
    try:
        yield
    except UnavailableError as error:  # S3: the policy has expired
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
    except TransientError as error:
        if error.status is None or error.status < 500 or isinstance(error, UnavailableError):
            raise
        now = datetime.now(UTC)
        since = datetime.fromisoformat(checkpoint.get("not_ready") or _moment(now))
        checkpoint.put(upload=attrs.asdict(session), not_ready=_moment(since))
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


def _closing(session: Session) -> dict[str, str]:
    return {
        "targetid": session.target_id,
        "s3_filename": f"{session.s3_filename}/p{session.parts}",
        "chunks": str(session.parts),
    }


def joined_tags(tags: tuple[str, ...]) -> str:
    """Tags as the portal takes them: parted by commas, so that none may hold one."""
    return ",".join(dict.fromkeys(_tag(tag) for tag in tags if _tag(tag)))


def _tag(tag: str) -> str:
    return " ".join(tag.replace(",", " ").split())


def _moment(moment: datetime) -> str:
    return moment.isoformat()


def _detail(saved: str, to: Destination) -> dict[str, str]:
    return {"item_id": saved} if to.asset_id else {}
