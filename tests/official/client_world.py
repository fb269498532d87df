"""Names that stand in the Python of the docs, each with a record of a portal of the sandbox behind it."""

from __future__ import annotations

import ast
import io
from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

from official.calls_on_assets import INTEGRATION
from official.one_of_each import World

from damlink import Secret
from damlink.bynder import Pace, Portal
from damlink.errors import BynderError

__all__ = ["Names", "run"]


def _versioned(world: World) -> str:
    """An asset with two versions."""
    made = world.new_asset()
    world.portal.upload_file(b"other bytes", filename="beach.jpg", version_of=made)
    return made


_RECORDS: Final[dict[str, Callable[[World], Any]]] = {
    "asset": World.new_asset,
    "campaign": World.campaign,
    "client_id": lambda world: "client",
    "client_secret": lambda world: "secret",
    "collection": World.collection,
    "consumer_key": lambda world: "key",
    "consumer_secret": lambda world: "secret",
    "data": lambda world: world.file.read_bytes(),
    "document": lambda world: world.control("add_document", html="<p>Hello</p>")["id"],
    "field": lambda world: world.field,
    "group": lambda world: world.portal.workflow.create_group(name=world.name()).id,
    "id": _versioned,
    "ids": lambda world: [world.new_asset(name="Dune"), world.new_asset(name="Sea")],
    "integration": lambda world: INTEGRATION,
    "job": World.job,
    "brand": lambda world: world.brand,
    "metaproperty": lambda world: world.shade,
    "option": lambda world: world.red,
    "order": World.order,
    "other": lambda world: world.blue,
    "path": lambda world: world.file,
    "portal": lambda world: world.portal,
    "preset": lambda world: world.preset["id"],
    "stream": lambda world: io.BytesIO(world.file.read_bytes()),
    "token": lambda world: "token",
    "token_secret": lambda world: "secret",
    "url": lambda world: world.portal.url,
    "user": lambda world: world.me.id,
    "webhook": World.webhook,
    "Portal": lambda world: Portal,
    "Pace": lambda world: Pace,
    "Path": lambda world: Path,
    "Secret": lambda world: Secret,
    "BynderError": lambda world: BynderError,
}


class Names(MutableMapping[str, Any]):
    """Variables of a piece of Python; a record is made when its name is read first."""

    def __init__(self, world: World, **given: Any) -> None:
        self._world = world
        self._values = given

    def __getitem__(self, name: str) -> Any:
        if name not in self._values and name in _RECORDS:
            self._values[name] = _RECORDS[name](self._world)
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = value

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def close(self) -> None:
        """Close what the Python has opened."""
        for value in self._values.values():
            if isinstance(value, Portal | Pace) and value is not self._world.portal:
                value.close()


def run(text: str, names: Names) -> Any:
    """Run Python, and return its value if it is one expression; a list is read."""
    tree = ast.parse(text)
    named = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    # Functions of the text see its variables only as those of a module.
    variables = {name: names[name] for name in named if name in names or name in _RECORDS}
    found = None
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr):
        found = eval(text, variables)
    else:
        exec(text, variables)
    names.update({name: value for name, value in variables.items() if name != "__builtins__"})
    found = [*found] if isinstance(found, Iterator) else found
    names.close()
    return found
