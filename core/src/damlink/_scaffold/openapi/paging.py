"""Pages of a list, guessed from the names of parameters and of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from damlink._scaffold.blueprint import Paging
from damlink._scaffold.openapi.document import Document, Operation
from damlink._scaffold.openapi.schemas import properties_of, type_of
from damlink._scaffold.openapi.words import find_known, squeeze

__all__ = ["guess_paging", "is_paging"]

_NUMBER: Final = ("page", "pagenumber", "pagenum", "pageno", "pageindex", "currentpage", "p")
_OFFSET: Final = ("offset", "skip", "start", "startindex", "startat", "from")
_CURSOR: Final = (
    *("cursor", "pagetoken", "nextpagetoken", "nexttoken", "nextcursor", "after", "continuationtoken"),
    *("afterid", "startingafter"),
    *("continuation", "marker", "scrollid", "next", "pagecursor", "startcursor", "token"),
)
_SIZE: Final = (
    *("perpage", "pagesize", "limit", "size", "count", "maxresults", "pagelimit", "top", "take", "rows"),
    *("itemsperpage", "resultsperpage", "maxitems", "max"),
)
_FOLLOWING: Final = (
    *("nextcursor", "nextpagetoken", "nexttoken", "nextmarker", "nextpage", "endcursor", "cursor", "after"),
    *("continuationtoken", "continuation", "marker", "scrollid", "next", "nextpagecursor", "lastid"),
)
_NESTS: Final = ("pagination", "paging", "meta", "pageinfo", "cursors", "responsemetadata", "links", "page")
_MOST: Final = 100


def is_paging(name: str) -> bool:
    """Return whether a query parameter is about pages."""
    return squeeze(name) in {*_NUMBER, *_OFFSET, *_CURSOR, *_SIZE}


def guess_paging(document: Document, operation: Operation) -> Paging:
    """Return how the list is paged; the kind `none` if nothing shows it."""
    queries = {squeeze(each["name"]): each for each in operation.parameters if each.get("in") == "query"}
    schema, _, headers = document.answer(operation)
    size = find_known(_SIZE, queries)
    size_name, most = (str(size["name"]), _most(document, size)) if size else ("", _MOST)
    following = _find_following(document, schema)
    number = find_known(_NUMBER, queries)
    # A page that is a text is no number, but a token.
    is_token = number and type_of(document, _schema(document, number)) == "string"
    cursor = find_known(_CURSOR, queries) or (number if is_token else None)
    if cursor and following:
        return Paging("cursor", str(cursor["name"]), size_name, following=following, most=most)
    if any(squeeze(name) == "link" for name in headers):
        return Paging("link", str(number["name"]) if number else "page", size_name, most=most)
    if number:
        return Paging("number", str(number["name"]), size_name, _first(document, number), most=most)
    offset = find_known(_OFFSET, queries)
    if offset and type_of(document, _schema(document, offset)) in ("integer", "number", ""):
        return Paging("offset", str(offset["name"]), size_name, most=most)
    return Paging("none", "", "")


def _find_following(document: Document, schema: Any, depth: int = 0) -> tuple[str, ...]:
    properties = properties_of(document, schema)
    names = {squeeze(name): name for name in properties}
    for name in _FOLLOWING:
        if name in names and type_of(document, properties[names[name]]) in ("string", "integer", ""):
            return (names[name],)
    for name in _NESTS if depth < 2 else ():
        if name in names and (found := _find_following(document, properties[names[name]], depth + 1)):
            return (names[name], *found)
    return ()


def _schema(document: Document, parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    return parameter if document.is_old else document.table(parameter, "schema")


def _first(document: Document, parameter: Mapping[str, Any]) -> int:
    schema = _schema(document, parameter)
    for name in ("default", "minimum"):
        if schema.get(name) in (0, 1) and not isinstance(schema[name], bool):
            return int(schema[name])
    return 1


def _most(document: Document, parameter: Mapping[str, Any]) -> int:
    most = _schema(document, parameter).get("maximum")
    return int(min(_MOST, most)) if isinstance(most, int | float) and most >= 1 else _MOST
