"""Settings of a connector as a form, and changes that are not written yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from damlink._config.load import loads
from damlink._config.references import is_reference, reference_text
from damlink._config.values import value_text
from damlink._console.desk import Desk
from damlink._console.drafts import Drafts, Kept, compare_texts, read_text
from damlink._console.page import Page, Query, command_text, show_problem
from damlink._console.settings_form import describe_fields
from damlink._run.setting_changes import fields_of_connector
from damlink._run.sign_in import SignIn, open_sign_in, signs_in
from damlink.errors import DamlinkError

__all__ = ["describe_table", "show_draft", "show_edit", "show_form"]


def describe_table(table: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a table of the config as text; a secret is a reference there."""
    return {name: value_text(value) for name, value in table.items()}


def show_edit(desk: Desk, query: Query) -> Page:
    """Show the settings of a connector as a form."""
    return show_form(desk, read_text(desk), query)


def show_form(desk: Desk, text: str, query: Query, error: Exception | None = None) -> Page:
    """Show the settings of a connector as a form.

    Args:
        text: the config that it shows.
        query: the form that was not accepted, if there is an error.
    """
    config = loads(text, desk.config.path)
    name = config.connector(query.get("connector", "")).name
    inputs = describe_fields(fields_of_connector(config, name), config.connectors[name].table, query)
    data = {
        "connector": name,
        "base": desk.texts.keep(text),
        "inputs": [attrs.asdict(each) for each in inputs],
        "signs_in": desk.signs_in(name),
    }
    page = Page("edit.html", f"Settings of {name}", command_text("edit", name), data)
    return show_problem(page, error)


def show_draft(desk: Desk, query: Query) -> Page:
    """Show what a change would write, and what was written by somebody else meanwhile."""
    drafts = Drafts(desk)
    kept = drafts.load(query.get("id", ""))
    present = read_text(desk)
    data = {
        "id": kept.id,
        "kind": kept.kind,
        "name": kept.name,
        "difference": compare_texts(kept.base, drafts.file(kept).text),
        "difference_of_others": compare_texts(kept.base, present) if present != kept.base else [],
        "secrets": sorted(kept.typed),
        "findings": [{"what": what, "detail": detail, "ok": ok} for what, detail, ok in kept.findings or ()],
        "is_new": kept.step is not None,
        "is_tried": kept.findings is not None,
        "sign_ins": _describe_sign_ins(drafts, kept),
    }
    return Page("draft.html", f"Change of {kept.name}", _command_of(kept), data)


def _describe_sign_ins(drafts: Drafts, kept: Kept) -> list[dict[str, Any]]:
    """Return the new portals, and the connector, that a person signs in at, and whether that is done.

    Nothing of a change that is invalid: its page says so once it is tried or written, and can forget it.
    """
    targets = [(name, True) for name in kept.portals] + [(kept.name, kept.kind == "portals")]
    found: list[dict[str, Any]] = []
    with (
        contextlib.suppress(DamlinkError),
        drafts.draft(kept, is_tried=True).session(drafts.file(kept)) as session,
    ):
        for name, is_portal in targets:
            if signs_in(session, name, is_portal=is_portal):
                done = _is_done(open_sign_in(session, name, is_portal=is_portal))
                found.append({"name": name, "is_portal": is_portal, "done": done})
    return found


def _is_done(sign_in: SignIn) -> bool:
    token = sign_in.auth.custody.load()
    return token is not None and bool(token.refresh or token.fresh)


def _command_of(kept: Kept) -> str:
    """Return the commands that do the same; they ask for the secrets that were entered."""
    if kept.step is None:
        words = ["edit"] if kept.kind == "connectors" else ["portal", "edit"]
        return command_text(*words, kept.name, *_options(kept, kept.changes))
    portals = [
        command_text("portal", "add", name, *_options(kept, table)) for name, table in kept.portals.items()
    ]
    values = dict(kept.changes)
    plugin, portal, title = values.pop("plugin"), values.pop("portal"), values.pop("title", kept.name)
    words = ["add", title, "--plugin", plugin, "--portal", portal, *_options(kept, values)]
    return " && ".join([*portals, command_text(*words)])


def _options(kept: Kept, changes: Mapping[str, Any]) -> Iterator[str]:
    for name, value in changes.items():
        if value is None:
            yield from ("--unset", name)
        elif not (is_reference(value) and value.get("secret") in kept.typed):
            yield from ("--set", f"{name}={_word(value)}")


def _word(value: Any) -> str:
    """Return a value as after `--set KEY=`."""
    return reference_text(value) if is_reference(value) else value_text(value)
