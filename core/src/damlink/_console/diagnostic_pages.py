"""The page of the file for support, and the file itself."""

from __future__ import annotations

from typing import Final

from damlink._console.desk import Desk
from damlink._console.page import Page, Query, command_text
from damlink._run.diagnostics import MEMBERS, make_diagnostics
from damlink._state.audit import Audit

__all__ = ["DOWNLOAD_PATH", "download_diagnostics", "show_diagnostics"]

DOWNLOAD_PATH: Final = "/diagnostics.zip"


def show_diagnostics(_desk: Desk, _query: Query) -> Page:
    """Show what the file for support contains."""
    files = [{"name": name, "what": what} for name, what in MEMBERS.items()]
    data = {"files": files, "download": DOWNLOAD_PATH}
    return Page("diagnostics.html", "File for support", command_text("diagnostics"), data)


def download_diagnostics(desk: Desk) -> bytes:
    """Return the file; the audit log says who has taken it."""
    Audit(desk.database).note(desk.visitor.user, "diagnostics", "", {})
    return make_diagnostics(desk)
