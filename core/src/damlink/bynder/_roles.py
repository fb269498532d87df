"""Bynder's roles by name, and the roles that the download of an asset needs.

Source: Bynder's published definitions of the calls.
"""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from damlink.errors import AssetRejectedError, BynderAuthError

if TYPE_CHECKING:
    from damlink.bynder.records.assets import Asset

__all__ = ["Role", "download_roles", "reject_undownloadable"]

_FORBIDDEN: Final = 403


class Role(enum.StrEnum):
    """Roles of a profile, under Bynder's own names."""

    DOWNLOAD_ORIGINAL = "MEDIAHIGHRES"
    DOWNLOAD_ARCHIVED = "ARCHIVEDOWNLOAD"
    DOWNLOAD_LIMITED = "KEYVISUALSDOWNLOAD"
    DOWNLOAD_WATERMARKED = "DOWNLOADWATERMARK"
    UPLOAD = "MEDIAUPLOAD"
    EDIT = "MEDIAEDIT"
    MANAGE_METAPROPERTIES = "METAPROPERTYMANAGEMENT"
    MANAGE_METADATA = "METAMANAGEMENT"
    MANAGE_PERMISSIONS = "PERMISSIONMANAGEMENT"


def download_roles(asset: Asset) -> tuple[Role, ...]:
    """Return the roles that the download of an asset needs beside `Role.DOWNLOAD_ORIGINAL`."""
    states = {
        Role.DOWNLOAD_ARCHIVED: asset.is_archived,
        Role.DOWNLOAD_LIMITED: asset.is_limited,
        Role.DOWNLOAD_WATERMARKED: asset.is_watermarked,
    }
    return tuple(role for role, applies in states.items() if applies)


@contextlib.contextmanager
def reject_undownloadable(roles: Sequence[str]) -> Iterator[None]:
    """Reject one asset, instead of stopping the connector, where the portal refuses its download.

    Args:
        roles: the `download_roles` of the asset; without any the refusal concerns every asset.

    Raises:
        AssetRejectedError: the portal's user lacks one of the roles.
    """
    try:
        yield
    except BynderAuthError as error:
        if error.status != _FORBIDDEN or not roles:
            raise
        hint = f"give its profile {' and '.join(roles)}, then retry"
        raise AssetRejectedError("the portal's user may not download it", hint=hint).about(error) from error
