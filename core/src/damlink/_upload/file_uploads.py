"""The upload steps of a portal, and the upload of a whole file by one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from damlink._content import Content
from damlink._http.client import Client
from damlink._model import PreparedAsset, PushResult
from damlink._upload.file_checkpoint import FileCheckpoint
from damlink._upload.uploader import Uploader
from damlink.bynder._action import action
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.bynder.resources.uploads import Uploads
from damlink.errors import NotYet

__all__ = ["FileUploads"]

# Used if the portal does not say how long to wait.
DEFAULT_PAUSE_SECONDS: Final = 2.0


class FileUploads(Uploads):
    """The steps of an upload, one call each.

    Args:
        s3: an unsigned client: S3 refuses a form that carries credentials in addition to its policy.
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
        """Upload a file from beginning to end: as a new asset, a new version, or a file beside an asset.

        Args:
            file: on this machine; its extension tells the portal its type.
            name: of the asset; else the file's name.
            description: of the asset.
            copyright: of the asset.
            tags: of the asset.
            metaproperties: values by name, label or id.
            brand: by name or id; else the config's, or the only one.
            waiting_room: whether the file must be approved first.
            version_of: the id of an asset: the file becomes its new version.
            additional_to: the id of an asset: the file is put beside it.
            marker: a tag, or `name=value` of a metaproperty, that only this asset carries: with it a
                save without an answer can be looked up.
            notes: a file to keep the progress in: after a crash the same call continues from there.

        Raises:
            UnclearError: it cannot be determined whether the file was saved.
            AssetRejectedError: the portal rejects the file.
        """
        checkpoint = FileCheckpoint(notes)
        prepared = PreparedAsset(
            content=Content.from_path(file),
            name=name or file.stem,
            description=description,
            copyright=copyright,
            tags=tuple(tags),
            metaproperties={
                key: value if isinstance(value, str) else [*value]
                for key, value in (metaproperties or {}).items()
            },
        )
        where = {"version_of": version_of, "additional_to": additional_to, "marker": marker}
        while True:
            try:
                result = self._uploader.upload(
                    prepared, checkpoint, brand=brand, waiting_room=waiting_room, **where
                )
            except NotYet as early:
                self._client.pause(early.retry_after or DEFAULT_PAUSE_SECONDS)
            else:
                checkpoint.remove()
                return result
