"""Creation or change of a table of the config: it is tried first, then written with its secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from damlink._cli._output import echo, echo_text
from damlink._cli._questions import UNKNOWN, Interview
from damlink._cli._terminal import is_terminal
from damlink._config.edit import ConfigFile
from damlink._config.load import Config, loads
from damlink._config.parse import SecretOpener, SecretRef, Unopened
from damlink._model import Finding
from damlink._run.check import check_connector, check_portal
from damlink._run.session import Session
from damlink._secrets.store import SecretStore
from damlink.errors import DamlinkError

__all__ = ["Draft", "until_it_works"]


class Draft:
    """Unwritten table `[connectors.NAME]` or `[portals.NAME]`, with the secrets that were entered for it.

    Args:
        is_tried: try the credentials before the table is written.

    Attributes:
        connectors: values of other connectors that are written with the table, by their names.
    """

    def __init__(
        self, path: Path, kind: Literal["connectors", "portals"], name: str, *, is_tried: bool
    ) -> None:
        self.name = name
        self._path = path
        self._kind = kind
        self.is_tried = is_tried
        self._typed: dict[str, str] = {}
        self.connectors: dict[str, dict[str, Any]] = {}

    def keep_secret(self, setting: str, value: str) -> dict[str, str]:
        """Hold a secret in memory until the table is written; return the reference to it."""
        owner = self.name if self._kind == "connectors" else f"portal.{self.name}"
        self._typed[f"{owner}.{setting}"] = value
        return {"secret": f"{owner}.{setting}"}

    def file(self, values: Mapping[str, Any]) -> ConfigFile:
        """Return the config with these values; `None` removes a key."""
        file = ConfigFile(self._path)
        file.update(self._kind, self.name, values)
        for name, others in self.connectors.items():
            file.update("connectors", name, others)
        return file

    def attempt(self, values: Mapping[str, Any]) -> ConfigFile:
        """Try the values, and return the config with them; `None` removes a key.

        Raises:
            DamlinkError: the values are invalid, or the other side refuses them.
        """
        file = self.file(values)
        with self.session(file) as session:
            self._validate(session)
            if self.is_tried:
                for finding in self._findings(session):
                    _report(finding)
        return file

    def session(self, file: ConfigFile) -> Session:
        """Open the config as it would be written, with the typed secrets."""
        return _Trial(loads(file.text, file.path), self._typed, opens=self.is_tried)

    def _validate(self, session: Session) -> None:
        if self._kind == "connectors":
            session.parse_settings(self.name, session.load_plugin(self.name))
        else:
            session.config.portal(self.name).open(session.opener)

    def _findings(self, session: Session) -> Iterator[Finding]:
        if self._kind == "connectors":
            yield from check_connector(session, self.name)
        elif session.config.portal(self.name).unopened.auth != "oauth2-code":
            yield from check_portal(session, self.name)

    def write(self, file: ConfigFile) -> None:
        """Write the config and the entered secrets: both, or neither."""
        if not self._typed:
            file.write()
            return
        with Session(loads(file.text, file.path)) as session:
            # Secrets first: a config that refers to a missing secret would break every command.
            before = {name: session.secrets.get(name) for name in self._typed}
            try:
                _store(session.secrets, self._typed)
                file.write()
            except BaseException:
                _store(session.secrets, before)
                raise


class _Trial(Session):
    """Read-only session on a config that is not written yet, with secrets that are not stored yet."""

    def __init__(self, config: Config, typed: Mapping[str, str], *, opens: bool) -> None:
        super().__init__(config, keeps=False)
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


def _report(finding: Finding) -> None:
    """Print one finding of the check.

    Raises:
        DamlinkError: the error of the finding, unless it concerns events.
    """
    # `damlink serve` does not run yet while a connector is being created.
    if finding.error and finding.what != "events":
        raise finding.error
    echo(f"{'note' if finding.error else 'ok  '} {finding.what}: {finding.detail}", err=True)


def until_it_works(interview: Interview, names: list[str], attempt: Callable[[], ConfigFile]) -> ConfigFile:
    """Ask for settings and try them; ask again while they are refused.

    Raises:
        DamlinkError: the settings are invalid, and are not corrected.
    """
    asks = bool(names) and is_terminal()
    while True:
        if asks:
            interview.ask(names)
        try:
            return attempt()
        except DamlinkError as error:
            if not asks:
                raise
            echo_text(f"\n{error}", err=True, fg="red")
            if not click.confirm("Enter the settings again?", default=True, err=True):
                raise
