"""One upload for each scope of a checkpoint: a second one would find the first saved, and send nothing."""

from __future__ import annotations

from damlink._checkpoint import Checkpoint, place_of, uploads_of
from damlink._model import PreparedAsset
from damlink._upload.progress import UploadProgress
from damlink._upload.save import Destination
from damlink.errors import ArgumentError

__all__ = ["KIND_ADDITIONAL", "kind_of", "mark_uploaded", "verify_scope"]

KIND_ADDITIONAL = "additional"


def kind_of(to: Destination) -> str:
    """Return what an upload makes: a new asset, a version, or an additional file."""
    return KIND_ADDITIONAL if to.additional_to else "version" if to.version_of else "asset"


def verify_scope(
    checkpoint: Checkpoint, prepared: PreparedAsset, progress: UploadProgress, to: Destination
) -> None:
    """Verify that the upload recorded under a checkpoint, if any, is this one.

    A push that is repeated makes the same calls again. So a call after another one has ended, in the same
    push, is another upload unless it has the same content and destination.

    Raises:
        ArgumentError: it is another one; nothing was sent.
    """
    made = uploads_of(checkpoint).get(place_of(checkpoint))
    is_other = made is not None and (made[0] is not prepared.content or made[1] != to.asset_id)
    # A version of an asset that is gone may become a new asset; a file beside one is never either.
    is_other_kind = progress.kind != "" and (progress.kind == KIND_ADDITIONAL) != bool(to.additional_to)
    if not (is_other or (progress.saved_id and is_other_kind)):
        return
    name = prepared.content.filename
    raise ArgumentError(
        f"{checkpoint.source_id or prepared.name}: a second upload ({name!r}) under the same checkpoint "
        f"as the one saved as {progress.saved_id!r}; nothing was sent; give each upload a scope of its own: "
        f"ctx.bynder.upload(prepared, checkpoint.scope({name!r}), …)"
    )


def mark_uploaded(checkpoint: Checkpoint, prepared: PreparedAsset, to: Destination) -> None:
    """Remember until the end of this push that the upload under a checkpoint has ended."""
    uploads_of(checkpoint)[place_of(checkpoint)] = (prepared.content, to.asset_id)
