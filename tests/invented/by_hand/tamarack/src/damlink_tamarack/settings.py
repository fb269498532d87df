"""Settings of one Tamarack connector, in the order in which `damlink add` asks."""

from __future__ import annotations

import attrs
from damlink import Secret, setting

__all__ = ["TamarackSettings"]


@attrs.frozen
class TamarackSettings:
    """Settings of one Tamarack account."""

    client_id: str = setting(help="The id of the app that was registered at Tamarack.")
    client_secret: Secret = setting(help="The app's key.")
    collection: str = setting(
        default="", selects=True, help="Bring this collection only. Empty: all of them."
    )
    token_url: str = setting(
        default="https://api.tamarack.example/v3/session", advanced=True, help="Where tokens are issued."
    )
    api_url: str = setting(
        default="https://api.tamarack.example", advanced=True, help="Where the API of Tamarack answers."
    )
    requests_per_second: float = setting(default=5.0, advanced=True, help="The most requests in a second.")
