"""Creation or change of a table of the config: it is tried first, then written with its secrets."""

from __future__ import annotations

from collections.abc import Callable

import click

from damlink._cli._noted import note_settings, read_config
from damlink._cli._output import echo, echo_text
from damlink._cli._questions import Interview
from damlink._cli._terminal import is_terminal
from damlink._config.edit import ConfigFile
from damlink._model import Finding
from damlink._run import draft
from damlink.errors import DamlinkError

__all__ = ["Draft", "until_it_works"]


class Draft(draft.Draft):
    """Unwritten table, whose trial is shown on the terminal, and whose writing is noted."""

    def write(self, file: ConfigFile) -> None:
        """Write the config and the entered secrets, and note in the audit log what has changed."""
        before = read_config(file.path)
        super().write(file)
        note_settings(before, self.kind, self.name, self.typed)

    def report(self, finding: Finding) -> None:
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
