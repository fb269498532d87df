"""Log of what users have done: noted with each form, and shown as a page."""

from __future__ import annotations

import json
from typing import Any, Final

from damlink._console.desk import Desk
from damlink._console.page import Page, Query, WrongRequestError, command_text, read_number
from damlink._state.audit import Audit, Entry

__all__ = ["NOTED", "note_act", "show_activity"]

ENTRIES: Final = 100
# The fields of forms that are noted with their values. Another one may hold a secret: its name is noted.
NOTED: Final = ("arrived", "connector", "full", "id", "name", "portal", "role", "state", "target_id")
_SUBJECT: Final = ("connector", "portal", "name", "id")


def note_act(desk: Desk, user: str, path: str, form: Query) -> None:
    """Add what a form did to the audit log."""
    subject = desk.subject or " ".join(form[name] for name in _SUBJECT if form.get(name))
    given = {name: value for name, value in form.items() if name not in _SUBJECT and value}
    details = {name: value if name in NOTED else "(not noted)" for name, value in given.items()}
    noted = details if desk.noted is None else desk.noted
    Audit(desk.database).note(user, path.strip("/").replace("/", " "), subject, noted)


def show_activity(desk: Desk, query: Query) -> Page:
    """Show what users have done, the newest first."""
    entries = Audit(desk.database).latest(ENTRIES + 1, _before(query))
    data = {
        "entries": [_describe(each) for each in entries[:ENTRIES]],
        "before": entries[ENTRIES - 1].number if len(entries) > ENTRIES else None,
    }
    return Page("activity.html", "Activity", command_text("audit", "--limit", str(ENTRIES)), data)


def _describe(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": entry.at,
        "user": entry.user,
        "action": entry.action,
        "subject": entry.subject,
        "details": json.loads(entry.details),
        "hash": entry.hash,
    }


def _before(query: Query) -> int | None:
    text = query.get("before", "")
    if not text:
        return None
    number = read_number(text, 9)
    if number is None:
        raise WrongRequestError("before is the number of an entry")
    return number
