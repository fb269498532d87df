"""Creation and editing of a portal in the config: address, credentials, brand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from damlink._cli._editing import change
from damlink._cli._output import echo, echo_text
from damlink._cli._questions import Interview
from damlink._cli._setup import Draft, until_it_works
from damlink._cli._terminal import is_terminal
from damlink._cli._typed import parse_settings
from damlink._config.load import load
from damlink._config.names import is_key
from damlink._config.settings import fields_of
from damlink._config.tables import PortalConfig
from damlink.errors import ConfigError, DamlinkError

__all__ = ["add_portal", "edit_portal"]

BRAND: Final = "brand"


class PortalInterview(Interview):
    """Dialogue about the settings of a portal; the brand is chosen from the portal's list."""

    def __init__(self, draft: Draft, values: Mapping[str, Any]) -> None:
        super().__init__(PortalConfig, values, draft.keep_secret)
        self._draft = draft

    def ask(self, names: Iterable[str]) -> None:
        """Ask for settings, the brand last: the list of brands can only be read with valid credentials."""
        wanted = list(names)
        super().ask(name for name in wanted if name != BRAND)
        if BRAND in wanted and not self._choose_brand():
            super().ask([BRAND])

    def _choose_brand(self) -> bool:
        """Ask for a brand from the portal's list; return whether the list could be read."""
        if not self._draft.is_tried:
            return False
        try:
            file = self._draft.file(self.values)
            with self._draft.session(file) as session:
                brands = [brand.name for brand in session.open_portal(self._draft.name).brands.read_once()]
        except DamlinkError:
            # The attempt that follows reports the error and asks for everything again.
            return True
        if len(brands) > 1:
            self.values[BRAND] = _choose(brands, self.values.get(BRAND, ""))
        return True


def _choose(brands: list[str], current: str) -> str:
    """Ask for the number of a brand."""
    echo_text("\nBrand of new assets.", err=True)
    for number, name in enumerate(brands, start=1):
        echo(f"  {number}  {name}", err=True)
    default = brands.index(current) + 1 if current in brands else None
    number = click.prompt(BRAND, type=click.IntRange(1, len(brands)), default=default, err=True)
    return brands[int(number) - 1]


def add_portal(path: Path, name: str, settings: Iterable[str], *, all_: bool, no_check: bool) -> None:
    """Write a portal into the config, which is created if it does not exist.

    Raises:
        DamlinkError: the settings are invalid, or the portal refuses them.
    """
    if not is_key(name):
        raise ConfigError(
            "", f"{name!r} cannot be a portal's name", hint="use letters, digits, '-', '_', '.'"
        )
    draft = Draft(path, "portals", name, is_tried=not no_check)
    draft.connectors = _on_the_only_portal(path)
    interview = PortalInterview(draft, parse_settings(settings, fields_of(PortalConfig)))
    names = interview.unset(advanced=all_)
    if not is_terminal() or (interview.is_complete and not all_):
        names = []
    else:
        interview.check(names)
    draft.write(until_it_works(interview, names, lambda: draft.attempt(interview.values)))
    _say_how_to_sign_in(name, interview.values)


def _on_the_only_portal(path: Path) -> dict[str, dict[str, Any]]:
    """Return the portal of each connector that leaves it out, which a second portal makes ambiguous."""
    if not path.exists():
        return {}
    # Written into their tables together with the second portal, so that the config stays valid.
    unnamed = (each for each in load(path).connectors.values() if not each.table.get("portal"))
    return {each.name: {"portal": each.portal} for each in unnamed}


def edit_portal(
    path: Path, name: str, settings: Iterable[str], unset: Iterable[str], *, no_check: bool
) -> None:
    """Change a portal of the config.

    Raises:
        DamlinkError: the settings are invalid, or the portal refuses them.
    """
    portal = load(path).portal(name)
    values: dict[str, Any] = parse_settings(settings, fields_of(PortalConfig)) | dict.fromkeys(unset)
    draft = Draft(path, "portals", name, is_tried=not no_check)
    interview = PortalInterview(draft, portal.table)
    change(draft, [interview], values)
    _say_how_to_sign_in(name, interview.values | values)


def _say_how_to_sign_in(name: str, values: Mapping[str, Any]) -> None:
    if values.get("auth") == "oauth2-code":
        echo(f"sign in with `damlink login {name}`, then try it with `damlink portal check {name}`", err=True)
