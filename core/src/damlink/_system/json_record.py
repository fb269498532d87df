"""JSON object that is kept as text: most records of a listing are compared and never read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["JsonRecord", "text_of"]


class JsonRecord(Mapping[str, Any]):
    """JSON object that keeps its text, and parses it when it is first read."""

    __slots__ = ("_values", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._values: dict[str, Any] | None = None

    def _parse(self) -> dict[str, Any]:
        if self._values is None:
            self._values = json.loads(self.text)
        return self._values

    def __getitem__(self, key: str) -> Any:
        return self._parse()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._parse())

    def __len__(self) -> int:
        return len(self._parse())

    def __repr__(self) -> str:
        return repr(self._parse())


def text_of(record: Mapping[str, Any]) -> str:
    """Return the JSON text of an object."""
    return record.text if isinstance(record, JsonRecord) else json.dumps(dict(record))
