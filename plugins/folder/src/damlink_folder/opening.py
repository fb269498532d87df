"""Open the folder of a connector, wherever it is."""

from __future__ import annotations

from contextlib import AbstractContextManager

from damlink_folder.api import Folder
from damlink_folder.local import LocalFolder
from damlink_folder.settings import FolderSettings

__all__ = ["open_folder"]


def open_folder(settings: FolderSettings) -> AbstractContextManager[Folder]:
    """Return the folder of a connector, to be entered for the use in one thread."""
    if not settings.is_remote:
        return LocalFolder(settings.address)
    # Its library is in an extra.
    from damlink_folder.sftp import RemoteFolder

    return RemoteFolder(settings)
