"""The upload steps of a portal, and the upload of a whole file by one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final, TypedDict, Unpack

from damlink._checkpoint import FileCheckpoint
from damlink._content import Content
from damlink._http.client import Client
from damlink._model import PreparedAsset, PushResult
from damlink._upload.progress_report import Progress
from damlink._upload.resumable_upload import Uploader
from damlink.bynder._action import action
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import NotYet

__all__ = ["FileUploads", "UploadTarget"]

# Used if the portal does not say how long to wait.
DEFAULT_PAUSE_SECONDS: Final = 2.0


class UploadTarget(TypedDict, total=False):
    """Target of an upload.

    Args:
        brand: name or id; by default the brand of the portal, or the only one.
        waiting_room: send the asset to the waiting room for approval.
        version_of: id of an asset of which the file becomes a new version.
        additional_to: id of an asset to which the file is added.
        marker: tag, or `name=value` of a metaproperty, that only this asset has. It finds the asset
            after a save without an answer.
    """

    brand: str | None
    waiting_room: bool
    version_of: str | None
    additional_to: str | None
    marker: str | None


class FileUploads(Uploads):
    """Uploads: a whole file by one command, or the steps of an upload one by one.

    Example:
        saved = portal.uploads.file(path, name="Beach", brand=brand)
        print(saved)

    Args:
        s3: client without credentials: S3 accepts only those in the form.
    """

    def __init__(
        self, client: Client, s3: Client, metaproperties: Metaproperties, uploader: Uploader
    ) -> None:
        super().__init__(client, s3, metaproperties)
        self._uploader = uploader

    @action()
    def file(
        self,
        file: Path,
        *,
        name: str | None = None,
        description: str = "",
        copyright: str = "",
        tags: Sequence[str] = (),
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        brand: str | None = None,
        waiting_room: bool = False,
        version_of: str | None = None,
        additional_to: str | None = None,
        marker: str | None = None,
        notes: Path | None = None,
    ) -> PushResult:
        """Upload a file in all steps: as a new asset, a new version, or an additional file of an asset.

        Args:
            file: on this machine; the portal derives the type from its extension.
            name: of the asset; the name of the file by default.
            description: of the asset.
            copyright: of the asset.
            tags: of the asset.
            metaproperties: values by name, label or id.
            brand: name or id; by default the brand in the configuration, or the only one.
            waiting_room: send the asset to the waiting room for approval.
            version_of: id of an asset of which the file becomes a new version.
            additional_to: id of an asset to which the file is added.
            marker: tag, or `name=value` of a metaproperty, that only this asset has. It finds the asset
                after a save without an answer.
            notes: file for the progress of the upload, so that the same call resumes after a crash.

        Raises:
            UnclearError: it cannot be determined whether the file was saved.
            AssetRejectedError: the portal rejects the file.
        """
        return self.upload_whole(
            Content.from_path(file),
            notes,
            name=name,
            description=description,
            copyright=copyright,
            tags=tags,
            metaproperties=metaproperties,
            brand=brand,
            waiting_room=waiting_room,
            version_of=version_of,
            additional_to=additional_to,
            marker=marker,
        )

    def upload_whole(
        self,
        content: Content,
        notes: Path | None = None,
        progress: Progress | None = None,
        *,
        name: str | None = None,
        description: str = "",
        copyright: str = "",
        tags: Sequence[str] = (),
        metaproperties: Mapping[str, str | Sequence[str]] | None = None,
        **to: Unpack[UploadTarget],
    ) -> PushResult:
        """Upload a content in all steps, waiting where the portal is not ready; see `Portal.upload_file`."""
        checkpoint = FileCheckpoint(notes)
        prepared = PreparedAsset(
            content=content,
            name=name or PurePath(content.filename).stem,
            description=description,
            copyright=copyright,
            tags=(tags,) if isinstance(tags, str) else tuple(tags),
            metaproperties={
                key: value if isinstance(value, str) else [*value]
                for key, value in (metaproperties or {}).items()
            },
        )
        while True:
            try:
                result = self._uploader.upload(prepared, checkpoint, at_once=True, progress=progress, **to)
            except NotYet as early:
                self._client.pause(early.retry_after or DEFAULT_PAUSE_SECONDS)
            else:
                checkpoint.remove()
                return result
