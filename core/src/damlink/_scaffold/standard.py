"""Blueprints of a plugin for a partner of whom nothing is known yet."""

from __future__ import annotations

from typing import Any

from damlink._scaffold.blueprint import Auth, Blueprint, Field, Listing, Row, Setting
from damlink._scaffold.names import Names

__all__ = ["destination_blueprint", "source_blueprint"]

_UNDECIDED = (
    "`settings.py`: the public address of the API, in place of the invented default of `api_url`.",
    "`auth.py`: how requests are signed. `OAuth2` and `HeaderAuth` come from `damlink`.",
)
_SOURCE = (
    "`api.py`: the path, the parameters and the fields of the list.",
    "`listing.py`: whether the list is in the order of changes. If not, yield no `Cursor`.",
    "`transform.py`: names, tags and metaproperties in the portal, and whether a file's address lasts.",
    "`deliver.py`: what becomes of an asset that was deleted at the source; now it is archived.",
)
_DESTINATION = (
    "`api.py`: the path and the fields of an upload, and how a file is found again by a reference of ours.",
    "`deliver.py`: how long it takes until a file is found by its reference, at most.",
)


def source_blueprint(names: Names) -> Blueprint:
    """Return a source with a key in a header, numbered pages, and files by their address."""
    texts = ("title", "changed", "url", "checksum")
    fields = (Field("id", "id", "str"), *(Field(name, name) for name in texts))
    deleted = Field("deleted", "deleted", "bool | None")
    return Blueprint(
        names,
        f"Files of {names.title} into a Bynder portal.",
        _address(names),
        Auth(),
        Listing(since="changed_from"),
        Row((*fields, deleted), "title", "changed", "url", checksum="checksum", removed="deleted"),
        rows=[_row(number) for number in range(1, 8)],
        undecided=(*_UNDECIDED, *_SOURCE),
    )


def destination_blueprint(names: Names) -> Blueprint:
    """Return a destination of tagged assets, with a key in a header and files found by a reference."""
    help_text = f"Assets with this tag go to {names.title}."
    tag = Setting("tag", help_text, default=f'"{names.title}"', options=("selects=True",))
    return Blueprint(
        names,
        f"Tagged assets of a Bynder portal to {names.title}.",
        _address(names),
        Auth(),
        Listing(path="/files"),
        Row((Field("id", "id", "str"),)),
        settings=(tag,),
        undecided=(*_UNDECIDED, *_DESTINATION),
        is_destination=True,
    )


def _address(names: Names) -> str:
    return f"https://api.{names.plugin}.example"


def _row(number: int) -> dict[str, Any]:
    moment = f"2026-01-0{number}T12:00:00Z"
    row = {"id": f"item-{number}", "title": f"Item {number}", "changed": moment, "url": None}
    return row | {"checksum": f"bytes-{number}", "deleted": False}
