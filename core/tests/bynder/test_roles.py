from __future__ import annotations

import pytest

from damlink.bynder import Asset, Role, download_roles, reject_undownloadable
from damlink.errors import AssetRejectedError, BynderAuthError


@pytest.mark.parametrize(
    ("state", "roles"),
    [
        ({}, ()),
        ({"archive": 1}, ("ARCHIVEDOWNLOAD",)),
        ({"limited": 1, "watermarked": 1}, ("KEYVISUALSDOWNLOAD", "DOWNLOADWATERMARK")),
    ],
    ids=["plain", "archived", "limited and watermarked"],
)
def test_download_roles_when_an_asset_is_in_a_state_are_those_of_it(
    state: dict[str, int], roles: tuple[str, ...]
) -> None:
    assert download_roles(Asset.read({"id": "A", **state})) == roles


def test_role_when_compared_is_the_text_that_a_profile_holds() -> None:
    assert frozenset({"MEDIAEDIT"}).intersection({Role.EDIT}) == {"MEDIAEDIT"}
    assert f"{Role.EDIT}" == "MEDIAEDIT"


def test_refused_download_when_a_role_is_missing_rejects_the_asset() -> None:
    with (
        pytest.raises(AssetRejectedError, match="give its profile ARCHIVEDOWNLOAD, then retry"),
        reject_undownloadable([Role.DOWNLOAD_ARCHIVED]),
    ):
        raise BynderAuthError("no", status=403)


@pytest.mark.parametrize(("roles", "status"), [((), 403), ((Role.EDIT,), 401)], ids=["no role", "401"])
def test_refused_download_when_no_role_explains_it_stays(roles: tuple[str, ...], status: int) -> None:
    with pytest.raises(BynderAuthError), reject_undownloadable(roles):
        raise BynderAuthError("no", status=status)
