"""The record of a page, and readers of what every page takes from an address or a form."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlencode

import attrs

from damlink._run.session import Session

__all__ = [
    "MOST_PAGES",
    "ROWS",
    "Page",
    "Query",
    "WrongRequestError",
    "address_of",
    "command_text",
    "connector_of",
    "page_number",
    "read_number",
    "show_problem",
    "split_page",
]

ROWS: Final = 50  # of a page
MOST_PAGES: Final = 200

T = TypeVar("T")

Query: TypeAlias = Mapping[str, str]


class WrongRequestError(Exception):
    """A field of an address or a form has no such value; the text says which."""


@attrs.frozen
class Page:
    """One page.

    Attributes:
        template: the name of its template.
        command: the command line that tells the same.
        data: what it shows.
        status: of the answer; a form that was not accepted is shown again with another one.
    """

    template: str
    title: str
    command: str
    data: Mapping[str, Any]
    status: int = 200


def show_problem(page: Page, error: Exception | None) -> Page:
    """Return the page of a form with the reason why it was not accepted, if there is one."""
    data = {**page.data, "problem": "" if error is None else str(error)}
    status = 200 if error is None else 400 if isinstance(error, WrongRequestError) else 409
    return attrs.evolve(page, data=data, status=status)


def command_text(*words: str) -> str:
    """Return a command line of Damlink."""
    return shlex.join(["damlink", *words])


def address_of(path: str, **query: str) -> str:
    """Return the address of a page."""
    return f"{path}?{urlencode(query)}"


def connector_of(session: Session, query: Query) -> str:
    """Return the name of the connector that a request names."""
    return session.config.connector(query.get("connector", "")).name


def page_number(query: Query) -> int:
    """Return the number of the page of a list."""
    number = read_number(query.get("page", "1"), 5)
    if number is None or not 1 <= number <= MOST_PAGES:
        raise WrongRequestError(f"page is a number from 1 to {MOST_PAGES}")
    return number


def read_number(text: str, most_digits: int) -> int | None:
    """Return the number that a text is; `None` if it is none, or has more digits."""
    is_number = text.isascii() and text.isdigit() and len(text) <= most_digits
    return int(text) if is_number else None


def split_page(rows: Sequence[T], number: int) -> tuple[Sequence[T], bool]:
    """Return the rows of one page, and whether another page follows.

    Args:
        rows: those of the page, and one more if there is one.
        number: of the page.
    """
    return rows[:ROWS], len(rows) > ROWS and number < MOST_PAGES
