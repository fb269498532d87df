"""`damlink.toml` as types. Every error names its place; secrets are references until they are opened."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from damlink._duration import Duration
from damlink._secret import Secret
from damlink._settings import Field, SecretOpener, SecretRef, check, closest, fields_of, parse, setting
from damlink.errors import ConfigError

__all__ = [
    "CONNECTOR_KEYS",
    "FILENAME",
    "Config",
    "ConnectorConfig",
    "NotifyConfig",
    "NotifySettings",
    "PaceConfig",
    "PortalConfig",
    "PortalSettings",
    "ServeConfig",
    "find",
    "load",
    "loads",
    "opener",
    "reference",
]

FILENAME: Final = "damlink.toml"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_LOOPBACK: Final = re.compile(r"http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?/?")
_TOPIC: Final = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+")


@attrs.frozen
class StateConfig:
    """`[state]`: where the durable state is kept."""

    url: str = setting(
        default="sqlite:///damlink.db",
        help="SQLite beside the config, or `postgresql://user@host/database`.",
    )


@attrs.frozen
class PaceConfig:
    """`[pace]`: how fast requests may leave this machine for Bynder, all portals together."""

    requests: int = setting(default=4500, help="Requests that Bynder allows in the window.")
    seconds: float = setting(default=300.0, help="The window's length in seconds.")
    share: float = setting(
        default=0.8, help="The part of it that Damlink uses; people behind the same address need some."
    )

    def __attrs_post_init__(self) -> None:
        if self.requests < 1 or not 0 < self.seconds <= 86400 or not 0 < self.share <= 1:
            raise ValueError("requests and seconds must be above 0, and share above 0 and at most 1")


@attrs.frozen
class ServeConfig:
    """`[serve]`: where `damlink serve` listens."""

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
        if not re.match(r"$|https://", self.public_url) and not _LOOPBACK.fullmatch(self.public_url):
            raise ValueError(f"public_url must begin with https://, got {self.public_url!r}")


@attrs.frozen
class NotifySettings:
    """`[notify]`: who is told when a connector begins to fail, and when it works again."""

    urls: tuple[Secret, ...] = setting(
        default=(), help="Addresses in Apprise's form, such as `mailto://…` or `slack://…`; each a secret."
    )


AUTH_KEYS: Final = {
    "permanent-token": ("token",),
    "oauth2-client-credentials": ("client_id", "client_secret"),
    "oauth2-code": ("client_id", "client_secret"),
    "oauth1": ("consumer_key", "consumer_secret", "token", "token_secret"),
}


@attrs.frozen
class PortalSettings:
    """`[portals.NAME]`: one Bynder portal with its credentials."""

    url: str = setting(help="The portal's address, such as `https://brand.bynder.com`.")
    auth: str = setting(
        default="permanent-token", choices=tuple(AUTH_KEYS), help="How requests to the portal are signed."
    )
    token: Secret | None = setting(default=None, help="The permanent token; with `oauth1` the token key.")
    client_id: str = setting(default="", help="The OAuth 2.0 app's client id.")
    client_secret: Secret | None = setting(default=None, help="The OAuth 2.0 app's client secret.")
    scopes: tuple[str, ...] = setting(
        default=(), help="OAuth 2.0 scopes to ask for; empty: all that Damlink can use."
    )
    token_url: str = setting(default="", help="The OAuth 2.0 token address; empty: the portal's own.")
    authorize_url: str = setting(
        default="", help="Where a person gives consent (`oauth2-code`); empty: the portal's own."
    )
    redirect_url: str = setting(
        default="http://localhost:8765/callback",
        help="Where `damlink login` waits for the consent; as registered with the app.",
    )
    consumer_key: str = setting(default="", help="The OAuth 1.0a consumer key.")
    consumer_secret: Secret | None = setting(default=None, help="The OAuth 1.0a consumer secret.")
    token_secret: Secret | None = setting(default=None, help="The OAuth 1.0a token secret.")
    brand: str = setting(
        default="", help="Brand of new assets, by name or id; may be left out where the portal has one."
    )
    index_lag: Duration = setting(
        default=Duration(30), help="How long a new asset may take to show up in the portal's lists."
    )
    uploads: Literal["v4", "v7"] = setting(
        default="v4",
        choices=("v4", "v7"),
        help="How the bytes of uploads travel: by S3, or (`v7`) by the portal's files service.",
    )
    event_topics: tuple[str, ...] = setting(
        default=(),
        help="ARNs of the SNS topics that may tell us of changes; others wait for `damlink events approve`.",
    )
    event_sha256_only: bool = setting(
        default=False, help="Whether events signed with SHA-1 (SNS signature version 1) are refused."
    )
    event_hosts: tuple[str, ...] = setting(
        default=(),
        help="Hosts that stand in for Amazon's in tests, such as `127.0.0.1:9002`; loopback only.",
    )

    def __attrs_post_init__(self) -> None:
        if not self.url.startswith("https://") and not _LOOPBACK.fullmatch(self.url):
            raise ValueError(f"url must begin with https:// (http only on loopback), got {self.url!r}")
        for key in AUTH_KEYS[self.auth]:
            if not getattr(self, key):
                raise ValueError(f"{key} is missing; auth = {self.auth!r} needs it")
        for arn in self.event_topics:
            if not _TOPIC.fullmatch(arn):
                raise ValueError(f"event_topics: {arn!r} is not the ARN of an SNS topic")
        for host in self.event_hosts:
            if not _LOOPBACK.fullmatch(f"http://{host}") or host.endswith("/"):
                raise ValueError(f"event_hosts: {host!r} is not on loopback, such as 127.0.0.1:9002")


MOST_WORKERS: Final = 64
CONNECTOR_KEYS: Final = ("plugin", "portal", "every", "enabled", "workers", "adopt_existing")


@attrs.frozen
class _ConnectorKeys:
    plugin: str = setting(help="The plugin, by the name `damlink plugins` shows.")
    portal: str = setting(default="", help="The portal; may be left out where there is one.")
    every: Duration | None = setting(
        default=None,
        help="How often `damlink serve` runs it; empty: as the plugin says.",
    )
    enabled: bool = setting(default=True, help="Whether `damlink run` without a name runs it.")
    workers: int = setting(default=4, help="How many assets are carried at once.")
    adopt_existing: bool = setting(
        default=True, help="Whether the first run takes over what it finds in the portal already."
    )

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.workers <= MOST_WORKERS:
            raise ValueError(f"workers must be at least 1 and at most {MOST_WORKERS}")


@attrs.frozen
class ConnectorConfig:
    """One `[connectors.NAME]`: the core's keys parsed, the plugin's own left as a table."""

    name: str
    place: str
    plugin: str
    portal: str
    every: Duration | None
    enabled: bool
    workers: int
    adopt_existing: bool
    settings: Mapping[str, Any]


@attrs.frozen
class PortalConfig:
    """One `[portals.NAME]`, checked; its secrets are opened by `open`."""

    name: str
    place: str
    table: Mapping[str, Any]

    def open(self, open_secret: SecretOpener) -> PortalSettings:
        """The portal's settings with its secrets opened."""
        return parse(PortalSettings, self.table, self.place, open_secret)

    @property
    def unopened(self) -> PortalSettings:
        """The portal's settings for whoever needs none of its secrets: they stay references."""
        return self.open(lambda ref, _place: ref.name)


@attrs.frozen
class NotifyConfig:
    """`[notify]`, checked; its secrets are opened by `open`."""

    place: str
    table: Mapping[str, Any]

    def open(self, open_secret: SecretOpener) -> NotifySettings:
        """The settings with their secrets opened."""
        return parse(NotifySettings, self.table, self.place, open_secret)


@attrs.frozen
class Config:
    """A whole config, checked as far as it can be without any plugin."""

    path: Path
    state: StateConfig
    pace: PaceConfig
    serve: ServeConfig
    notify: NotifyConfig
    portals: Mapping[str, PortalConfig]
    connectors: Mapping[str, ConnectorConfig]

    @property
    def folder(self) -> Path:
        """Relative paths in the config begin here."""
        return self.path.resolve().parent

    def portal(self, name: str) -> PortalConfig:
        """The portal of a name.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.portals:
            hint = closest(name, self.portals) or f"add a [portals.{name}] table"
            raise ConfigError(str(self.path), f"no portal {name!r}", hint=hint)
        return self.portals[name]

    def connector(self, name: str) -> ConnectorConfig:
        """The connector of a name.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.connectors:
            hint = closest(name, self.connectors) or f"add a [connectors.{name}] table"
            raise ConfigError(str(self.path), f"no connector {name!r}", hint=hint)
        return self.connectors[name]


def find(given: str | os.PathLike[str] | None) -> Path:
    """The config's path: as given, else `DAMLINK_CONFIG`, else in the current folder."""
    return Path(given or os.environ.get("DAMLINK_CONFIG") or FILENAME)


def load(path: Path) -> Config:
    """Read and check a config.

    Raises:
        ConfigError: it is missing, is not TOML, or holds something wrong, with its place.
    """
    return loads(_read(path), path)


def loads(text: str, path: Path) -> Config:
    """Check a config that is not written yet; errors name the path all the same."""
    document = _parsed(text, path)
    place = str(path)
    known = ("state", "pace", "serve", "notify", "portals", "connectors")
    for key in document:
        if key not in known:
            raise ConfigError(f"{place}: {key}", "unknown table", hint=closest(key, known))
    tables = {key: _table(document.get(key, {}), f"{place}: {key}") for key in known}
    portals = {name: _portal(name, table, place) for name, table in tables["portals"].items()}
    return Config(
        path=path,
        state=parse(StateConfig, tables["state"], f"{place}: state", opener(path)),
        pace=parse(PaceConfig, tables["pace"], f"{place}: pace", opener(path)),
        serve=parse(ServeConfig, tables["serve"], f"{place}: serve", opener(path)),
        notify=_notify(tables["notify"], f"{place}: notify"),
        portals=portals,
        connectors={
            name: _connector(name, table, path, portals) for name, table in tables["connectors"].items()
        },
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        hint = "name it with --config or DAMLINK_CONFIG, or change to its folder"
        raise ConfigError(str(path), "there is no such file", hint=hint) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}", hint="make it a readable file") from error


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"not valid TOML: {error}", hint="correct that line") from error


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(place, f"expected a table, got {value!r}")
    return value


def _named(kind: str, name: str, table: Any, place: str) -> tuple[str, dict[str, Any]]:
    here = f"{place}: {kind}.{name}"
    if not _NAME.fullmatch(name):
        raise ConfigError(here, "a name has letters, digits, '-', '_' and '.' only")
    return here, _table(table, here)


def _notify(table: dict[str, Any], place: str) -> NotifyConfig:
    check(NotifySettings, table, place)
    return NotifyConfig(place, table)


def _portal(name: str, table: Any, place: str) -> PortalConfig:
    here, checked = _named("portals", name, table, place)
    check(PortalSettings, checked, here)
    return PortalConfig(name, here, checked)


def _connector(name: str, table: Any, path: Path, portals: Mapping[str, Any]) -> ConnectorConfig:
    here, checked = _named("connectors", name, table, str(path))
    own = {key: value for key, value in checked.items() if key in CONNECTOR_KEYS}
    keys = parse(_ConnectorKeys, own, here, opener(path))
    return ConnectorConfig(
        name=name,
        place=here,
        plugin=keys.plugin,
        portal=_chosen_portal(keys.portal, f"{here}.portal", portals),
        every=keys.every,
        enabled=keys.enabled,
        workers=keys.workers,
        adopt_existing=keys.adopt_existing,
        settings={key: value for key, value in checked.items() if key not in CONNECTOR_KEYS},
    )


def _chosen_portal(name: str, place: str, portals: Mapping[str, Any]) -> str:
    if name in portals:
        return name
    if name:
        raise ConfigError(place, f"no portal {name!r}", hint=closest(name, portals) or "add a [portals.NAME]")
    if len(portals) == 1:
        return next(iter(portals))
    wanted = f"choose one of {', '.join(portals)}" if portals else "add a [portals.NAME] table"
    raise ConfigError(place, "missing", hint=wanted)


def opener(path: Path) -> SecretOpener:
    """Opens the references that need no database: `{ env = … }` and `{ file = … }`."""

    def open_reference(ref: SecretRef, place: str) -> str:
        if ref.kind == "env":
            return _from_environment(ref.name, place)
        if ref.kind == "file":
            return _from_file(path.resolve().parent / ref.name, place)
        raise ConfigError(place, "{ secret = … } cannot stand here", hint="write { env = … } or { file = … }")

    return open_reference


def _from_environment(name: str, place: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigError(place, f"the environment variable {name} is not set", hint=f"set {name}")
    return value


def _from_file(path: Path, place: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(place, f"cannot read the secret in {path}: {error}") from error


def reference() -> dict[str, tuple[Field, ...]]:
    """The settings of every table that the core owns, for the docs."""
    return {
        "state": fields_of(StateConfig),
        "pace": fields_of(PaceConfig),
        "serve": fields_of(ServeConfig),
        "notify": fields_of(NotifySettings),
        "portals.NAME": fields_of(PortalSettings),
        "connectors.NAME": fields_of(_ConnectorKeys),
    }
