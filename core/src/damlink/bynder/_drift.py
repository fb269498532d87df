"""Comparison of a portal's answers with the definitions that this version was built on. It only reads."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from damlink._http.client import Client
from damlink.bynder._fields import uuid_of
from damlink.bynder._request import segment
from damlink.bynder._shape import NO_JSON, Shape, differences, observe, read_shape
from damlink.bynder.records.convert import decode, texts
from damlink.errors import AuthError, ConnectorError, TransientError

__all__ = ["Drift", "DriftChange", "find_drift", "load_answers", "read_answers"]

# Answers to one operation that are compared, each about another record.
_ANSWERS: Final = 2
# Records that are tried at most, because the portal refuses some, or has nothing to answer.
_RECORDS: Final = 10
_UNAUTHORISED: Final = 401
_NOT_FOUND: Final = 404
_GONE: Final = frozenset({_NOT_FOUND, 405, 410})
_METAPROPERTIES: Final = "/api/v4/metaproperties"
_ASSETS: Final = "/api/v4/media/"
# Where an id in a path comes from, and the name of the field, if not from the list that the path begins with.
_SOURCES: Final[Mapping[str, tuple[str, str]]] = {
    "/api/1/assets/": (_ASSETS, "id"),
    "/api/1/content-access/options/": (_METAPROPERTIES, "options.id"),
    "/api/1/taxonomy/metaproperties/": (_METAPROPERTIES, "id"),
    "/api/content_access/metaproperties/": (_METAPROPERTIES, "id"),
    "/api/store/orderproducts/": ("/api/store/order/{id}/products", "id"),
    "/api/workflow/presets/job/": ("/api/workflow/jobs", "presetID"),
    "/v7/analytics/api/v1/asset/": (_ASSETS, "id"),
    "/v7/analytics/api/v1/report/asset/": (_ASSETS, "id"),
    "/v7/analytics/api/v1/user/": ("/api/v4/users/", "id"),
}
# Parameters without which an operation does not answer.
_QUERIES: Final[Mapping[str, tuple[str, str, str]]] = {
    "/api/v4/metaproperties/options": ("ids", _METAPROPERTIES, "options.id"),
}
_NEWER: Final = "/api/1/"
_NOT_READ: Final[Mapping[str, str]] = {
    "/api/1/authoring/documents/{document_uuid}": "no operation lists the documents",
    "/api/v4/media/{id}/download": "it would count as a download",
    "/api/v4/media/{id}/download/{itemId}": "it would count as a download",
    "/api/v4/media/{id}/{version}/download": "it would count as a download",
    "/api/v4/upload/poll": "it needs an upload",
}
_ID_NAMES: Final = ("id", "ID", "uuid")


@attrs.frozen(order=True)
class DriftChange:
    """One difference between a portal and the definitions.

    Attributes:
        operation: method and path, as published.
        field: path in the answer, such as `[].tags`; empty if it is the operation, or the whole answer.
        kind: `new`, `gone` or `type`.
        detail: types before and now, or what the portal answered.
    """

    operation: str
    field: str
    kind: str
    detail: str


@attrs.frozen
class Drift:
    """Differences between a portal and the definitions.

    Attributes:
        compared: operations with an answer that was compared.
        not_compared: reason for each other operation that only reads.
        failed: those of them that the portal could not answer.
    """

    changes: tuple[DriftChange, ...]
    compared: tuple[str, ...]
    not_compared: Mapping[str, str]
    failed: tuple[str, ...] = ()


@functools.cache
def load_answers() -> Mapping[str, Shape]:
    """Return the shape of the answer of each operation that only reads.

    tests/workspace/renew_inventory.py writes the file from Bynder's definitions.
    """
    # Slow to import, and not needed by any other call.
    from importlib.resources import files

    noted = json.loads(files(__package__).joinpath("answers.json").read_text("utf-8"))
    return {operation: read_shape(shape) for operation, shape in noted.items()}


def find_drift(client: Client) -> Drift:
    """Compare a portal's answers with the definitions.

    Raises:
        AuthError: the portal refuses the credentials.
        TransientError: the portal cannot be reached.
    """
    reader = _Reader(client)
    changes: list[DriftChange] = []
    compared, left = [], dict(_not_read())
    for operation, shape in load_answers().items():
        found = [] if operation in left else reader.read(operation)
        if isinstance(found, str):
            left[operation] = found
        elif operation in reader.gone:
            changes.append(DriftChange(operation, "", "gone", reader.gone[operation]))
        elif operation not in left:
            compared.append(operation)
            seen = [each for answer in found for each in observe(answer, shape)]
            changes += (
                DriftChange(operation, field, kind, detail)
                for field, kind, detail in differences(shape, seen)
            )
    if refusal := _refusal(reader.refusals, len(compared)):
        raise refusal
    return Drift(tuple(sorted(changes)), tuple(compared), dict(sorted(left.items())), (*reader.failed,))


def read_answers(client: Client, most: int = _ANSWERS) -> Iterator[tuple[str, Any]]:
    """Yield each operation that answers, with some of its answers.

    Args:
        most: answers of one operation.
    """
    reader = _Reader(client, most)
    for operation in load_answers().keys() - dict(_not_read()).keys():
        if not isinstance(found := reader.read(operation), str):
            yield from ((operation, answer) for answer in found)


def _not_read() -> Iterator[tuple[str, str]]:
    yield from ((f"GET {path}", why) for path, why in _NOT_READ.items())


class _Reader:
    """Reads answers of a portal, each once.

    Attributes:
        gone: operations that the portal does not have, with what it answered.
        failed: operations that the portal could not answer.
        refusals: errors of the credentials.
    """

    def __init__(self, client: Client, most: int = _ANSWERS) -> None:
        self._client = client
        self._most = most
        self._read: dict[str, Any] = {}
        self.gone: dict[str, str] = {}
        self.failed: list[str] = []
        self.refusals: list[AuthError] = []

    def read(self, operation: str) -> list[Any] | str:
        """Return some answers of an operation, or the reason why there are none."""
        answers: list[Any] = []
        refusals: list[ConnectorError] = []
        template = operation.partition(" ")[2]
        try:
            for path in itertools.islice(self._paths(template), _RECORDS):
                answers += self._try(path, refusals)
                if sum(map(bool, answers)) >= self._most:
                    break
        except ConnectorError as error:
            return self._reason(operation, error)
        if answers or not refusals:
            return answers or "the portal has no record to read"
        if _is_gone(template, refusals[0]):
            self.gone[operation] = f"the portal answered {refusals[0].status}"
            return []
        return str(refusals[0])

    def _try(self, path: str, refusals: list[ConnectorError]) -> list[Any]:
        """Return the answer to one path, or nothing if the portal refuses this record."""
        try:
            return [self._get(path)]
        except (AuthError, TransientError):
            raise
        except ConnectorError as error:
            refusals.append(error)
            return []

    def _reason(self, operation: str, error: ConnectorError) -> str:
        if isinstance(error, TransientError):
            if error.status is None:
                raise error
            self.failed.append(operation)
        if isinstance(error, AuthError):
            self.refusals.append(error)
        return str(error)

    def _get(self, path: str) -> Any:
        if path not in self._read:
            response = self._client.get(path)
            try:
                self._read[path] = decode(response.content)
            except msgspec.DecodeError:
                self._read[path] = NO_JSON
        return self._read[path]

    def _paths(self, template: str) -> Iterator[str]:
        """Yield paths of an operation with ids of the portal's records."""
        if template in _QUERIES:
            name, source, field = _QUERIES[template]
            found = list(itertools.islice(self._ids(source, field), _RECORDS))
            yield from [f"{template}?{name}={','.join(map(segment, found))}"] if found else []
        else:
            yield from self._fill("", template)

    def _fill(self, done: str, rest: str) -> Iterator[str]:
        """Yield paths of which the first part is complete, with ids in the rest."""
        before, opening, after = rest.partition("{")
        if not opening:
            yield f"{done}{rest}"
            return
        source, field = _SOURCES.get(f"{done}{before}", (f"{done}{before}".rstrip("/"), "id"))
        remaining = after.partition("}")[2]
        for found in itertools.islice(self._ids(source, field), _RECORDS):
            # Newer services take the longer form of an id only.
            form = uuid_of(found) if before.startswith(_NEWER) else found
            yield from self._fill(f"{done}{before}{segment(form)}", remaining)

    def _ids(self, source: str, field: str) -> Iterator[str]:
        for path in self._paths(_as_published(source)):
            for answer in self._try(path, []):
                yield from dict.fromkeys(_find(answer, field.split(".")))


def _refusal(refusals: Sequence[AuthError], compared: int) -> AuthError | None:
    """Return the error to raise if the credentials are good for nothing; some operations need none."""
    unknown = [each for each in refusals if each.status == _UNAUTHORISED]
    if len(unknown) > compared:
        return unknown[0]
    return refusals[0] if refusals and not compared else None


def _is_gone(template: str, refusal: ConnectorError) -> bool:
    """Return whether the portal lacks an operation; a 404 may also mean a record of another kind."""
    is_other = any(template.startswith(begun) for begun in _SOURCES)
    return refusal.status in _GONE and not (refusal.status == _NOT_FOUND and is_other)


def _as_published(path: str) -> str:
    """Return a path with the slash at its end that its operation has."""
    return f"{path}/" if f"GET {path}/" in load_answers() else path


def _find(answer: Any, names: list[str]) -> Iterator[str]:
    """Yield the values of a field of the records of a list."""
    for record in _records(answer):
        if isinstance(record, str):
            yield record
        elif len(names) > 1:
            yield from _find(record.get(names[0]), names[1:])
        else:
            wanted = _ID_NAMES if names == ["id"] else names
            yield from next((found for name in wanted if (found := texts(record.get(name)))), ())


def _records(answer: Any) -> list[Any]:
    """Return the records of a list, of an object by name, or of the list in an object."""
    if isinstance(answer, Mapping):
        inner = [each for each in answer.values() if isinstance(each, list)]
        answer = inner[0] if inner else list(answer.values())
    return [each for each in answer if isinstance(each, dict | str)] if isinstance(answer, list) else []
