"""The steps to a new connector: the settings class, in its order, and a portal where there is none yet."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from damlink._config.load import PortalTable, loads
from damlink._config.names import is_key, key_of
from damlink._config.parse import check_value
from damlink._config.settings import Field, fields_of
from damlink._config.tables import PortalConfig
from damlink._console.desk import Desk
from damlink._console.drafts import Drafts, Kept, read_text
from damlink._console.page import (
    Page,
    Query,
    WrongRequestError,
    address_of,
    command_text,
    read_number,
    show_problem,
)
from damlink._console.setting_acts import address_of_draft, check_draft, keep_secret_for
from damlink._console.settings_form import describe_fields, label_of, read_changes
from damlink._plugin.discovery import PluginInfo, find, list_plugins
from damlink._plugin.loader import load as load_plugin
from damlink._secret import Secret
from damlink.errors import ConfigError

__all__ = ["begin_connector", "show_add", "show_step", "take_step"]

MOST_NAME: Final = 200
MOST_NAMED: Final = 2  # settings in the title of a step


@attrs.frozen
class Step:
    """One page of the wizard.

    Attributes:
        portal: the new portal that it is about; empty where it is about the connector.
        fields: the settings, those without effect included.
        table: all settings of the table that they are in.
    """

    title: str
    portal: str
    fields: Sequence[Field]
    table: Sequence[Field]


def show_add(desk: Desk, query: Query) -> Page:
    """Show the first step: a name, and a portal that is there or a new one."""
    return _show_first(desk, _find_plugin(query), {})


def _show_first(desk: Desk, info: PluginInfo, form: Query, error: Exception | None = None) -> Page:
    data = {
        "plugin": info.name,
        "summary": info.summary,
        "portals": list(desk.config.portals),
        "typed": {name: form.get(name, "") for name in ("title", "portal", "new_portal")},
    }
    command = command_text("add", "NAME", "--plugin", info.name)
    return show_problem(Page("add.html", f"Add: {info.name}", command, data), error)


def _find_plugin(query: Query) -> PluginInfo:
    """Return the plugin that a request names.

    Raises:
        ConfigError: it is not installed.
    """
    name = query.get("plugin", "")
    if name not in {each.name for each in list_plugins()}:
        raise ConfigError("", f"no plugin {name!r} is installed", hint="install it with pip")
    return find(name)


def begin_connector(desk: Desk, form: Query) -> str | Page:
    """Keep a new connector, and lead to its next step; what is not accepted is shown again."""
    info = _find_plugin(form)
    try:
        return _begin(desk, info.name, form)
    except (WrongRequestError, ConfigError) as error:
        return _show_first(desk, info, form, error)


def _begin(desk: Desk, plugin: str, form: Query) -> str:
    title = form.get("title", "").strip()
    if not 0 < len(title) <= MOST_NAME:
        raise WrongRequestError(f"the name has 1 to {MOST_NAME} letters")
    text = read_text(desk)
    config = loads(text, desk.config.path)
    titles = {each.title for each in config.connectors.values()}
    name = key_of(title, config.connectors)
    if name in config.connectors or title in titles:
        raise WrongRequestError(f"there is a connector {title!r} already")
    portal, new = form.get("portal", ""), form.get("new_portal", "").strip()
    if new and (not is_key(new) or new in config.portals):
        raise WrongRequestError(
            "a new portal has a name of letters, digits, '-', '_' and '.', and none has it yet"
        )
    if not new and portal not in config.portals:
        raise WrongRequestError("choose a portal, or name a new one")
    changes = {"plugin": plugin, "portal": new or portal} | ({"title": title} if title != name else {})
    portals: dict[str, dict[str, Any]] = {new: {}} if new else {}
    kept = Drafts(desk).begin("connectors", name, text, changes, portals=portals, step=0)
    return _address_of_next(kept, _steps_of(kept), 0)


def _steps_of(kept: Kept) -> list[Step]:
    table = fields_of(PortalConfig)
    portals = [
        step
        for name in kept.portals
        for step in (
            Step(f"The portal {name}", name, [each for each in table if not each.when][:2], table),
            Step(f"Signing in to {name}", name, _main_fields(table)[2:], table),
        )
    ]
    settings = fields_of(load_plugin(find(str(kept.changes["plugin"]))).settings_class)
    groups = itertools.groupby(_main_fields(settings), key=lambda field: sorted(map(str, field.when.items())))
    fields_of_steps = [list(fields) for _, fields in groups]
    titles = _name_steps(kept.name, fields_of_steps)
    own = [Step(title, "", fields, settings) for title, fields in zip(titles, fields_of_steps, strict=True)]
    advanced = [field for field in settings if field.advanced]
    return [*portals, *own, *([Step("Advanced settings", "", advanced, settings)] if advanced else [])]


def _name_steps(name: str, fields_of_steps: Sequence[Sequence[Field]]) -> list[str]:
    """Return a title of each step; where there are several, they name their first settings."""
    if len(fields_of_steps) == 1:
        return [f"Settings of {name}"]
    labels = [[label_of(field) for field in fields] for fields in fields_of_steps]
    return [", ".join(each[:MOST_NAMED]) + (" …" if each[MOST_NAMED:] else "") for each in labels]


def _main_fields(table: Sequence[Field]) -> list[Field]:
    return [field for field in table if not field.advanced]


def _values_of(kept: Kept, step: Step) -> Mapping[str, Any]:
    return kept.portals[step.portal] if step.portal else kept.changes


def _fields_in_effect(kept: Kept, step: Step) -> list[Field]:
    values = {field.name: field.default for field in step.table} | dict(_values_of(kept, step))
    return [field for field in step.fields if field.applies(values)]


def _address_of_next(kept: Kept, steps: Sequence[Step], number: int) -> str:
    """Return the address of the first step from this one on that has something to ask; else of the end."""
    for at in range(number, len(steps)):
        if _fields_in_effect(kept, steps[at]):
            return address_of("/setup", id=kept.id, step=str(at))
    return address_of_draft(kept)


def _load(desk: Desk, query: Query) -> tuple[Kept, list[Step], int]:
    kept = Drafts(desk).load(query.get("id", ""))
    steps = _steps_of(kept) if kept.step is not None else []
    number = read_number(query.get("step", str(kept.step)), 3)
    if number is None or number >= len(steps):
        raise WrongRequestError("there is no such step")
    return kept, steps, number


def show_step(desk: Desk, query: Query) -> Page:
    """Show one step of a new connector."""
    return _show(desk, *_load(desk, query))


def _show(
    desk: Desk,
    kept: Kept,
    steps: Sequence[Step],
    number: int,
    form: Query | None = None,
    error: Exception | None = None,
) -> Page:
    step = steps[number]
    inputs = describe_fields(_fields_in_effect(kept, step), _values_of(kept, step), form)
    data = {
        "id": kept.id,
        "name": kept.name,
        "plugin": kept.changes["plugin"],
        "step": number,
        "steps": list(_describe(kept, steps)),
        "inputs": [attrs.asdict(each) for each in inputs],
        "redirect_url": desk.consent_redirect_url if _asks_for_client(kept, step) else "",
    }
    command = command_text("add", kept.name, "--plugin", str(kept.changes["plugin"]))
    return show_problem(Page("setup.html", step.title, command, data), error)


def _asks_for_client(kept: Kept, step: Step) -> bool:
    """Return whether a step asks for the client at which people sign in to a portal."""
    is_by_person = bool(step.portal) and kept.portals[step.portal].get("auth") == "oauth2-code"
    return is_by_person and any(field.name == "client_id" for field in step.fields)


def _describe(kept: Kept, steps: Sequence[Step]) -> Iterator[Mapping[str, Any]]:
    for number, step in enumerate(steps):
        if _fields_in_effect(kept, step):
            yield {"number": number, "title": step.title, "is_open": number <= (kept.step or 0)}


def take_step(desk: Desk, form: Query) -> str | Page:
    """Keep the answers of one step; lead to the next, or to the whole change.

    What is not accepted is shown again. What does not fit together is kept, and the step is shown again.
    """
    kept, steps, number = _load(desk, form)
    try:
        kept = _answer(kept, steps[number], form)
    except (WrongRequestError, ConfigError) as error:
        return _show(desk, kept, steps, number, form, error)
    drafts = Drafts(desk)
    drafts.save(kept)
    address = _address_of_next(kept, steps, number + 1)
    try:
        _check_together(drafts, kept, steps[number], address)
    except ConfigError as error:
        return _show(desk, kept, steps, number, error=error)
    drafts.save(attrs.evolve(kept, step=max(number + 1, kept.step or 0)))
    return address


def _answer(kept: Kept, step: Step, form: Query) -> Kept:
    """Return the change with the answers of one step."""
    typed: dict[str, Secret] = {}
    fields, values = _fields_in_effect(kept, step), dict(_values_of(kept, step))
    owner = f"portal.{step.portal}" if step.portal else kept.name
    values |= read_changes(fields, values, form, keep_secret_for(owner, typed))
    values = {name: value for name, value in values.items() if value is not None}
    _check(fields, values)
    kept = attrs.evolve(kept, typed={**kept.typed, **typed}, findings=None)
    if step.portal:
        return attrs.evolve(kept, portals={**kept.portals, step.portal: values})
    return attrs.evolve(kept, changes=values)


def _check_together(drafts: Drafts, kept: Kept, step: Step, address: str) -> None:
    """Check what was answered as a whole: a portal with its last step, and all at the end.

    Raises:
        ConfigError: it is incomplete, or does not fit together.
    """
    if step.portal and not any(field.required for field in step.fields):
        _ = PortalTable(step.portal, f"portals.{step.portal}", kept.portals[step.portal]).unopened
    if address == address_of_draft(kept):
        check_draft(drafts, kept)


def _check(fields: Sequence[Field], values: Mapping[str, Any]) -> None:
    for field in fields:
        if field.name in values:
            check_value(field, values[field.name], field.name)
        elif field.required:
            raise WrongRequestError(f"{field.name} is missing; expected {field.expects}")
