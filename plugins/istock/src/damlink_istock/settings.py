"""Settings of an iStock connector, in the order of the questions of `damlink add`."""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from damlink import Secret, setting

__all__ = ["PRODUCT_TYPES", "IStockSettings"]

PRODUCT_TYPES: Final = {"subscription": "royaltyfreesubscription", "credits": "creditpack"}


@attrs.frozen
class IStockSettings:
    """Settings of one iStock account under one licence model."""

    send_to_waiting_room: bool = setting(
        default=False,
        help="Send assets to the portal's waiting room for approval, instead of straight to the asset bank.",
    )
    api_key: Secret = setting(
        identifies="source", help="The account's API key; it is the OAuth client id too."
    )
    api_secret: Secret = setting(help="The secret of the API key.")
    username: str = setting(
        default="",
        identifies="source",
        help="The iStock user. Not needed with a refresh token, or where the key has a user.",
    )
    password: Secret | None = setting(
        when={"username": True}, default=None, help="The iStock user's password."
    )
    refresh_token: Secret | None = setting(
        advanced=True, default=None, help="An OAuth refresh token, instead of a user name and password."
    )
    license_model: str = setting(
        default="subscription",
        choices=tuple(PRODUCT_TYPES),
        selects=True,
        help="How the assets are licensed. An account with both needs two connectors.",
    )
    include_videos: bool = setting(
        default=False, selects=True, help="Include videos as well as images and vectors."
    )
    sync_after: date | None = setting(
        default=None,
        selects=True,
        help="Include only assets licensed on this day or later (from 00:00 UTC). Empty: all assets.",
    )
    sync_organization_assets: bool = setting(
        default=False,
        selects=True,
        help="Include the assets of the whole organisation; the account needs the right to see them.",
    )
    download_size: str = setting(
        advanced=True,
        default="",
        help="The name of a smaller size to download, such as `medium`. Empty: the licensed size. "
        "A larger size is never downloaded.",
    )
    project_code: str = setting(
        advanced=True, default="", help="The project code, if the account requires one with a download."
    )
    download_notes: str = setting(
        advanced=True, default="", help="The note, if the account requires one with a download."
    )
    product_id: int | None = setting(
        advanced=True, default=None, help="The product to pay with, if the account has several."
    )
    use_team_credits: bool = setting(advanced=True, default=False, help="Pay with the team's credits.")
    max_downloads_per_run: int | None = setting(
        advanced=True,
        default=None,
        help="The most downloads of one run; the other assets wait for the next run. Empty: no cap.",
    )
    repeat_unclear_downloads: bool = setting(
        advanced=True,
        default=True,
        help="Request a download again if its answer was lost or its address has expired, although it may be "
        "charged twice: after each crash, and once after a network failure. With `false`, such an asset "
        "waits for a person's decision.",
    )
    requests_per_second: float = setting(
        advanced=True, default=1.0, help="The most requests in a second to iStock's API."
    )
    api_url: str = setting(
        advanced=True, default="https://api.gettyimages.com", help="Address of iStock's API."
    )
    token_url: str = setting(
        advanced=True,
        default="https://authentication.gettyimages.com/oauth2/token",
        help="Address of the token endpoint.",
    )

    authorize_url: str = setting(
        advanced=True,
        default="https://authentication.gettyimages.com/oauth2/auth",
        help="Address of the consent page, for `damlink login` and the console.",
    )

    def __attrs_post_init__(self) -> None:
        if self.password and not self.username:
            raise ValueError("password is set without username")
        if not self.requests_per_second > 0:
            raise ValueError("requests_per_second must be above 0")

    @property
    def product_type(self) -> str:
        """Return the licence model under iStock's own name; each call that may cost money needs it."""
        return PRODUCT_TYPES[self.license_model]
