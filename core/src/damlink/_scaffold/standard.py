"""Blueprints of a plugin for a partner of whom nothing is known yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from damlink._scaffold.blueprint import Auth, Blueprint, Field, Listing, Paging, Row, Setting
from damlink._scaffold.names import Names

__all__ = ["AUTHS", "PAGINGS", "destination_blueprint", "source_blueprint"]

AUTHS: Final = {
    "key": Auth(),
    "bearer": Auth(name="Authorization", prefix="Bearer ", setting="token"),
    "basic": Auth("basic"),
    "oauth2": Auth("oauth2", token_url="/oauth/token"),
    "login": Auth("login", token_url="/auth/token"),
    "none": Auth("none"),
}
PAGINGS: Final = {
    "number": Listing(since="changed_from"),
    "offset": Listing(since="changed_from", paging=Paging("offset", "offset", "limit")),
    "cursor": Listing(
        since="changed_from", wrapper=("items",), paging=Paging("cursor", "cursor", following=("next",))
    ),
    "link": Listing(since="changed_from", paging=Paging("link")),
    "none": Listing(paging=Paging("none")),
}

_ADDRESS = "`settings.py`: the public address of the API, in place of the invented default of `api_url`."
_SIGNING: Final = {
    "key": "`auth.py`: how requests are signed. `OAuth2`, `TokenAuth` and `HeaderAuth` come from `damlink`.",
    "login": "`auth.py`: the fields of the login and of its answer; `settings.py`: its address.",
    "oauth2": "`auth.py`: the grant and the scopes; `settings.py`: the address of the token endpoint.",
}
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


def source_blueprint(names: Names, auth: str = "key", pages: str = "number") -> Blueprint:
    """Return a source of files by their address; those that come in pages are in the order of their changes.

    Args:
        auth: one of `AUTHS`.
        pages: one of `PAGINGS`.
    """
    texts = ("title", "changed", "url", "checksum")
    fields = (Field("id", "id", "str"), *(Field(name, name) for name in texts))
    deleted = Field("deleted", "deleted", "bool | None")
    return Blueprint(
        names,
        f"Files of {names.title} into a Bynder portal.",
        _address(names),
        _auth(names, auth),
        PAGINGS[pages],
        Row((*fields, deleted), "title", "changed", "url", checksum="checksum", removed="deleted"),
        rows=[_row(number) for number in range(1, 8)],
        undecided=(*_undecided(auth), *_SOURCE),
    )


def destination_blueprint(names: Names, auth: str = "key") -> Blueprint:
    """Return a destination of tagged assets, which finds files by a reference.

    Args:
        auth: one of `AUTHS`.
    """
    help_text = f"Assets with this tag go to {names.title}."
    tag = Setting("tag", help_text, default=f'"{names.title}"', options=("selects=True",))
    return Blueprint(
        names,
        f"Tagged assets of a Bynder portal to {names.title}.",
        _address(names),
        _auth(names, auth),
        Listing(path="/files"),
        Row((Field("id", "id", "str"),)),
        settings=(tag,),
        undecided=(*_undecided(auth), *_DESTINATION),
        is_destination=True,
    )


def _auth(names: Names, auth: str) -> Auth:
    plan = AUTHS[auth]
    return attrs.evolve(plan, token_url=f"{_address(names)}{plan.token_url}") if plan.token_url else plan


def _undecided(auth: str) -> Sequence[str]:
    return (_ADDRESS, *([_SIGNING[auth]] if auth in _SIGNING else []))


def _address(names: Names) -> str:
    return f"https://api.{names.plugin}.example"


def _row(number: int) -> dict[str, Any]:
    moment = f"2026-01-0{number}T12:00:00Z"
    row = {"id": f"item-{number}", "title": f"Item {number}", "changed": moment, "url": None}
    return row | {"checksum": f"bytes-{number}", "deleted": False}
