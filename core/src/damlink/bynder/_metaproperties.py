"""Metaproperties: read by name or label, written by id.

Source: api.bynder.com, "Metaproperties".
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Final

from damlink._http import Client
from damlink._settings import closest
from damlink.bynder._request import get_json
from damlink.bynder._wire import Metaproperty, texts
from damlink.errors import BynderError

__all__ = ["Metaproperties"]

_WITH_OPTIONS: Final = frozenset({"select", "select2", "autocomplete", "button", "sidebar"})


class Metaproperties:
    """The portal's metaproperties, read once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: list[Metaproperty] | None = None
        self._lock = threading.Lock()

    def list(self) -> list[Metaproperty]:
        """Every metaproperty with its options."""
        with self._lock:
            if self._known is None:
                answer = get_json(self._client, "/api/v4/metaproperties/", options=1)
                # By each one's own name: the keys of the object are known to differ in case.
                self._known = [Metaproperty.read(record) for record in answer.values()]
            return self._known

    def get(self, name: str) -> Metaproperty:
        """One metaproperty by name, label or id.

        Raises:
            BynderError: there is none.
        """
        for each in self.list():
            if name in (each.name, each.id, each.label):
                return each
        hint = closest(name, (each.name for each in self.list()))
        raise BynderError(f"the portal has no metaproperty {name!r}", hint=hint)

    def form(self, values: Mapping[str, str | Iterable[str]]) -> dict[str, str]:
        """The form fields that write these values: `metaproperty.ID` with option ids or text.

        Args:
            values: by name or label; an empty value clears it.
        """
        fields = {}
        for name, value in values.items():
            metaproperty = self.get(name)
            given = texts(value if isinstance(value, str) else list(value))
            if metaproperty.type in _WITH_OPTIONS or metaproperty.options:
                given = tuple(_option_id(metaproperty, each) for each in given)
            fields[f"metaproperty.{metaproperty.id}"] = ",".join(given)
        return fields


def _option_id(metaproperty: Metaproperty, wanted: str) -> str:
    for option in metaproperty.options:
        if wanted in (option.name, option.id, option.label):
            return option.id
    hint = closest(wanted, (option.name for option in metaproperty.options))
    raise BynderError(f"the metaproperty {metaproperty.name!r} has no option {wanted!r}", hint=hint)
