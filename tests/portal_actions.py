"""Every action of a portal, and a way to call it with placeholders for what it must have."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from damlink import Portal, Secret
from damlink._cli._derived import Parameter, parameters_of
from damlink._cli.bynder import actions, resources


@attrs.frozen
class Action:
    """One action of one resource."""

    resource: str
    name: str
    method: Callable[..., Any] = attrs.field(eq=False)

    def __str__(self) -> str:
        return f"{self.resource}.{self.name}"

    def call(self, portal: Portal, file: Path, **given: Any) -> Any:
        """Call it with placeholders for what is not given; a lazy answer is read to its end."""
        needed = [each for each in parameters_of(self.method) if each.required or each.name == "id"]
        values = {each.name: _placeholder(each, file) for each in needed} | given
        positional = [values.pop(each.name) for each in needed if each.positional]
        answer = getattr(getattr(portal, self.resource), self.name)(*positional, **values)
        return [*answer] if isinstance(answer, Iterator) else answer


def all_actions() -> Iterator[Action]:
    """Yield every action of every resource."""
    for resource, kind in resources().items():
        for name, method in actions(kind):
            yield Action(resource, name, method)


def _placeholder(parameter: Parameter, file: Path) -> Any:
    items = ["x"] if parameter.of is str else [{"key": "x"}]
    given = {int: 1, Path: file, Secret: Secret("x"), Sequence: items, Mapping: {"key": "x"}}
    if parameter.kind in given:
        return given[parameter.kind]
    return "GET" if parameter.kind is str else parameter.of[0]
