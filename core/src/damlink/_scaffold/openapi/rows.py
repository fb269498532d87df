"""The rows of a list: found in its answer, their fields, and rows for the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from damlink._scaffold.blueprint import Field, Row
from damlink._scaffold.openapi.document import Document, Operation
from damlink._scaffold.openapi.schemas import fit, items_of, make_value, properties_of, sample_of, type_of
from damlink._scaffold.openapi.words import find_known, is_media, squeeze, unique

__all__ = ["Rows", "find_rows"]

_IDS: Final = ("id", "uuid", "guid", "gid", "sid", "uid", "identifier")
_OTHER_IDS: Final = ("assetid", "mediaid", "fileid", "slug", "code", "name", "filename")
_TITLES: Final = (
    *(
        "title",
        "name",
        "displayname",
        "label",
        "filename",
        "originalfilename",
        "headline",
        "caption",
        "subject",
    ),
    *("fullname", "summary", "description"),
)
_MARKS: Final = (
    *("etag", "checksum", "md5", "sha256", "sha1", "hash", "version", "revision", "updatedat", "modifiedat"),
    *("lastmodified", "datemodified", "modified", "updated", "updateddate", "modifieddate", "lastupdated"),
    *("dateupdated", "lastupdatedat", "changed", "changedat", "lastmodifieddate", "updatedon", "modifiedon"),
)
_CHECKSUMS: Final = ("checksum", "md5", "sha256", "sha1", "md5hash", "filehash", "contenthash")
_REMOVED: Final = ("deleted", "isdeleted", "removed", "archived", "isarchived")
_FILES: Final = (
    *(
        "downloadurl",
        "fileurl",
        "originalurl",
        "contenturl",
        "mediaurl",
        "imageurl",
        "downloaduri",
        "videourl",
    ),
    *("downloadlink", "sourceurl", "photourl", "asseturl", "downloadhref"),
)
# These are the address of a file only in a list of files.
_FILES_OF_MEDIA: Final = ("url", "src", "href", "uri", "link", "browserdownloadurl", "original")
_TYPES: Final = {
    "string": "str | None",
    "integer": "int | None",
    "number": "float | None",
    "boolean": "bool | None",
}
_MOST_FIELDS: Final = 40
_MOST_BYTES: Final = 16 << 10
_COUNT: Final = 7


@attrs.frozen
class Rows:
    """Rows in the answer of a call.

    Attributes:
        wrapper: the names that lead to them.
        properties: of one row, by its names in JSON.
        example: an example of the answer, or `None`.
        schema: of one row.
    """

    document: Document
    operation: Operation
    wrapper: tuple[str, ...]
    properties: Mapping[str, Any]
    example: Any
    schema: Any

    def row(self) -> Row:
        """Return the fields of a row, and what they are."""
        chosen = self._choose()
        names = unique(chosen)
        fields = [
            Field(name, json_name, self._type(json_name))
            for name, json_name in zip(names, chosen, strict=True)
        ]
        fields[0] = attrs.evolve(fields[0], type="str")
        texts = {squeeze(each.json): each.name for each in fields if each.type.startswith("str")}
        flags = {squeeze(each.json): each.name for each in fields if each.type.startswith("bool")}
        marks = {squeeze(each.json): each.name for each in fields if each.type.startswith(("str", "int"))}
        media = _FILES_OF_MEDIA if is_media(self.operation.path) else ()
        return Row(
            fields,
            title=find_known(_TITLES, texts) or "",
            mark=find_known(_MARKS, marks) or "",
            file=find_known((*_FILES, *media), texts) or "",
            checksum=find_known(_CHECKSUMS, texts) or "",
            removed=find_known(_REMOVED, flags) or "",
        )

    def has(self, names: Sequence[str]) -> bool:
        """Return whether a row has one of some fields."""
        return bool({squeeze(name) for name in self.properties} & {squeeze(name) for name in names})

    @property
    def score(self) -> float:
        """A number that is higher, the more likely the call lists what there is to carry."""
        path, parameters = self.operation.path, self.operation.parameters
        needed = sum(each.get("in") == "path" for each in parameters)
        needed += sum(each.get("in") == "query" and each.get("required") is True for each in parameters)
        points: float = 5 * is_media(path) + 4 * self.has(_FILES) + 3 * self.has(_IDS)
        points += (
            2 * self.has(_MARKS)
            + self.has(_TITLES)
            - 3 * needed
            - 4 * bool(self.operation.node.get("deprecated"))
            # A list within one object, such as the tags of a file.
            - 4 * (bool(self.wrapper) and path.rstrip("/").endswith("}"))
        )
        return points - 0.1 * path.count("/")

    def _choose(self) -> list[str]:
        """Return the names of the fields in JSON, the id first."""
        names = {squeeze(name): name for name in self.properties}
        last = squeeze(self.operation.path.rstrip("/").rsplit("/", 1)[-1]).removesuffix("s")
        wanted = (*_IDS, "key", f"{last}id", f"{last}key", *_OTHER_IDS)
        plain = [name for name in self.properties if self._type(name) in ("str | None", "int | None")]
        own = next((names[each] for each in wanted if names.get(each) in plain), None)
        own = own or next((name for name in plain if squeeze(name).endswith("id")), plain[0])
        others = [name for name in self.properties if name != own]
        return [own, *others[: _MOST_FIELDS - 1]]

    def _type(self, name: str) -> str:
        schema = self.properties[name]
        kind = type_of(self.document, schema)
        if kind == "array" and type_of(self.document, items_of(self.document, schema)) == "string":
            return "tuple[str, ...] | None"
        return _TYPES.get(kind, "Any")

    def samples(self, row: Row) -> list[dict[str, Any]]:
        """Return rows for the stand-in, each with an id of its own: from examples, else invented."""
        made = {field.json: self._make_value(field) for field in row.fields}
        own = self.document.follow(self.schema).get("example")
        found = [
            each for each in (*self._examples(), own) if isinstance(each, Mapping) and made.keys() & each
        ]
        bases = found or [made]
        return [self._sample(row, bases[number % len(bases)], made, number) for number in range(_COUNT)]

    def _make_value(self, field: Field) -> Any:
        """Return the example of a property if it fits, else an invented value."""
        schema = self.properties[field.json]
        value = fit(sample_of(self.document, schema), field.type)
        return fit(make_value(self.document, schema), field.type) if value is None else value

    def _sample(
        self, row: Row, base: Mapping[str, Any], made: Mapping[str, Any], number: int
    ) -> dict[str, Any]:
        sample = {}
        for field in row.fields:
            value = base.get(field.json)
            fitting = fit(value, field.type)
            # Some examples have a value of another type.
            sample[field.json] = fitting if fitting is not None or value is None else made[field.json]
        sample |= {field.json: False for field in row.fields if field.name == row.removed}
        own = row.fields[0].json
        is_number = self._type(own) == "int | None"
        sample[own] = 1001 + number if is_number else f"{_letters(sample[own])}-{number + 1}"
        if len(json.dumps(sample)) > _MOST_BYTES:
            sample = {field.json: sample[field.json] for field in row.fields if field.type != "Any"}
        return sample

    def _examples(self) -> Iterator[Any]:
        example = self.example
        for name in self.wrapper:
            example = example.get(name) if isinstance(example, Mapping) else None
        yield from example if isinstance(example, list) else ()


def find_rows(document: Document, operation: Operation) -> Rows | None:
    """Return the rows in the answer of a call; `None` if it is no list of objects."""
    schema, example, _ = document.answer(operation)
    if example is None:
        example = document.follow(schema).get("example")
    for wrapper, items in _lists(document, schema, ()):
        properties = properties_of(document, items)
        rows = Rows(document, operation, wrapper, properties, example, items)
        if any(rows._type(name) in ("str | None", "int | None") for name in properties):
            return rows
    return None


def _lists(document: Document, schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the lists in an answer: itself, else those of its properties, and of theirs."""
    items = items_of(document, schema)
    if items is not None:
        yield path, items
        return
    properties = properties_of(document, schema)
    for name, each in properties.items():
        if items_of(document, each) is not None:
            yield (*path, name), items_of(document, each)
    for name, each in properties.items() if not path else ():
        if type_of(document, each) == "object":
            yield from _lists(document, each, (*path, name))


def _letters(value: Any) -> str:
    text = "".join(letter for letter in str(value or "") if letter.isascii() and letter.isalnum())[:16]
    return text or "row"
