"""`damlink.toml` as typed records. Every error names its place; secrets stay references until opened."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from damlink._config.location import missing
from damlink._config.metadata import MetadataConfig
from damlink._config.names import is_key, key_of
from damlink._config.opened import without_line_break
from damlink._config.parse import SecretOpener, SecretRef, Unopened, check, parse
from damlink._config.settings import Field, fields_of
from damlink._config.tables import (
    CONNECTOR_KEYS,
    SUBTABLES,
    ConnectorConfig,
    ConsoleConfig,
    HttpConfig,
    NotifyConfig,
    OidcConfig,
    PaceConfig,
    PortalConfig,
    ServeConfig,
    StateConfig,
)
from damlink._system.disk import cure_of
from damlink._system.suggest import suggest
from damlink.errors import ConfigError

__all__ = [
    "Config",
    "NotifyTable",
    "OidcTable",
    "PortalTable",
    "connector_fields",
    "load",
    "loads",
    "opener",
    "reference",
]


@attrs.frozen
class PortalTable:
    """One `[portals.NAME]`, checked; its secrets are opened by `open`."""

    name: str
    place: str
    table: Mapping[str, Any]

    def open(self, open_secret: SecretOpener) -> PortalConfig:
        """Parse the portal's settings, and open its secrets."""
        return parse(PortalConfig, self.table, self.place, open_secret)

    @property
    def unopened(self) -> PortalConfig:
        """The portal's settings with the names of its secrets in place of their values."""
        return self.open(lambda ref, _place: ref.name)


@attrs.frozen
class NotifyTable:
    """`[notify]`, checked; its secrets are opened by `open`."""

    place: str
    table: Mapping[str, Any]

    def open(self, open_secret: SecretOpener) -> NotifyConfig:
        """Parse the settings, and open their secrets."""
        return parse(NotifyConfig, self.table, self.place, open_secret)


@attrs.frozen
class OidcTable:
    """`[console.oidc]`, checked; its secret is opened by `open`.

    Attributes:
        unopened: the settings with the name of the secret in place of its value.
    """

    place: str
    table: Mapping[str, Any]
    unopened: OidcConfig

    def open(self, open_secret: SecretOpener) -> OidcConfig:
        """Parse the settings, and open their secret."""
        return parse(OidcConfig, self.table, self.place, open_secret)


@attrs.frozen
class Config:
    """Whole config, checked as far as possible without any plugin."""

    path: Path
    state: StateConfig
    pace: PaceConfig
    http: HttpConfig
    serve: ServeConfig
    console: ConsoleConfig
    oidc: OidcTable | None
    notify: NotifyTable
    portals: Mapping[str, PortalTable]
    connectors: Mapping[str, ConnectorConfig]

    @property
    def folder(self) -> Path:
        """The folder that relative paths in the config start from."""
        return self.path.resolve().parent

    def portal(self, name: str) -> PortalTable:
        """Return the portal of a name.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.portals:
            hint = suggest(name, self.portals) or f"add a [portals.{name}] table"
            raise ConfigError(str(self.path), f"no portal {name!r}", hint=hint)
        return self.portals[name]

    def connector(self, name: str) -> ConnectorConfig:
        """Return the connector of a name, or of a title.

        Raises:
            ConfigError: there is none.
        """
        if name in self.connectors:
            return self.connectors[name]
        titles = {each.title: each for each in self.connectors.values() if each.title}
        if name in titles:
            return titles[name]
        hint = suggest(name, [*self.connectors, *titles]) or f"add a [connectors.{name}] table"
        raise ConfigError(str(self.path), f"no connector {name!r}", hint=hint)


def load(path: Path) -> Config:
    """Read and check a config.

    Raises:
        ConfigError: it is missing, is not TOML, or holds something wrong, with its place.
    """
    return loads(_read(path), path)


def loads(text: str, path: Path) -> Config:
    """Check the text of a config that is not written yet; errors name the path it is for."""
    document = _parse_toml(text, path)
    place = str(path)
    known = ("state", "pace", "http", "serve", "console", "notify", "portals", "connectors")
    for key in document:
        if key not in known:
            raise ConfigError(f"{place}: {key}", "unknown table", hint=suggest(key, known))
    tables = {key: _table(document.get(key, {}), f"{place}: {key}") for key in known}
    portals = {name: _portal(name, table, place) for name, table in tables["portals"].items()}
    connectors = {
        name: _connector(name, table, path, portals) for name, table in tables["connectors"].items()
    }
    _check_titles(connectors.values())
    return Config(
        path=path,
        state=parse(StateConfig, tables["state"], f"{place}: state", opener(path)),
        pace=parse(PaceConfig, tables["pace"], f"{place}: pace", opener(path)),
        http=parse(HttpConfig, tables["http"], f"{place}: http", opener(path)),
        serve=parse(ServeConfig, tables["serve"], f"{place}: serve", opener(path)),
        console=_console(tables["console"], f"{place}: console", path),
        oidc=_oidc(tables["console"], f"{place}: console.oidc"),
        notify=_notify(tables["notify"], f"{place}: notify"),
        portals=portals,
        connectors=connectors,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise missing(path) from error
    except OSError as error:
        hint = cure_of(error, "make it a readable file")
        raise ConfigError(str(path), f"cannot be read: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"cannot be read: {error}", hint="make it a readable file") from error


def _parse_toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), f"not valid TOML: {error}", hint="correct that line") from error


def _table(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(place, f"expected a table, got {value!r}")
    return value


def _check_name(kind: str, name: str, table: Any, place: str) -> tuple[str, dict[str, Any]]:
    here = f"{place}: {kind}.{name}"
    if not is_key(name):
        hint = f"call the table {kind}.{key_of(name, ())} and write title = {json.dumps(name)} below it"
        what = "a name has letters, digits, '-', '_' and '.' only"
        raise ConfigError(here, what, hint=hint if kind == "connectors" else "")
    return here, _table(table, here)


def _console(table: dict[str, Any], place: str, path: Path) -> ConsoleConfig:
    own = {key: value for key, value in table.items() if key != "oidc"}
    return parse(ConsoleConfig, own, place, opener(path))


def _oidc(console: dict[str, Any], place: str) -> OidcTable | None:
    if "oidc" not in console:
        return None
    table = _table(console["oidc"], place)
    return OidcTable(place, table, parse(OidcConfig, table, place, lambda ref, _place: Unopened(ref.name)))


def _notify(table: dict[str, Any], place: str) -> NotifyTable:
    check(NotifyConfig, table, place)
    return NotifyTable(place, table)


def _portal(name: str, table: Any, place: str) -> PortalTable:
    here, checked = _check_name("portals", name, table, place)
    check(PortalConfig, checked, here)
    return PortalTable(name, here, checked)


def _connector(name: str, table: Any, path: Path, portals: Mapping[str, Any]) -> ConnectorConfig:
    here, checked = _check_name("connectors", name, table, str(path))
    own = {key: value for key, value in checked.items() if key in CONNECTOR_KEYS and key not in SUBTABLES}
    parsed = parse(ConnectorConfig, own, here, opener(path))
    return attrs.evolve(
        parsed,
        name=name,
        place=here,
        portal=_choose_portal(parsed.portal, f"{here}.portal", portals),
        settings={key: value for key, value in checked.items() if key not in CONNECTOR_KEYS},
        table=checked,
        metadata=_metadata(checked.get("metadata", {}), f"{here}.metadata", path),
        extensions=_extensions(checked.get("extensions", {}), f"{here}.extensions"),
    )


def _metadata(value: Any, place: str, path: Path) -> dict[str, Any]:
    table = _table(value, place)
    parse(MetadataConfig, table, place, opener(path))
    return table


def _extensions(value: Any, place: str) -> dict[str, dict[str, Any]]:
    """Return a table for each extension: `["exif"]` is short for `{ exif = {} }`."""
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {} for name in value}
    return {name: _table(settings, f"{place}.{name}") for name, settings in _table(value, place).items()}


def _check_titles(connectors: Iterable[ConnectorConfig]) -> None:
    """Verify that each title belongs to one connector."""
    names: dict[str, str] = {}
    for each in connectors:
        for name in {each.name, each.title} - {""}:
            if names.setdefault(name, each.name) != each.name:
                raise ConfigError(f"{each.place}.title", f"{name!r} is the name of {names[name]}, too")


def _choose_portal(name: str, place: str, portals: Mapping[str, Any]) -> str:
    if name in portals:
        return name
    if name:
        raise ConfigError(place, f"no portal {name!r}", hint=suggest(name, portals) or "add a [portals.NAME]")
    if len(portals) == 1:
        return next(iter(portals))
    wanted = f"choose one of {', '.join(portals)}" if portals else "add a [portals.NAME] table"
    raise ConfigError(place, "missing", hint=wanted)


def opener(path: Path, load_secret: Callable[[str], str | None] | None = None) -> SecretOpener:
    """Return the function that opens the references of a config.

    Args:
        load_secret: loads a stored secret; without it `{ secret = … }` is refused.
    """

    def open_reference(ref: SecretRef, place: str) -> str:
        if ref.kind == "env":
            return _from_environment(ref.name, place)
        if ref.kind == "file":
            return _from_file(path.resolve().parent / ref.name, place)
        if load_secret is None:
            hint = "write { env = … } or { file = … }"
            raise ConfigError(place, "{ secret = … } cannot stand here", hint=hint)
        value = load_secret(ref.name)
        if value is None:
            hint = f"keep it with `damlink secret set {ref.name}`"
            raise ConfigError(place, f"there is no secret {ref.name!r}", hint=hint)
        return value

    return open_reference


def _from_environment(name: str, place: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise ConfigError(place, f"the environment variable {name} is not set", hint=f"set {name}")
    return value


def _from_file(path: Path, place: str) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return without_line_break(file.read())
    except OSError as error:
        what = f"cannot read the secret in {path}: {error.strerror}"
        raise ConfigError(place, what, hint=cure_of(error)) from error
    except ValueError as error:
        raise ConfigError(place, f"cannot read the secret in {path}: {error}") from error


def connector_fields() -> tuple[Field, ...]:
    """Return the settings of a connector that the core owns and that can be changed."""
    return tuple(field for field in fields_of(ConnectorConfig) if not field.required)


def reference() -> dict[str, tuple[Field, ...]]:
    """Return the settings of every table that the core owns, for the docs."""
    return {
        "state": fields_of(StateConfig),
        "pace": fields_of(PaceConfig),
        "http": fields_of(HttpConfig),
        "serve": fields_of(ServeConfig),
        "console": fields_of(ConsoleConfig),
        "console.oidc": fields_of(OidcConfig),
        "notify": fields_of(NotifyConfig),
        "portals.NAME": fields_of(PortalConfig),
        "connectors.NAME": fields_of(ConnectorConfig),
        "connectors.NAME.metadata": fields_of(MetadataConfig),
    }
