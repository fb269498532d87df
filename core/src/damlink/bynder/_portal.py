"""Client of one Bynder portal: every resource of its API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import attrs
import httpx

from damlink._http.bearer import BearerAuth
from damlink._http.client import open_client
from damlink._http.connection import TIMEOUT, Cert, Connection, Trust
from damlink._http.pace import Pace
from damlink._http.rate_limiter import RateLimiter
from damlink._http.redact import SentRequest
from damlink._secret import Secret
from damlink.bynder._drift import Drift, find_drift
from damlink.bynder._published import compare_operations
from damlink.bynder._request import bynder_error, bynder_refuses
from damlink.bynder._sign_in import sign_as_application, sign_by_oauth1
from damlink.bynder._upload_check import UploadCheck
from damlink.bynder.resources.access import Access
from damlink.bynder.resources.account import AccountSettings
from damlink.bynder.resources.analytics import Analytics
from damlink.bynder.resources.assets import Assets
from damlink.bynder.resources.automation import Automation
from damlink.bynder.resources.brands import Brands
from damlink.bynder.resources.campaigns import Campaigns
from damlink.bynder.resources.collections import Collections
from damlink.bynder.resources.dependencies import Dependencies
from damlink.bynder.resources.documents import Documents
from damlink.bynder.resources.files_service import FilesService
from damlink.bynder.resources.jobs import Jobs
from damlink.bynder.resources.metaproperties import Metaproperties
from damlink.bynder.resources.options import Options
from damlink.bynder.resources.orders import Orders
from damlink.bynder.resources.products import Products
from damlink.bynder.resources.profiles import Profiles
from damlink.bynder.resources.quarantine import Quarantine
from damlink.bynder.resources.raw import Raw
from damlink.bynder.resources.tags import Tags
from damlink.bynder.resources.taxonomy import Taxonomy
from damlink.bynder.resources.uploads import Uploads
from damlink.bynder.resources.usage import Usages
from damlink.bynder.resources.users import Users
from damlink.bynder.resources.webhooks import Webhooks
from damlink.bynder.resources.workflow import Workflow

__all__ = ["PortalClient"]


class PortalClient:
    """Client of a Bynder portal: one attribute for each resource.

    Args:
        url: the portal's address.
        auth: signs requests to the portal and to no other host. A secret is a permanent token.
        pace: rate limiter of the portal's requests: that of this machine; or another; `None`: none, and it is
            for you to stay below the portal's limit.
        brand: name or id of the brand of new assets; optional if the portal has one brand only.
        place: place of the portal in the config, for error messages.
        verify_before_send: called before every request; raises an error to stop it.
        on_request: called with every request that is sent, secrets redacted.
        timeout: seconds for connecting, writing and reading, or an `httpx.Timeout`; `None`: no limit.
        proxy: address of a proxy for every request; empty: none. If not given, that of the environment.
        transport: sends the requests in place of our own, below the pace and the log.
        verify: see `Trust`.
        cert: of the client: see `Cert`.
        local_address: of this machine, which direct requests leave from; if not given, the system chooses.
    """

    def __init__(
        self,
        url: str,
        auth: httpx.Auth | Secret,
        *,
        pace: RateLimiter | Literal["machine"] | None = "machine",
        brand: str = "",
        place: str = "portal",
        verify_before_send: Callable[[], None] | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
        timeout: float | httpx.Timeout | None = TIMEOUT,
        proxy: str | httpx.Proxy | None = None,
        transport: httpx.BaseTransport | None = None,
        verify: Trust = True,
        cert: Cert | None = None,
        local_address: str | None = None,
    ) -> None:
        self.url = url
        connection = Connection(
            timeout=timeout,
            proxy=proxy,
            transport=transport,
            verify=verify,
            cert=cert,
            local_address=local_address,
        )
        self._own_pace = Pace() if pace == "machine" else None
        self._client = open_client(
            url,
            pace=self._own_pace if pace == "machine" else pace,
            classify=bynder_error,
            refuses=bynder_refuses,
            verify_before_send=verify_before_send,
            connection=connection,
        )
        self._client.sign_with(BearerAuth(auth) if isinstance(auth, Secret) else auth)
        self._s3 = open_client("", verify_before_send=verify_before_send, connection=connection)
        if on_request is not None:
            self._client.tell(on_request)
            self._s3.tell(on_request)
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
        self.workflow = Workflow(self._client)
        self.taxonomy = Taxonomy(self._client)
        self.products = Products(self._client)
        self.access = Access(self._client)
        self.quarantine = Quarantine(self._client)
        self.documents = Documents(self._client)
        self.automation = Automation(self._client)
        self.analytics = Analytics(self._client)
        self.orders = Orders(self._client)
        self.webhooks = Webhooks(self._client)
        self.raw = Raw(self._client, self._s3)
        self.uploads = Uploads(self._client, self._s3, self.metaproperties)
        self.files = FilesService(self._client)
        self._upload_check = UploadCheck(self.brands, self.profiles, brand)

    # --- sign-in -----------------------------------------------------------------------------------

    @classmethod
    def with_token(cls, url: str, token: str | Secret, **options: Any) -> Self:
        """Return a client that signs by a permanent token.

        Args:
            options: further arguments of the class.
        """
        return cls(url, _secret(token), **options)

    @classmethod
    def with_client_credentials(
        cls, url: str, client_id: str, client_secret: str | Secret, scopes: Sequence[str] = (), **options: Any
    ) -> Self:
        """Return a client that signs as an application, by OAuth 2.0 client credentials.

        Args:
            scopes: those that connectors need if not given; analytics and others need further ones.
            options: further arguments of the class.
        """
        return cls(url, sign_as_application(url, client_id, _secret(client_secret), scopes), **options)

    @classmethod
    def with_oauth1(
        cls,
        url: str,
        consumer_key: str,
        consumer_secret: str | Secret,
        token: str | Secret,
        token_secret: str | Secret,
        **options: Any,
    ) -> Self:
        """Return a client that signs by OAuth 1.0a.

        Args:
            options: further arguments of the class.
        """
        secrets = map(_secret, (consumer_secret, token, token_secret))
        return cls(url, sign_by_oauth1(consumer_key, *secrets), **options)

    def brand_id(self, wanted: str = "") -> str | None:
        """Return the id of the brand of new assets; `None` if the portal shows no brand.

        Raises:
            ConfigError: the brand is unknown, or must be chosen.
        """
        return self._upload_check.brand_id(wanted)

    def check_upload(self, *, waiting_room: bool = False, brand: str = "") -> str | None:
        """Check, before any byte is sent, that the portal will accept an upload.

        Args:
            brand: by name or id; the portal's own choice if not given.

        Returns:
            The id of the brand; `None` if the portal shows no brand.

        Raises:
            BynderAuthError: the profile's roles do not permit it; names the missing role.
            ConfigError: the brand is unknown, or must be chosen.
        """
        return self._upload_check.check(waiting_room=waiting_room, brand=brand)

    def drift(self, definitions: Path | None = None) -> Drift:
        """Compare the portal's answers with the definitions that this version was built on. It only reads.

        Args:
            definitions: a folder with the definitions that Bynder publishes now, as JSON files; the
                operations that are new or gone in them are named, too.

        Raises:
            AuthError: the portal refuses the credentials.
            TransientError: the portal cannot be reached.
            ConfigError: the folder has no definitions.
        """
        published = () if definitions is None else (*compare_operations(definitions),)
        found = find_drift(self._client)
        return attrs.evolve(found, changes=(*published, *found.changes))

    def now(self) -> datetime:
        """Return the time on the portal's clock, by its last answer; on ours before there is one."""
        return self._client.remote_now()

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
        self._s3.close()
        if self._own_pace is not None:
            self._own_pace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _secret(text: str | Secret) -> Secret:
    return text if isinstance(text, Secret) else Secret(text)
