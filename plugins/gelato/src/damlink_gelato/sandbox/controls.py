"""Control actions of the stand-in: accounts, and the ways in which it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from damlink_gelato.sandbox.library import Account, Library, Refusals

# JSON, as the test sends it.
Body = Mapping[str, Any]


def add_account(library: Library, body: Body) -> Any:
    """`{"id", "key"}`: one more account."""
    library.accounts[body["id"]] = Account(str(body["id"]), str(body["key"]))
    return {"id": body["id"]}


def revoke_key(library: Library, body: Body) -> Any:
    """Revoke the key of `account`, or of the first; `{"on": false}` takes that back."""
    account = library.accounts[str(body.get("account", next(iter(library.accounts))))]
    account.revoked = bool(body.get("on", True))
    return {"account": account.id, "revoked": account.revoked}


def refuse(library: Library, body: Body) -> Any:
    """Answer the next `times` (1) imports with `status` (422), `code` and `message`."""
    code = str(body.get("code", "FILE_URL_UNREACHABLE"))
    message = str(body.get("message", "as the test wants it"))
    scripted = Refusals(int(body.get("status", 422)), code, message, int(body.get("times", 1)))
    library.refusals.append(scripted)
    return attrs.asdict(scripted)


def fail(library: Library, body: Body) -> Any:
    """Let the next `times` (1) accepted files fail: at once, or at the end of their processing."""
    library.failures = int(body.get("times", 1))
    return {"times": library.failures}


def settings(library: Library, body: Body) -> Any:
    """Change any of `Switches` by its own name; return them all."""
    try:
        library.switches = attrs.evolve(library.switches, **body)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return attrs.asdict(library.switches)


ACTIONS: dict[str, Callable[[Library, Body], Any]] = {
    "add_account": add_account,
    "fail": fail,
    "refuse": refuse,
    "revoke_key": revoke_key,
    "settings": settings,
}
