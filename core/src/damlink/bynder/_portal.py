"""One Bynder portal."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

import httpx

from damlink._http.client import open_client
from damlink._http.oauth2 import BearerAuth
from damlink._http.pace import Pace
from damlink._http.redact import SentRequest
from damlink._model import PreparedAsset, PushResult
from damlink._secret import Secret
from damlink._upload.lookup import Marker
from damlink._upload.save import Destination, Saver
from damlink._upload.uploader import Uploader
from damlink.bynder._fields import joined_tags
from damlink.bynder._request import bynder_error, bynder_refuses
from damlink.bynder.resources.account import AccountSettings
from damlink.bynder.resources.assets import Assets
from damlink.bynder.resources.brands import Brands
from damlink.bynder.resources.campaigns import Campaigns
from damlink.bynder.resources.collections import Collections
from damlink.bynder.resources.dependencies import Dependencies
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.jobs import Jobs
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.bynder.resources.options import Options
from damlink.bynder.resources.orders import Orders
from damlink.bynder.resources.profiles import Profiles, check_upload_roles
from damlink.bynder.resources.raw import Raw
from damlink.bynder.resources.tags import Tags
from damlink.bynder.resources.uploads import Uploads
from damlink.bynder.resources.usage import Usages
from damlink.bynder.resources.users import Users
from damlink.bynder.resources.webhooks import Webhooks
from damlink.errors import ArgumentError

if TYPE_CHECKING:
    from damlink._context import Checkpoint

__all__ = ["Portal"]


class Portal:
    """A Bynder portal: one attribute for each resource, and the upload.

    Args:
        url: the portal's address.
        auth: signs the requests to it; nothing else is signed. A secret is a permanent token.
        pace: the account on which its requests are counted.
        brand: name or id of the brand of new assets; may be left out where the portal has one.
        index_lag: seconds that a new asset may take to appear in the portal's lists.
        uploads: how the bytes of uploads travel: `v4` by S3, or `v7` by the portal's files service.
        place: of the portal in the config, for errors.
        on_bytes: told the size of each part of an upload that has arrived.
        verify_before_send: called before every request; raises to stop it.
        on_request: told of every request as it leaves, secrets redacted.
    """

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | Secret,
        *,
        pace: Pace | None = None,
        brand: str = "",
        index_lag: float = 30.0,
        uploads: Literal["v4", "v7"] = "v4",
        place: str = "portal",
        on_bytes: Callable[[int], None] = lambda _count: None,
        verify_before_send: Callable[[], None] | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
    ) -> None:
        self.url, self.index_lag = url, index_lag
        self._brand = brand
        self._client = open_client(
            url,
            pace=pace,
            classify=bynder_error,
            refuses=bynder_refuses,
            verify_before_send=verify_before_send,
        )
        self._client.sign_with(BearerAuth(auth) if isinstance(auth, Secret) else auth)
        self._s3 = open_client("", verify_before_send=verify_before_send)
        if on_request is not None:
            self._client.report_requests(on_request)
            self._s3.report_requests(on_request)
        self.options = Options(self._client)
        self.dependencies = Dependencies(self._client)
        self.metaproperties = Metaproperties(self._client, self.options)
        self.assets = Assets(self._client, self.metaproperties, self._s3)
        self.tags = Tags(self._client)
        self.usage = Usages(self._client)
        self.collections = Collections(self._client)
        self.brands = Brands(self._client, place)
        self.users = Users(self._client)
        self.profiles = Profiles(self._client)
        self.account = AccountSettings(self._client)
        self.jobs = Jobs(self._client)
        self.campaigns = Campaigns(self._client, self.jobs)
        self.orders = Orders(self._client)
        self.webhooks = Webhooks(self._client)
        self.raw = Raw(self._client, self._s3)
        self.uploads = Uploads(self._client, self._s3, self.metaproperties, self.upload)
        self.files = FilesService(self._client)
        saver = Saver(self.uploads, self.assets, now=self._client.remote_now, index_lag=index_lag)
        self._uploader = Uploader(
            self.uploads, self.files, self.assets, saver, flow=uploads, on_bytes=on_bytes
        )

    def brand_id(self, wanted: str = "") -> str | None:
        """The id of the brand of new assets; `None` where the portal shows no brand.

        Raises:
            ConfigError: the brand is unknown, or must be chosen.
        """
        return self.brands.id_of(wanted or self._brand)

    def check_upload(self, *, waiting_room: bool = False, brand: str = "") -> str | None:
        """Make sure, before anything is carried, that an upload will be let in.

        Args:
            brand: by name or id; the portal's own choice if not given.

        Returns:
            The id of the brand; `None` where the portal shows no brand.

        Raises:
            BynderAuthError: the profile's roles do not permit it, and which would.
            ConfigError: the brand is unknown, or must be chosen.
        """
        brand_id = self.brand_id(brand)
        profile = self.profiles.own()
        if profile is not None:
            check_upload_roles(profile, waiting_room=waiting_room)
        return brand_id

    def upload(
        self,
        prepared: PreparedAsset,
        checkpoint: Checkpoint,
        *,
        brand: str | None = None,
        waiting_room: bool = False,
        version_of: str | None = None,
        additional_to: str | None = None,
        marker: str | None = None,
    ) -> PushResult:
        """Bring an asset into the portal: new, as a version of another, or as a file beside one.

        Safe to repeat with the same checkpoint: it goes on where it stopped and never saves twice.

        Args:
            brand: by name or id; the portal's own choice if not given.
            marker: the tag, or `name=value` of a metaproperty, that only this source asset carries;
                with it a save without an answer can be looked up. If not given, the tag equal to
                the source asset's id, where it has one.

        Raises:
            ArgumentError: both `version_of` and `additional_to` are given.
            NotYet: the portal is still converting, or an unclear save waits to be looked up.
            UnclearError: nothing can tell whether it was saved.
            AssetRejectedError: the portal will not have the file.
            BynderAuthError: the credentials, or the profile's roles, do not permit it.
        """
        if version_of and additional_to:
            raise ArgumentError("an upload is a version of an asset or a file beside one, not both")
        new = not version_of and not additional_to
        to = Destination(
            brand_id=self.check_upload(waiting_room=waiting_room, brand=brand or "") if new else None,
            waiting_room=waiting_room and new,
            version_of=version_of,
            additional_to=additional_to,
            marker=_marker(marker, prepared, checkpoint.source_id),
        )
        return self._uploader.upload(prepared, checkpoint, to)

    def close(self) -> None:
        """Close every connection."""
        self._uploader.close()
        self._client.close()
        self._s3.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _marker(given: str | None, prepared: PreparedAsset, source_id: str) -> Marker | None:
    if given:
        return Marker.parse(given)
    return Marker(tag=source_id) if source_id in joined_tags(prepared.tags).split(",") else None
