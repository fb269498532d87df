"""Answers as they should be, changed in every place: other types, missing fields, odd encodings."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
from portal_actions import Action
from portal_answers import Answer, Call, answer_to, content_of, noted_answer, with_content

from damlink import Content, Portal, Secret
from damlink._cli._answers import to_json
from damlink._cli._derived import parameters_of
from damlink.bynder.records.record import Record
from damlink.errors import DamlinkError

__all__ = ["Changed", "changed_answers", "faults_of"]

_INSTEAD: Final[Mapping[str, Any]] = {
    "null": None,
    "true": True,
    "false": False,
    "a number": 7,
    "a fraction": -0.5,
    "a huge number": 10**400,
    "a text": "text",
    "an empty text": "",
    "half an emoji": "\ud83d",
    "a list": [],
    "a date": "2024-01-02T03:04:05Z",
    "a list of texts": ["a", ""],
    "a list of nulls": [None, None],
    "a list of lists": [[["text"]], [{}]],
    "an object": {},
    "an object of objects": {"id": {"id": {"a": None}}, "name": [1], "0": {}},
}
_DEEP: Final = 50_000
_MOST_RECORDS: Final = 300  # a list that goes on has no end


@attrs.frozen
class Changed:
    """One answer to one call, changed in one way.

    Attributes:
        given: arguments with which the action makes this call.
    """

    call: Call
    given: Mapping[str, Any]
    way: str
    answer: Answer

    def __str__(self) -> str:
        return f"{self.call}: {self.way}"


def changed_answers(action: Action, file: Path) -> Iterator[Changed]:
    """Yield every change of every answer that an action reads."""
    for call, given in _calls_of(action, file):
        for way, answer in _changes(answer_to(call)):
            yield Changed(call, given, way, answer)


def faults_of(action: Action, changed: Sequence[Changed], file: Path) -> list[str]:
    """Return the changes of which an action makes neither a result nor an error of ours."""
    outcomes = ((each, _outcome(action, each, file)) for each in changed)
    return [f"{each}: {fault}" for each, fault in outcomes if fault]


def _outcome(action: Action, changed: Changed, file: Path) -> str:
    def answer(request: httpx.Request) -> httpx.Response:
        call = Call.of(request.method, request.url.path)
        return changed.answer.response() if call == changed.call else noted_answer(call).response()

    with _portal(answer) as portal:
        try:
            _read(action.call(portal, file, **changed.given))
        except DamlinkError as error:
            return "" if str(error).strip() else "an error without a text"
        except Exception as error:  # noqa: BLE001 - which one it is decides the test
            return repr(error)[:200]
    return ""


def _portal(answer: Any) -> Portal:
    transport = httpx.MockTransport(answer)
    return Portal("https://portal.example", Secret("t"), pace=None, transport=transport)


def _calls_of(action: Action, file: Path) -> Iterator[tuple[Call, Mapping[str, Any]]]:
    """Yield each call that an action makes, with arguments that lead to it."""
    asked: dict[Call, Mapping[str, Any]] = {}
    placeholders = {str: "x", int: 1, Sequence: ["x"]}
    choices = [
        {each.name: placeholders[each.kind]}
        for each in parameters_of(action.method)
        if not each.required and each.kind in placeholders and each.of in (None, str)
    ]
    for given in ({}, *choices):

        def answer(request: httpx.Request, given: Mapping[str, Any] = given) -> httpx.Response:
            call = Call.of(request.method, request.url.path)
            if call is not None:
                asked.setdefault(call, given)
            return noted_answer(call).response()

        with _portal(answer) as portal:
            try:
                _read(action.call(portal, file, **given))
            except DamlinkError:
                continue
    yield from asked.items()


def _read(value: Any) -> None:
    """Read a result to its end: records convert their fields when these are read."""
    if isinstance(value, Content):
        list(value.open())
    elif isinstance(value, Iterator | list | tuple):
        found = list(itertools.islice(value, _MOST_RECORDS))
        assert len(found) < _MOST_RECORDS, "the list has no end"
        for each in found:
            _read(each)
    elif not isinstance(value, bytes):
        if isinstance(value, Record):
            _read_record(value)
        json.dumps(to_json(value))


def _read_record(record: Record) -> None:
    for field in attrs.fields(type(record)):  # type: ignore[type-var]
        value = getattr(record, field.name)
        hint = str(field.type).removeprefix("Annotated[").partition(",")[0]
        wanted = {"str": str, "int": int, "bool": bool}.get(hint)
        assert wanted is None or type(value) is wanted, f"{field.name} is {value!r:.50}, not {hint}"
        if isinstance(value, tuple):
            _read([*value])
    repr(record)


# --- changes ----------------------------------------------------------------------------------------


def _changes(noted: Mapping[str, Any]) -> Iterator[tuple[str, Answer]]:
    for way, content in _changed_bodies(noted):
        yield way, with_content(noted, content)
    for name in noted["headers"]:
        for value in ("", "-1", "\x7f", "9" * 400, "null"):
            headers = {**noted["headers"], name: value}
            yield f"{name} is {value[:5]!r}", with_content({**noted, "headers": headers}, content_of(noted))
    yield "no media type", Answer(noted["status"], content_of(noted), noted["headers"])
    yield "status 204", Answer(204, b"", noted["headers"])


def _changed_bodies(noted: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    yield from _odd_encodings(content_of(noted))
    if not noted["type"].endswith("json"):
        return
    for place in _places(noted["body"]):
        where = "".join(f"[{step!r}]" for step in place)
        for name, value in _INSTEAD.items():
            yield f"{where} is {name}", json.dumps(_replaced(noted["body"], place, value)).encode()
        if place:
            yield f"{where} is missing", json.dumps(_without(noted["body"], place)).encode()


def _odd_encodings(content: bytes) -> Iterator[tuple[str, bytes]]:
    text = content.decode("utf-8", "replace")
    yield "no body", b""
    yield "half of it", content[: len(content) // 2]
    yield "twice", content * 2
    yield "UTF-16", text.encode("utf-16")
    yield "UTF-32", text.encode("utf-32")
    yield "with a mark of the byte order", b"\xef\xbb\xbf" + content
    yield "not UTF-8", content.replace(b"e", b"\xe9")
    yield "zeros in it", content.replace(b"a", b"\x00")
    yield "not a number", b'{"id": NaN, "count": Infinity}'
    yield "very deep", b"[" * _DEEP + b"]" * _DEEP
    yield "very deep objects", b'{"id":' * _DEEP + b"1" + b"}" * _DEEP
    yield "a page", b"<!DOCTYPE html><html>Please wait</html>"


def _places(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield before
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _places(inner, (*before, step))


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    if not place:
        return new
    copy = value.copy()
    copy[place[0]] = _replaced(value[place[0]], place[1:], new)
    return copy


def _without(value: Any, place: tuple[Any, ...]) -> Any:
    copy = value.copy()
    if len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = _without(value[place[0]], place[1:])
    return copy
