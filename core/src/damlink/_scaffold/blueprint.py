"""Plan of a new plugin: authentication, list and pages of its partner, and what could not be decided."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import attrs

from damlink._scaffold.names import Names

__all__ = ["Auth", "Blueprint", "Field", "Listing", "Paging", "Row", "Setting"]


@attrs.frozen
class Setting:
    """One setting of the connector.

    Attributes:
        type: its annotation.
        default: Python's text of its default; empty: it is required.
        sample: its value in the stand-in's connector, if that has one.
    """

    name: str
    help: str
    type: str = "str"
    default: str = ""
    options: Sequence[str] = ()
    sample: Any = None


@attrs.frozen
class Auth:
    """Authentication of requests.

    Attributes:
        kind: `none`, `key`, `basic`, `oauth2`, or `login` for a token by a request of the partner's own form.
        name: of the header, query parameter or cookie of a key.
        place: `header`, `query` or `cookie`.
        prefix: text before the key, such as `Bearer `.
        setting: the setting of the key.
        grant: `client`, `password` or `refresh`.
    """

    kind: str = "key"
    name: str = "X-Api-Key"
    place: str = "header"
    prefix: str = ""
    setting: str = "api_key"
    grant: str = "client"
    token_url: str = ""
    authorize_url: str = ""
    scopes: Sequence[str] = ()


@attrs.frozen
class Field:
    """One field of a row: its name in Python, its name in JSON, and its annotation."""

    name: str
    json: str
    type: str = "str | None"

    @property
    def renamed(self) -> bool:
        """True if the names differ."""
        return self.name != self.json


@attrs.frozen
class Paging:
    """Division of a list into pages.

    Attributes:
        kind: `none`, `number`, `offset`, `cursor` or `link`.
        parameter: the query parameter of the page, offset or cursor.
        size: the query parameter for the number of rows; empty if there is none.
        first: the number of the first page.
        following: the names that lead to the next cursor in an answer.
        most: the number of rows to ask for.
    """

    kind: str = "number"
    parameter: str = "page"
    size: str = ""
    first: int = 1
    following: Sequence[str] = ()
    most: int = 100


@attrs.frozen
class Listing:
    """The call that lists the rows.

    Attributes:
        path: with `{names}` of settings in it.
        query: constant parameters, and those from settings.
        wrapper: the names that lead to the rows in an answer; empty: the answer is the list.
        since: the query parameter for the moment of the last change; empty if there is none.
    """

    path: str = "/items"
    query: dict[str, str] = attrs.field(factory=dict)
    wrapper: Sequence[str] = ()
    paging: Paging = attrs.field(factory=Paging)
    since: str = ""

    @property
    def has_typed_page(self) -> bool:
        """True if an answer has the rows and the next cursor side by side."""
        following, wrapper = self.paging.following, self.wrapper
        return self.paging.kind == "cursor" and bool(wrapper) and [*wrapper[:-1]] == [*following[:-1]]

    @property
    def names(self) -> list[str]:
        """The names of the settings in the path."""
        return re.findall(r"\{(\w+)\}", self.path)


@attrs.frozen
class Row:
    """One row of the list.

    Attributes:
        fields: the first one is the id.
        title: the field with the title; empty if there is none.
        mark: the field that changes with the row; empty: a digest of the row.
        checksum: the field that changes with the bytes of the file alone; empty: not known.
        removed: the field that is true of a deleted row; empty: deleted rows are not listed.
        file: the field with the address of the file; empty: the row itself becomes a file.
    """

    fields: Sequence[Field]
    title: str = ""
    mark: str = ""
    file: str = ""
    checksum: str = ""
    removed: str = ""


@attrs.frozen
class Blueprint:
    """Everything that the templates need.

    Attributes:
        settings: without those of the credentials and without `api_url`.
        rows: what the stand-in lists.
        undecided: what a person has to decide about this plugin.
    """

    names: Names
    summary: str
    api_url: str
    auth: Auth
    listing: Listing
    row: Row
    settings: Sequence[Setting] = ()
    rows: Sequence[Any] = ()
    undecided: Sequence[str] = ()
    is_destination: bool = False

    @property
    def to_decide(self) -> Sequence[str]:
        """All that a person has to decide."""
        return (*self.undecided, "`pyproject.toml`: the licence.")
