"""The blueprint of a plugin from an OpenAPI definition."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from damlink._config.tables import CONNECTOR_KEYS
from damlink._scaffold.blueprint import Auth, Blueprint, Listing, Paging, Row, Setting
from damlink._scaffold.openapi.document import Document, Operation, read_document
from damlink._scaffold.openapi.paging import guess_paging, is_paging
from damlink._scaffold.openapi.rows import Rows, find_rows
from damlink._scaffold.openapi.schemas import sample_of
from damlink._scaffold.openapi.security import is_key, read_auth
from damlink._scaffold.openapi.words import plain_text, squeeze, unique

__all__ = ["adapt"]

_OWN_SETTINGS: Final = (
    *("api_url", "api_key", "token", "username", "password", "client_id", "client_secret", "token_url"),
    *("authorize_url", "refresh_token", "requests_per_second", "metadata"),
)
_USUAL_HEADERS: Final = ("authorization", "accept", "contenttype", "apikey")
_PARAMETER: Final = re.compile(r"\{([^{}]*)\}")


def adapt(plan: Blueprint, path: Path) -> Blueprint:
    """Return a blueprint with all that a definition says; what it does not say is in its `undecided`.

    Raises:
        ConfigError: the file is no OpenAPI definition.
    """
    document = read_document(path)
    api_url, notes = _server(document, plan.api_url)
    if plan.is_destination:
        auth, more = read_auth(document, None, api_url)
        notes += ["`api.py`: the calls of the definition that take and find a file.", *more]
        return attrs.evolve(plan, api_url=api_url, auth=auth, undecided=[*notes, *plan.undecided[2:]])
    rows = _choose(document)
    auth, more = read_auth(document, rows.operation if rows else None, api_url)
    notes += more
    if rows is None:
        notes.append("`api.py`: the definition has no call that lists objects; this one is invented.")
        if document.has_other_files():
            notes.append("`api.py`: the definition is divided into files; give one that has everything.")
        return attrs.evolve(plan, api_url=api_url, auth=auth, undecided=[*notes, *plan.undecided[2:]])
    settings, listing, more = _listing(document, rows, auth)
    row = rows.row()
    notes += [*more, *_open_points(rows, row, listing)]
    return attrs.evolve(
        plan,
        api_url=api_url,
        auth=auth,
        settings=settings,
        listing=listing,
        row=row,
        rows=rows.samples(row),
        undecided=notes,
    )


def _choose(document: Document) -> Rows | None:
    """Return the list that is most likely the one of what there is to carry."""
    found = (rows for operation in document.operations() if (rows := find_rows(document, operation)))
    return max(found, key=lambda rows: (rows.score, -len(rows.operation.path)), default=None)


def _server(document: Document, default: str) -> tuple[str, list[str]]:
    """Return the address of the API, and what is open about it."""
    given, variables = (_old_server(document), []) if document.is_old else _first_server(document)
    note = "`settings.py`: the public address of the API; the definition has "
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[\w.-]+(:\d+)?", parts.netloc, re.ASCII):
        return default, [f"{note}none."]
    address = f"https://{parts.netloc}{parts.path.rstrip('/')}"
    if not re.fullmatch(r"https://[\w.:/~-]+", address, re.ASCII) or len(address) > 80:
        return default, [f"{note}one that cannot be used."]
    notes = [] if parts.scheme == "https" else [f"{note}it without https."]
    if variables:
        notes.append(f"{note}it with {plain_text(', '.join(variables))} to be filled in.")
    return address, notes


def _first_server(document: Document) -> tuple[str, list[str]]:
    """Return the address of the first server with defaults filled in, and the names that it has in it."""
    servers = document.data.get("servers")
    server = document.follow(servers[0]) if isinstance(servers, list) and servers else {}
    variables = document.table(server, "variables")

    def value(match: re.Match[str]) -> str:
        return str(document.table(variables, match[1]).get("default", "example"))

    url = str(server.get("url", ""))
    return _PARAMETER.sub(value, url), _PARAMETER.findall(url)


def _old_server(document: Document) -> str:
    data = document.data
    schemes = data.get("schemes")
    scheme = "http" if isinstance(schemes, list) and schemes and "https" not in schemes else "https"
    return f"{scheme}://{data.get('host', '')}{data.get('basePath', '')}"


def _listing(document: Document, rows: Rows, auth: Auth) -> tuple[list[Setting], Listing, list[str]]:
    operation = rows.operation
    paging = guess_paging(document, operation)
    parameters = [each for each in operation.parameters if not is_key(each, auth)]
    needed = [each for each in parameters if _is_needed(each)]
    own_path, constants = _divide(operation.path)
    in_path = _PARAMETER.findall(own_path)
    known = {each["name"]: each for each in needed}
    originals = [*dict.fromkeys(in_path), *(name for name in known if name not in in_path)]
    names = dict(zip(originals, unique(originals, {*_OWN_SETTINGS, *CONNECTOR_KEYS}), strict=True))
    settings = [_setting(document, names[each], each, known.get(each, {})) for each in originals]
    path = "".join(_path_parts(own_path, names))
    query = constants | {each: f"settings.{names[each]}" for each in originals if each not in in_path}
    headers = [each["name"] for each in parameters if _is_open_header(each)]
    notes = [f"`api.py`: the list wants the header {plain_text(name)}." for name in headers]
    return settings, Listing(path, query, rows.wrapper, paging), notes


def _divide(path: str) -> tuple[str, dict[str, str]]:
    """Return a path without its query, and the constants of that: some definitions have it in the path."""
    plain = re.sub(r"\{[?&][^{}]*\}", "", path).partition("#")[0]
    own, _, query = plain.partition("?")
    constants = {name: json.dumps(value) for name, value in parse_qsl(query) if "{" not in value}
    return own, {name: value for name, value in constants.items() if not is_paging(name)}


def _path_parts(path: str, names: Mapping[str, str]) -> Iterator[str]:
    """Yield a path in parts: names in braces, and what is between them without any other brace."""
    if not path.startswith("/"):
        yield "/"
    # Every second part is the name of a parameter.
    for number, part in enumerate(_PARAMETER.split(path)):
        yield f"{{{names[part]}}}" if number % 2 else re.sub(r"[^A-Za-z0-9_/.~:@!$&'()*+,;=-]", "", part)


def _is_open_header(parameter: Mapping[str, Any]) -> bool:
    is_header = parameter.get("in") == "header" and parameter.get("required") is True
    return is_header and squeeze(parameter["name"]) not in _USUAL_HEADERS


def _is_needed(parameter: Mapping[str, Any]) -> bool:
    place, name = parameter.get("in"), str(parameter["name"])
    return place == "path" or (place == "query" and parameter.get("required") is True and not is_paging(name))


def _setting(document: Document, name: str, original: str, parameter: Mapping[str, Any]) -> Setting:
    about = plain_text(parameter.get("description"), 60)
    text = about if about.endswith(".") else f"{about or 'The parameter ' + plain_text(original)}."
    sample = sample_of(document, parameter if document.is_old else parameter.get("schema"))
    sample = parameter.get("example", sample)
    sample = sample[0] if isinstance(sample, list) and sample else sample
    is_plain = isinstance(sample, str | int) and not isinstance(sample, bool)
    value = re.sub(r"[^A-Za-z0-9_.-]", "-", str(sample))[:40] if is_plain else ""
    return Setting(name, text, options=("selects=True",), sample=value or "sample")


def _open_points(rows: Rows, row: Row, listing: Listing) -> Iterator[str]:
    """Yield what the definition does not say about the list."""
    operation: Operation = rows.operation
    own, paging = row.fields[0], listing.paging
    shown = re.sub(r"[^!-_a-~]", "", operation.path)[:90]
    yield f"`api.py`: whether `GET {shown}` is the list of what there is to carry."
    yield f"`api.py`: whether `{own.json}` is unique and stays the same."
    yield f"`api.py`: {_paging_point(operation, paging)}"
    yield "`listing.py`: how to ask for what has changed; now every listing reads everything, which is safe."
    if row.mark:
        mark = next(each.json for each in row.fields if each.name == row.mark)
        yield f"`transform.py`: whether `{mark}` changes with the file, and only then."
    else:
        yield "`transform.py`: which field changes with the file; now any changed field uploads it again."
    if row.file:
        file = next(each.json for each in row.fields if each.name == row.file)
        yield f"`transform.py`: whether `{file}` is the address of the original, and lasts."
    else:
        yield "`transform.py`: where the file of a row is; now its record is uploaded as a file."
    yield "`transform.py`: names, tags and metaproperties in the portal; no personal data in `raw`."


def _paging_point(operation: Operation, paging: Paging) -> str:
    return {
        "none": f"how the list is paged; {_pages_shown(operation)}, so one request reads it.",
        "number": f"whether `{paging.parameter}` counts pages from {paging.first}.",
        "offset": f"whether `{paging.parameter}` counts rows.",
        "cursor": f"whether `{'.'.join(paging.following)}` is the next `{paging.parameter}`.",
        "link": "whether each page but the last has a `Link` header with `next`.",
    }[paging.kind]


def _pages_shown(operation: Operation) -> str:
    """Return what a definition shows of pages that are not known."""
    names = [plain_text(each["name"]) for each in operation.parameters if each.get("in") == "query"]
    paged = ", ".join(f"`{name}`" for name in names if is_paging(name))
    return f"no field of the answer fits {paged}" if paged else "the definition shows no pages"
