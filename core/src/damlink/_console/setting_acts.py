"""The acts that change `damlink.toml`: nothing is written before its difference was shown."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs

from damlink._config.edit import ConfigChangedError
from damlink._config.load import loads
from damlink._console.desk import Desk
from damlink._console.drafts import Drafts, Kept, Kind, read_text
from damlink._console.page import Page, Query, WrongRequestError, address_of, connector_of
from damlink._console.setting_changes import describe_changes
from damlink._console.setting_pages import show_form
from damlink._console.settings_form import KeepSecret, read_changes
from damlink._run.setting_changes import fields_of_connector
from damlink._secret import Secret
from damlink.errors import ConfigError

__all__ = [
    "address_of_draft",
    "begin_draft",
    "change_settings",
    "check_draft",
    "drop_draft",
    "keep_secret_for",
    "rebase_draft",
    "switch_connector",
    "try_draft",
    "write_draft",
]


def change_settings(desk: Desk, form: Query) -> str | Page:
    """Keep what was changed in the form of a connector; lead to the difference that it makes.

    What is not accepted is shown again, with the reason.
    """
    base = desk.texts.find(form.get("base", ""))
    try:
        return _keep_changes(desk, base, form)
    except (WrongRequestError, ConfigError) as error:
        return show_form(desk, base, form, error)


def _keep_changes(desk: Desk, base: str, form: Query) -> str:
    config = loads(base, desk.config.path)
    name = config.connector(form.get("connector", "")).name
    typed: dict[str, Secret] = {}
    fields, values = fields_of_connector(config, name), config.connectors[name].table
    changes = read_changes(fields, values, form, keep_secret_for(name, typed))
    if not changes:
        return address_of("/connector", connector=name)
    return begin_draft(desk, "connectors", name, base, changes, typed=typed)


def keep_secret_for(owner: str, typed: dict[str, Secret]) -> KeepSecret:
    """Return the function that holds an entered secret in `typed`, and returns the reference to it."""

    def keep(setting: str, value: str) -> dict[str, str]:
        typed[f"{owner}.{setting}"] = Secret(value)
        return {"secret": f"{owner}.{setting}"}

    return keep


def switch_connector(desk: Desk, form: Query) -> str:
    """Keep the enabling or disabling of a connector."""
    name, enabled = connector_of(desk, form), form.get("enabled", "")
    if enabled not in ("yes", "no"):
        raise WrongRequestError("enabled is yes or no")
    return begin_draft(desk, "connectors", name, read_text(desk), {"enabled": enabled == "yes"})


def begin_draft(desk: Desk, kind: Kind, name: str, base: str, changes: dict[str, Any], **values: Any) -> str:
    """Keep a change that is valid; return the address that shows it."""
    drafts = Drafts(desk)
    kept = drafts.begin(kind, name, base, changes, **values)
    try:
        check_draft(drafts, kept)
    except BaseException:
        drafts.remove(kept)
        raise
    return address_of_draft(kept)


def address_of_draft(kept: Kept) -> str:
    """Return the address of the page of a change."""
    return address_of("/draft", id=kept.id)


def check_draft(drafts: Drafts, kept: Kept) -> None:
    """Check the config as it would be written; nothing is asked on either side.

    Raises:
        DamlinkError: it is invalid.
    """
    for _ in drafts.draft(kept).examine(drafts.file(kept)):
        pass


def write_draft(desk: Desk, form: Query) -> str:
    """Write a change; if the file was changed meanwhile, lead back to both differences.

    A new connector may be written disabled, and its first plan made at once.
    """
    drafts = Drafts(desk)
    kept = drafts.load(form.get("id", ""))
    plans = form.get("then", "") == "plan"
    if kept.step is not None and form.get("enabled", "") == "no":
        kept = attrs.evolve(kept, changes={**kept.changes, "enabled": False})
    if read_text(desk) != kept.base:
        return address_of_draft(kept)
    check_draft(drafts, kept)
    file = drafts.file(kept)
    changes = describe_changes(desk.config, loads(file.text, file.path), kept)
    with contextlib.suppress(ConfigChangedError):
        drafts.draft(kept).write(file)
        desk.note(kept.name, changes)
        drafts.remove(kept)
        if plans and kept.kind == "connectors":
            desk.jobs.start(kept.name, "plan", kept.name, "--save")
            return address_of("/plans", connector=kept.name)
        return _address_behind(kept)
    return address_of_draft(kept)


def try_draft(desk: Desk, form: Query) -> str:
    """Ask both sides with the changed settings."""
    drafts = Drafts(desk)
    return address_of_draft(drafts.try_out(drafts.load(form.get("id", ""))))


def rebase_draft(desk: Desk, form: Query) -> str:
    """Put a change on top of the present file."""
    drafts = Drafts(desk)
    kept = attrs.evolve(drafts.load(form.get("id", "")), base=read_text(desk), findings=None)
    check_draft(drafts, kept)
    drafts.save(kept)
    return address_of_draft(kept)


def drop_draft(desk: Desk, form: Query) -> str:
    """Forget a change."""
    drafts = Drafts(desk)
    kept = drafts.load(form.get("id", ""))
    drafts.remove(kept)
    return _address_behind(kept) if kept.name in desk.config.connectors else "/"


def _address_behind(kept: Kept) -> str:
    return address_of("/connector", connector=kept.name) if kept.kind == "connectors" else "/portals"
