"""Settings of an Imatag connector, in the order of the questions of `damlink add`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import attrs

from damlink import Secret, setting

__all__ = ["DELIVERIES", "ImatagSettings"]

DELIVERIES: Final = ("new-version", "new-asset", "additional")
_SIMPLE: Final = (str, bool, int, date, datetime)

_TEMPLATES: Final = {"one_media_path": ("id",), "marked_path": ("id",), "new_asset_name": ("name", "id")}


@attrs.frozen
class ImatagSettings:
    """Settings of one Imatag account, and the selection of assets."""

    api_key: Secret | None = setting(
        default=None, help="The account's API key. Without one, an OAuth client is needed."
    )
    client_id: str = setting(
        when={"api_key": False},
        default="",
        identifies="source",
        help="The id of the account's OAuth application, instead of a key.",
    )
    client_secret: Secret | None = setting(
        when={"client_id": True}, default=None, help="The secret of that OAuth application."
    )
    directory: str = setting(
        help="The folder at Imatag that receives the files, such as `acme/bynder`. It begins with a home "
        "directory that the account may use."
    )
    media_id_metadata: str = setting(
        advanced=True,
        default="bynder_media_id",
        help="The metadata field at Imatag that holds the id of the Bynder asset.",
    )
    hash_metaproperty: str = setting(
        help="The text metaproperty in Bynder that holds the SHA-256 of the original and of its marked file; "
        "with it nothing is marked twice. It is made if it is not there and the portal's user may."
    )
    delta: bool = setting(
        advanced=True,
        default=True,
        help="List only what has changed since the last run. `false`: everything, each time, as "
        "`damlink run --full` does.",
    )
    filters: Mapping[str, Any] | None = setting(
        confirm_empty="Without a filter, every asset of the portal is marked.",
        default=None,
        selects=True,
        help='Which assets are marked, such as `{ tags = "protect", type = "image" }`. Empty: all. Known: '
        "`type`, `tags`, `keyword`, `orientation`, `brand`, `collection`, `category`, `property_NAME`, "
        "`is_public`, `limited`, `archive`, and the dates `date_created`, `date_created_to`, "
        "`date_created_on`, `date_modified`, `date_modified_to`, `date_modified_on`.",
    )
    deliver_as: str = setting(
        default=DELIVERIES[0],
        choices=DELIVERIES,
        help="What the marked file becomes in Bynder: a new version of the asset, an asset of its own, or an "
        "additional file beside the original.",
    )
    new_asset_name: str = setting(
        when={"deliver_as": "new-asset"},
        default="{name}",
        help="The name of a new asset; `{name}` is that of the original, `{id}` its id.",
    )
    new_asset_tags: tuple[str, ...] = setting(
        when={"deliver_as": "new-asset"},
        default=("Imatag",),
        help="The tags of a new asset; the id of the original is one more.",
    )
    image_patience_minutes: float = setting(
        advanced=True,
        default=30.0,
        help="How long one run waits for Imatag to mark an image; then the next run looks again.",
    )
    video_patience_minutes: float = setting(advanced=True, default=120.0, help="The same for a video.")
    username: str = setting(
        advanced=True,
        default="",
        identifies="source",
        help="The Imatag user. The name is the home directory if Imatag does not send one.",
    )
    requests_per_second: float = setting(
        advanced=True, default=2.0, help="The most requests in a second to Imatag's API."
    )
    api_url: str = setting(
        advanced=True, default="https://app.imatag.com/api/v3", help="Address of Imatag's API."
    )
    token_url: str = setting(
        advanced=True,
        default="",
        help="Address of the token endpoint. Empty: `oauth/token/` below `api_url`.",
    )
    account_path: str = setting(
        advanced=True, default="/account/", help="The path of the account, below `api_url`."
    )
    media_path: str = setting(
        advanced=True, default="/media/", help="The path of the media, to search and to upload."
    )
    one_media_path: str = setting(advanced=True, default="/media/{id}/", help="The path of one media.")
    marked_path: str = setting(
        advanced=True, default="/media/{id}/watermarked/", help="The path of a media's watermarked file."
    )

    def __attrs_post_init__(self) -> None:
        for problem in self._problems():
            raise ValueError(problem)

    def _problems(self) -> Iterator[str]:
        if bool(self.api_key) == bool(self.client_id):
            yield "set either api_key, or client_id with client_secret"
        if bool(self.client_id) != bool(self.client_secret):
            yield "client_id and client_secret go together"
        if not self.requests_per_second > 0:
            yield "requests_per_second must be above 0"
        if min(self.image_patience_minutes, self.video_patience_minutes) <= 0:
            yield "image_patience_minutes and video_patience_minutes must be above 0"
        if not self.hash_metaproperty.strip():
            yield "hash_metaproperty is empty"
        for name, known in _TEMPLATES.items():
            if not _can_be_filled(getattr(self, name), known):
                places = " and ".join(f"{{{each}}}" for each in known)
                yield f"{name} may hold {places}, and nothing else in braces"
        for name in ("one_media_path", "marked_path"):
            if "{id}" not in getattr(self, name):
                yield f"{name} must hold {{id}}"
        yield from _filter_problems(self.filters or {})

    @property
    def token_address(self) -> str:
        """Return the whole address of the token endpoint."""
        return self.token_url or f"{self.api_url.rstrip('/')}/oauth/token/"

    def timeout_seconds(self, kind: str) -> float:
        """Return how long one run waits for a media of a type (`image`, `video`, …)."""
        return 60 * (self.video_patience_minutes if kind == "video" else self.image_patience_minutes)


def _can_be_filled(template: str, known: tuple[str, ...]) -> bool:
    try:
        template.format(**dict.fromkeys(known, ""))
    except (LookupError, ValueError, AttributeError):
        return False
    return True


def _filter_problems(filters: Mapping[str, Any]) -> Iterator[str]:
    for name, value in filters.items():
        values = value if isinstance(value, list) else [value]
        if not values or not all(type(each) in _SIMPLE for each in values):
            yield f"filters.{name}: expected a text or a list of texts, got {value!r}"
