"""Pages as HTML or JSON. Every text passes through here once, and loses its secrets."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from importlib import resources
from typing import Any, Final, Protocol

import jinja2
from jinja2.filters import do_truncate
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from damlink._console.page import Page, address_of
from damlink._console.roles import LASTING_PATHS
from damlink._secret import redact
from damlink._system.printable import printable

__all__ = ["read_script", "read_style", "render", "render_error", "render_login", "wants_json"]


class WaysIn(Protocol):
    """What people can sign in by."""

    @property
    def issuer(self) -> str:
        """The issuer of OpenID Connect, or nothing."""

    @property
    def has_users(self) -> bool:
        """True if there are passwords."""


def _printable(value: Any) -> Any:
    """Return a text with control characters made harmless; what a macro has made went through here before."""
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_PAGES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("damlink._console"),
    autoescape=True,
    # Addresses keep control characters, percent-encoded: an id may have some.
    finalize=_printable,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _show_moment(text: str) -> str:
    """Return a moment in UTC as a person reads it; another text as it is."""
    return f"{text[:10]} {text[11:19]} UTC" if _MOMENT.fullmatch(text) else text


def _show_prose(text: str) -> Markup:
    """Return a text with what stands in backticks as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(printable(text))
    codes = (Markup("<code>{}</code>").format(printable(each)) for each in parts[1::2])
    plain = map(escape, map(printable, parts[::2]))
    return Markup("").join(
        part for pair in itertools.zip_longest(plain, codes, fillvalue="") for part in pair
    )


# The beginning of a text that may be very long, for a list.
_PAGES.filters["brief"] = partial(do_truncate, _PAGES, length=300, killwords=True, end="…", leeway=0)
_PAGES.filters["moment"] = _show_moment
_PAGES.filters["prose"] = _show_prose


def render(request: Request, page: Page, status: int = 200, *, live: str = "") -> Response:
    """Return a page as the client wants it.

    Args:
        live: the address of the stream that says when the page is out of date.
    """
    known = _plain({"title": page.title, "command": page.command, **page.data})
    if wants_json(request):
        return Response(json.dumps(known), status, media_type="application/json")
    visitor = request.scope.get("state", {}).get("visitor")
    around = {"path": request.url.path, "visitor": visitor, "live": live, "scripts": LASTING_PATHS}
    around["may"] = visitor.may if visitor else _may_nothing
    if live:
        around["here"] = address_of(request.url.path, **request.query_params)
    text = _PAGES.get_template(page.template).render(known, **around)
    return Response(text, status, media_type="text/html")


def render_error(request: Request, status: int, text: str) -> Response:
    """Return a page that says what went wrong and what to do."""
    return render(request, Page("error.html", "This did not work", "damlink status", {"error": text}), status)


def render_login(request: Request, status: int, error: str, ways: WaysIn) -> Response:
    """Return the page that asks for name and password, or leads to the issuer."""
    data = {"error": error, "issuer": ways.issuer, "has_passwords": ways.has_users}
    return render(request, Page("login.html", "Sign in", "damlink users list", data), status)


def read_style() -> str:
    """Return the style sheet."""
    return (resources.files("damlink._console") / "console.css").read_text(encoding="utf-8")


def _may_nothing(_path: str, _method: str = "POST") -> bool:
    return False


def read_script(path: str) -> str:
    """Return a script that others have written."""
    folder = resources.files("damlink._console") / "vendored"
    return (folder / path.removeprefix("/")).read_text(encoding="utf-8")


def wants_json(request: Request) -> bool:
    """Return whether the client is a program that asks for JSON."""
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


def _plain(value: Any) -> Any:
    """Return a value of JSON; texts come from partners, portals and plugins, and are not trusted."""
    if isinstance(value, Mapping):
        return {redact(str(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))
