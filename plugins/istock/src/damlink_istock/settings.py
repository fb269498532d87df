"""The settings of an iStock connector, in the order in which they are asked for."""

from __future__ import annotations

from datetime import date
from typing import Final

import attrs

from damlink import Secret, setting

__all__ = ["PRODUCT_TYPES", "IStockSettings"]

PRODUCT_TYPES: Final = {"subscription": "royaltyfreesubscription", "credits": "creditpack"}


@attrs.frozen
class IStockSettings:
    """One iStock account under one licence model."""

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
        default=False, selects=True, help="Bring videos as well as images and vectors."
    )
    sync_after: date | None = setting(
        default=None,
        selects=True,
        help="Bring only what was licensed on this day or later (from 00:00 UTC). Empty: everything ever.",
    )
    sync_organization_assets: bool = setting(
        default=False,
        selects=True,
        help="Bring what anybody in the organisation has licensed; the account needs the right to see it.",
    )
    download_size: str = setting(
        advanced=True,
        default="",
        help="The name of a smaller size to bring, such as `medium`. Empty: the size that was licensed. "
        "Never a larger one.",
    )
    project_code: str = setting(
        advanced=True, default="", help="The project code that the account asks for with a download."
    )
    download_notes: str = setting(
        advanced=True, default="", help="The note that the account asks for with a download."
    )
    product_id: int | None = setting(
        advanced=True, default=None, help="Which product pays, where the account has several."
    )
    use_team_credits: bool = setting(advanced=True, default=False, help="Pay with the team's credits.")
    max_downloads_per_run: int | None = setting(
        advanced=True,
        default=None,
        help="At most so many downloads in one run; the rest waits for the next. Empty: no cap.",
    )
    repeat_unclear_downloads: bool = setting(
        advanced=True,
        default=True,
        help="Ask once more for a download whose answer was lost, each time by a crash or once by the line, "
        "though it may be charged again. Without, such an asset waits for a person's decision.",
    )
    requests_per_second: float = setting(
        advanced=True, default=1.0, help="The most requests in a second to iStock's API."
    )
    api_url: str = setting(
        advanced=True, default="https://api.gettyimages.com", help="Where iStock's API answers."
    )
    token_url: str = setting(
        advanced=True,
        default="https://authentication.gettyimages.com/oauth2/token",
        help="Where tokens are given.",
    )

    authorize_url: str = setting(
        advanced=True,
        default="https://authentication.gettyimages.com/oauth2/auth",
        help="Where a person gives consent, for `damlink login`.",
    )

    def __attrs_post_init__(self) -> None:
        if self.password and not self.username:
            raise ValueError("password is set without username")
        if not self.requests_per_second > 0:
            raise ValueError("requests_per_second must be above 0")

    @property
    def product_type(self) -> str:
        """The licence model in iStock's own word; every call that may cost something needs it."""
        return PRODUCT_TYPES[self.license_model]
