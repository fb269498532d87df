"""Control actions of the stand-in: switches, media, marks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from damlink_imatag.sandbox.library import Library

# JSON, as the test sends it.
Body = Mapping[str, Any]


def settings(library: Library, body: Body) -> Any:
    """Change any of `Switches` by its own name; return them all."""
    library.switches = attrs.evolve(library.switches, **body)
    return attrs.asdict(library.switches)


def revoke(library: Library, body: Body) -> Any:
    """Refuse the key and every token; `{"on": false}` takes that back."""
    return settings(library, {"revoked": bool(body.get("on", True))})


def expire_tokens(library: Library, _body: Body) -> Any:
    """Expire all OAuth tokens now."""
    library.tokens.clear()
    return {}


def lose(library: Library, body: Body) -> Any:
    """Delete the marked file of `{"id": …}`."""
    library.items[body["id"]].gone = bool(body.get("on", True))
    return {"id": body["id"]}


def remove(library: Library, body: Body) -> Any:
    """`{"id": …}`, or everything, is removed from the library."""
    for name in [body["id"]] if "id" in body else list(library.items):
        del library.items[name]
    return {"left": len(library.items)}


def detect(library: Library, body: Body) -> Any:
    """Detect the mark in the bytes `{"base64": …}`: return the id of a media, and its metadata."""
    item = library.detect(base64.b64decode(body["base64"]))
    return {"id": item.id, "metadata": dict(item.metadata), "sha256": item.sha256} if item else {"id": None}


ACTIONS: dict[str, Callable[[Library, Body], Any]] = {
    each.__name__: each for each in (settings, revoke, expire_tokens, lose, remove, detect)
}
