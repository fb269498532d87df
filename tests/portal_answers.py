"""An answer to each call of the client, and a portal that gives these, without a connection."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

__all__ = [
    "ANSWERS",
    "Answer",
    "Call",
    "all_calls",
    "answer_to",
    "content_of",
    "noted_answer",
    "with_content",
]

# Where a number stands in a path, it is noted as 1; that of `/api/1` is part of the path.
_NUMBER: Final = re.compile(r"(?<!/api/)(?<=/)1(?=/|\.|$)")
ANSWERS: Final = Path(__file__).with_name("portal_answers.json")


@attrs.frozen(order=True)
class Call:
    """A method and a path with names in place of ids."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def names(self) -> int:
        """How many names the path has."""
        return self.path.count("{")

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is this call; a slash at the end does not count."""
        return method == self.method and bool(_expression(self.path).fullmatch(path.rstrip("/")))

    @classmethod
    def of(cls, method: str, path: str) -> Call | None:
        """The call that a request is: of several the one with the fewest names."""
        fitting = [each for each in all_calls() if each.matches(method, path)]
        return min(fitting, key=lambda each: each.names, default=None)


@functools.cache
def _expression(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{\w+\}", path.rstrip("/"))
    return re.compile("[^/]+".join(map(re.escape, parts)))


@functools.cache
def all_calls() -> tuple[Call, ...]:
    """Every call to the portal that a method makes, each once."""
    noted: Mapping[str, list[str]] = json.loads(
        files("damlink.bynder").joinpath("calls.json").read_text("utf-8")
    )
    calls = (Call(*_NUMBER.sub("{number}", each).split(" ", 1)) for found in noted.values() for each in found)
    shapes: dict[tuple[str, str], Call] = {}
    for each in sorted(call for call in calls if call.path.startswith("/")):
        shapes.setdefault((each.method, re.sub(r"\{\w+\}", "{}", each.path.rstrip("/"))), each)
    return tuple(sorted(shapes.values()))


@attrs.frozen
class Answer:
    """What a portal answers to one call."""

    status: int
    content: bytes
    headers: Mapping[str, str] = attrs.field(factory=dict)

    def response(self) -> httpx.Response:
        """It as httpx has it."""
        return httpx.Response(self.status, content=self.content, headers=dict(self.headers))


@functools.cache
def _noted() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(ANSWERS.read_text("utf-8"))
    return found


def answer_to(call: Call) -> Any:
    """What is noted as the answer: `status`, `type`, `headers` and `body`."""
    return _noted()[str(call)]


def noted_answer(call: Call | None) -> Answer:
    """The answer as noted; of another host any."""
    if call is None:
        return Answer(200, b"{}", {"Content-Type": "application/json"})
    noted = answer_to(call)
    return with_content(noted, content_of(noted))


def with_content(noted: Mapping[str, Any], content: bytes) -> Answer:
    """An answer that is as noted, but for its content."""
    return Answer(noted["status"], content, {**noted["headers"], "Content-Type": noted["type"]})


def content_of(noted: Mapping[str, Any]) -> bytes:
    """The content of an answer that is noted."""
    body = noted["body"]
    if noted["type"].endswith("json"):
        return b"" if body == "" else json.dumps(body).encode()
    return str(body).encode()
