"""Creation or change of a table of the config: it is tried first, then written with its secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from damlink._config.edit import ConfigFile
from damlink._config.load import Config, loads
from damlink._config.parse import SecretOpener, SecretRef, Unopened
from damlink._model import Finding
from damlink._run.check import check_connector, check_portal
from damlink._run.session import Session
from damlink._secrets.store import SecretStore

__all__ = ["UNKNOWN", "Draft"]

# Placeholder for a value that is not known yet, or for a secret; valid as a text and as an address.
UNKNOWN: Final = "https://unknown.invalid"


class Draft:
    """Unwritten table `[connectors.NAME]` or `[portals.NAME]`, with the secrets that were entered for it.

    Args:
        is_tried: try the credentials before the table is written.
        base: the text of the config that is changed; what the file has if not given.

    Attributes:
        typed: entered secrets, by the names that they are stored under.
        connectors: values of other connectors that are written with the table, by their names.
    """

    def __init__(
        self,
        path: Path,
        kind: Literal["connectors", "portals"],
        name: str,
        *,
        is_tried: bool,
        base: str | None = None,
    ) -> None:
        self.name = name
        self._path, self._base = path, base
        self.kind = kind
        self.is_tried = is_tried
        self.typed: dict[str, str] = {}
        self.connectors: dict[str, dict[str, Any]] = {}

    def keep_secret(self, setting: str, value: str) -> dict[str, str]:
        """Hold a secret in memory until the table is written; return the reference to it."""
        owner = self.name if self.kind == "connectors" else f"portal.{self.name}"
        self.typed[f"{owner}.{setting}"] = value
        return {"secret": f"{owner}.{setting}"}

    def file(self, values: Mapping[str, Any]) -> ConfigFile:
        """Return the config with these values; `None` removes a key."""
        file = ConfigFile(self._path, self._base)
        file.update(self.kind, self.name, values)
        for name, others in self.connectors.items():
            file.update("connectors", name, others)
        return file

    def attempt(self, values: Mapping[str, Any]) -> ConfigFile:
        """Try the values, and return the config with them; `None` removes a key.

        Raises:
            DamlinkError: the values are invalid, or the other side refuses them.
        """
        file = self.file(values)
        for finding in self.examine(file):
            self.report(finding)
        return file

    def examine(self, file: ConfigFile) -> Iterator[Finding]:
        """Validate the config as it would be written; if it is tried, yield what both sides say.

        Raises:
            DamlinkError: the values are invalid.
        """
        with self.session(file) as session:
            self._validate(session)
            if self.is_tried:
                yield from self._findings(session)

    def report(self, finding: Finding) -> None:
        """Show one finding of the trial; raise its error where it must not be written."""

    def session(self, file: ConfigFile, *, keeps: bool = False) -> Session:
        """Open the config as it would be written, with the typed secrets.

        Args:
            keeps: store the tokens of a sign-in.
        """
        return _Trial(loads(file.text, file.path), self.typed, opens=self.is_tried, keeps=keeps)

    def _validate(self, session: Session) -> None:
        if self.kind == "connectors":
            session.parse_settings(self.name, session.load_plugin(self.name))
        else:
            session.config.portal(self.name).open(session.opener)

    def _findings(self, session: Session) -> Iterator[Finding]:
        if self.kind == "connectors":
            yield from check_connector(session, self.name)
        elif session.config.portal(self.name).unopened.auth != "oauth2-code":
            yield from check_portal(session, self.name)

    def write(self, file: ConfigFile) -> None:
        """Write the config and the entered secrets: both, or neither."""
        if not self.typed:
            file.write()
            return
        with Session(loads(file.text, file.path)) as session:
            # Secrets first: a config that refers to a missing secret would break every command.
            before = {name: session.secrets.get(name) for name in self.typed}
            try:
                _store(session.secrets, self.typed)
                file.write()
            except BaseException:
                _store(session.secrets, before)
                raise


class _Trial(Session):
    """Session on a config that is not written yet, with secrets that are not stored yet."""

    def __init__(self, config: Config, typed: Mapping[str, str], *, opens: bool, keeps: bool) -> None:
        super().__init__(config, keeps=keeps)
        self._typed = typed
        self._opens = opens

    @property
    def opener(self) -> SecretOpener:
        """Function that reads entered and stored secrets; if nothing is tried, secrets may be missing."""
        stored = super().opener

        def open_reference(reference: SecretRef, place: str) -> str:
            if reference.kind == "secret" and reference.name in self._typed:
                return self._typed[reference.name]
            return stored(reference, place) if self._opens else Unopened(UNKNOWN)

        return open_reference


def _store(secrets: SecretStore, values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            secrets.remove(name)
        else:
            secrets.set(name, value)
