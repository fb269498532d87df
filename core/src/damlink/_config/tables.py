"""Tables of `damlink.toml` that the core owns: each key with its default and its help."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from damlink._config.address import address_problem
from damlink._config.duration import Duration
from damlink._config.settings import plain_field, setting
from damlink._secret import Secret

__all__ = [
    "AUTH_KEYS",
    "CONNECTOR_KEYS",
    "SUBTABLES",
    "ConnectorConfig",
    "ConsoleConfig",
    "HttpConfig",
    "NotifyConfig",
    "OidcConfig",
    "PaceConfig",
    "PortalConfig",
    "ServeConfig",
    "StateConfig",
]

_LOOPBACK: Final = re.compile(r"http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?/?")
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+")


@attrs.frozen
class StateConfig:
    """`[state]`: the database of the durable state."""

    url: str = setting(
        default="sqlite:///damlink.db",
        help="SQLite beside the config, or `postgresql://user@host/database`.",
    )


@attrs.frozen
class PaceConfig:
    """`[pace]`: the rate limit of all requests from one egress address to Bynder, all portals together."""

    requests: int = setting(default=4500, help="Requests that Bynder allows in the window.")
    seconds: float = setting(default=300.0, help="The window's length in seconds.")
    share: float = setting(
        default=0.8, help="The part of it that Damlink uses; people behind the same address need some."
    )
    address: str = setting(
        default="default",
        help="A name for the address that the portal sees. On PostgreSQL, all processes with the same name "
        "share one count; on SQLite, those of one machine do.",
    )

    def __attrs_post_init__(self) -> None:
        if self.requests < 1 or not 0 < self.seconds <= 86400 or not 0 < self.share <= 1:
            raise ValueError("requests and seconds must be above 0, and share above 0 and at most 1")


@attrs.frozen
class HttpConfig:
    """`[http]`: the requests to portals and partners."""

    local_address: str = setting(
        default="",
        help="The address of this machine that they leave from, such as `192.0.2.7`; empty: the system "
        "chooses. Requests through a proxy leave from the proxy's.",
    )

    def __attrs_post_init__(self) -> None:
        if self.local_address:
            try:
                ipaddress.ip_address(self.local_address)
            except ValueError:
                given = self.local_address
                raise ValueError(f"local_address must be an IP address, got {given!r}") from None


@attrs.frozen
class ServeConfig:
    """`[serve]`: the address that `damlink serve` listens on."""

    host: str = setting(default="127.0.0.1", help="The address to listen on.")
    port: int = setting(default=8080, help="The port to listen on.")
    public_url: str = setting(
        default="",
        help="How the world reaches it, such as `https://events.example.com`: the beginning of every "
        "event address.",
    )
    event_pause: Duration = setting(
        default=Duration(5),
        help="How long an asset must have come to rest before it is read; Bynder advises 2 to 5 s.",
    )

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError("port must be at least 0 and at most 65535")


@attrs.frozen
class ConsoleConfig:
    """`[console]`: the web pages beside `damlink serve`."""

    enabled: bool = setting(default=False, help="Whether `damlink serve` shows the pages of the console.")
    listen: str = setting(
        default="127.0.0.1:8081",
        help="The address that the pages listen on; beyond loopback, users, `public_url` and TLS are needed.",
    )
    public_url: str = setting(
        default="", help="How browsers elsewhere reach the pages, such as `https://damlink.example.com`."
    )
    behind_proxy: bool = setting(
        default=False, help="Whether a proxy in front adds TLS, and passes `Host` on as it is."
    )
    tls_certificate: str = setting(default="", help="A file with the certificate, for TLS without a proxy.")
    tls_private_key: str = setting(default="", help="The file with its private key.")


@attrs.frozen
class OidcConfig:
    """`[console.oidc]`: sign-in to the console at an OpenID Connect issuer."""

    issuer: str = setting(
        help="The issuer, exactly as its document at `/.well-known/openid-configuration` says it, such as "
        "`https://login.example.com/realms/main`."
    )
    client_id: str = setting(help="The id of the client that is registered at the issuer for the console.")
    client_secret: Secret = setting(help="Its secret.")
    claim: str = setting(
        default="groups",
        help="The claim of the ID token with the groups or roles of a person; it must be a list of texts.",
    )
    administrators: tuple[str, ...] = setting(
        default=(), help="Values of the claim, compared exactly, that give the role of an administrator."
    )
    operators: tuple[str, ...] = setting(
        default=(), help="Values of the claim that give the role of an operator."
    )
    viewers: tuple[str, ...] = setting(
        default=(), help="Values of the claim that give the role of a viewer; who has none is refused."
    )
    name_claim: str = setting(
        default="preferred_username",
        help="The claim with the name that is shown, if it is there; a person is known by `iss` and `sub`.",
    )
    scopes: tuple[str, ...] = setting(
        default=("profile",), help="Scopes to ask for beside `openid`; some issuers need `groups`."
    )

    def __attrs_post_init__(self) -> None:
        if problem := address_problem(self.issuer):
            raise ValueError(f"issuer {problem}")
        if "?" in self.issuer or "#" in self.issuer:
            raise ValueError("issuer must have no query and no fragment")
        if not self.client_id:
            raise ValueError("client_id is empty")
        if not (self.administrators or self.operators or self.viewers):
            raise ValueError("administrators, operators and viewers are empty: name who may sign in")


@attrs.frozen
class NotifyConfig:
    """`[notify]`: addresses to notify when a connector begins to fail, and when it works again."""

    urls: tuple[Secret, ...] = setting(
        default=(), help="Addresses in Apprise's form, such as `mailto://…` or `slack://…`; each a secret."
    )


AUTH_KEYS: Final = {
    "permanent-token": ("token",),
    "oauth2-client-credentials": ("client_id", "client_secret"),
    "oauth2-code": ("client_id", "client_secret"),
    "oauth1": ("consumer_key", "consumer_secret", "token", "token_secret"),
}

_OAUTH2: Final = {"auth": ("oauth2-client-credentials", "oauth2-code")}
_CODE: Final = {"auth": "oauth2-code"}
_OAUTH1: Final = {"auth": "oauth1"}


@attrs.frozen
class PortalConfig:
    """`[portals.NAME]`: one Bynder portal with its credentials."""

    url: str = setting(help="The portal's address, such as `https://brand.bynder.com`.")
    auth: str = setting(
        default="permanent-token", choices=tuple(AUTH_KEYS), help="How requests to the portal are signed."
    )
    token: Secret | None = setting(
        default=None,
        when={"auth": ("permanent-token", "oauth1")},
        help="The permanent token; with `oauth1` the token key.",
    )
    client_id: str = setting(default="", when=_OAUTH2, help="The OAuth 2.0 app's client id.")
    client_secret: Secret | None = setting(
        default=None, when=_OAUTH2, help="The OAuth 2.0 app's client secret."
    )
    scopes: tuple[str, ...] = setting(
        default=(),
        advanced=True,
        when=_OAUTH2,
        help="OAuth 2.0 scopes to ask for; empty: all that Damlink can use.",
    )
    token_url: str = setting(
        default="", advanced=True, when=_OAUTH2, help="The OAuth 2.0 token address; empty: the portal's own."
    )
    authorize_url: str = setting(
        default="",
        advanced=True,
        when=_CODE,
        help="Where a person gives consent (`oauth2-code`); empty: the portal's own.",
    )
    redirect_url: str = setting(
        advanced=True,
        when=_CODE,
        default="http://localhost:8765/callback",
        help="Where `damlink login` waits for the consent; as registered with the app. The console has an "
        "address of its own, which its pages show.",
    )
    consumer_key: str = setting(default="", when=_OAUTH1, help="The OAuth 1.0a consumer key.")
    consumer_secret: Secret | None = setting(
        default=None, when=_OAUTH1, help="The OAuth 1.0a consumer secret."
    )
    token_secret: Secret | None = setting(default=None, when=_OAUTH1, help="The OAuth 1.0a token secret.")
    brand: str = setting(
        default="", help="Brand of new assets, by name or id; may be left out where the portal has one."
    )
    index_lag: Duration = setting(
        advanced=True,
        default=Duration(30),
        help="How long a new asset may take to show up in the portal's lists.",
    )
    uploads: Literal["v4", "v7"] = setting(
        advanced=True,
        default="v4",
        choices=("v4", "v7"),
        help="How the bytes of uploads travel: by S3, or (`v7`) by the portal's files service.",
    )
    event_topics: tuple[str, ...] = setting(
        advanced=True,
        default=(),
        help="ARNs of the SNS topics that may tell us of changes; others wait for `damlink events approve`.",
    )
    event_sha256_only: bool = setting(
        advanced=True,
        default=False,
        help="Whether events signed with SHA-1 (SNS signature version 1) are refused.",
    )
    event_queue: str = setting(
        advanced=True,
        default="",
        help="Address of an Amazon SQS queue that events are read from, so that no port need be open. "
        "Needs the extra `sqs`.",
    )
    event_hosts: tuple[str, ...] = setting(
        advanced=True,
        default=(),
        help="Hosts that stand in for Amazon's in tests, such as `127.0.0.1:9002`; loopback only.",
    )

    def __attrs_post_init__(self) -> None:
        if problem := address_problem(self.url):
            raise ValueError(f"url {problem}")
        for key in AUTH_KEYS[self.auth]:
            if not getattr(self, key):
                raise ValueError(f"{key} is missing; auth = {self.auth!r} needs it")
        if self.event_queue and (problem := address_problem(self.event_queue)):
            raise ValueError(f"event_queue {problem}")
        if self.event_queue.endswith(".fifo"):
            raise ValueError("event_queue must be a standard queue: Bynder sends to none that is FIFO")
        for arn in self.event_topics:
            if not _TOPIC.fullmatch(arn):
                raise ValueError(f"event_topics: {arn!r} is not the ARN of an SNS topic")
        for host in self.event_hosts:
            if not _LOOPBACK.fullmatch(f"http://{host}") or host.endswith("/"):
                raise ValueError(f"event_hosts: {host!r} is not on loopback, such as 127.0.0.1:9002")


MOST_WORKERS: Final = 64
CONNECTOR_KEYS: Final = (
    "plugin",
    "title",
    "portal",
    "every",
    "enabled",
    "workers",
    "adopt_existing",
    "metadata",
    "extensions",
)
# Those of them that are tables.
SUBTABLES: Final = ("metadata", "extensions")


@attrs.frozen
class ConnectorConfig:
    """`[connectors.NAME]`: the core's keys parsed, the plugin's own left as a table.

    Attributes:
        name: of the table.
        place: where the table stands, for errors.
        settings: the plugin's own keys, not parsed yet.
        table: all keys, as they are written.
        metadata: what new assets get beside what the plugin gives them, checked.
        extensions: the settings of each extension, not parsed yet, in the order of the config.
    """

    name: str = plain_field(str)
    place: str = plain_field(str)
    settings: Mapping[str, Any] = plain_field(dict)
    table: Mapping[str, Any] = plain_field(dict)
    metadata: Mapping[str, Any] = plain_field(dict)
    extensions: Mapping[str, Mapping[str, Any]] = plain_field(dict)
    plugin: str = setting(help="The plugin, by the name `damlink plugins` shows.")
    title: str = setting(
        default="", help="A name of any form, for people; commands take it in place of the table's name."
    )
    portal: str = setting(default="", help="The portal; may be left out where there is one.")
    every: Duration | None = setting(
        default=None,
        help="How often `damlink serve` runs it; empty: as the plugin says.",
    )
    enabled: bool = setting(
        default=True, help="Whether `damlink serve`, and `damlink run` without a name, run it."
    )
    workers: int = setting(
        default=4,
        help="How many assets are carried at once; half as many more are finished after a wait.",
    )
    adopt_existing: bool = setting(
        default=True, help="Whether the first run takes over what it finds in the portal already."
    )

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ValueError(f"workers must be at least 1 and at most {MOST_WORKERS}")
