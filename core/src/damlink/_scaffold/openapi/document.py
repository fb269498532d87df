"""An OpenAPI definition (2.0, 3.0 or 3.1) in JSON or YAML, with its references followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import attrs

from damlink._scaffold.openapi.examples import read_example, schema_of
from damlink.errors import ConfigError

__all__ = ["Document", "Operation", "read_document"]

_HINT: Final = "give an OpenAPI definition, version 2.0, 3.0 or 3.1, in JSON or YAML"
# References that lead to references; more are a circle.
_MOST_REFERENCES: Final = 20
_MOST_BYTES: Final = 64 << 20
# What is no text in YAML 1.2: its tag, its form, and with what it begins.
_DIGITS: Final = "-+0123456789"
_WORDS: Final = (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)$", list(_DIGITS)),
    (
        "float",
        r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$",
        list("." + _DIGITS),
    ),
    ("float", r"[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$", list("-+.")),
    ("merge", r"<<$", ["<"]),
)


@attrs.frozen
class Operation:
    """One GET call of a definition.

    Attributes:
        parameters: with their references followed, those of the path included.
        node: the operation's own object.
    """

    path: str
    node: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]


@attrs.frozen
class Document:
    """A parsed definition."""

    data: Mapping[str, Any]

    @property
    def is_old(self) -> bool:
        """True for version 2.0, called Swagger."""
        return "swagger" in self.data

    def table(self, node: Any, *names: str) -> Mapping[str, Any]:
        """Return the object below some names, its references followed; an empty one if there is none."""
        for name in names:
            node = self.follow(node).get(name)
        return self.follow(node)

    def follow(self, node: Any) -> Mapping[str, Any]:
        """Return an object, or the one that its reference leads to; an empty one if it is no object."""
        for _ in range(_MOST_REFERENCES):
            if not isinstance(node, Mapping):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._find(reference)
        return {}

    def _find(self, reference: str) -> Any:
        node: Any = self.data
        if not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and name.isdigit() and int(name) < len(node):
                node = node[int(name)]
            else:
                node = node.get(name) if isinstance(node, Mapping) else None
        return node

    def has_other_files(self) -> bool:
        """Return whether it has references to other files, which are not read."""
        left: list[Any] = [self.data]
        seen: set[int] = set()
        while left:
            node = left.pop()
            if id(node) in seen or not isinstance(node, Mapping | list):
                continue
            seen.add(id(node))
            left += node.values() if isinstance(node, Mapping) else node
            reference = node.get("$ref") if isinstance(node, Mapping) else None
            if isinstance(reference, str) and not reference.startswith("#"):
                return True
        return False

    def operations(self) -> Iterator[Operation]:
        """Yield every GET call."""
        for path, item in self.table(self.data, "paths").items():
            node = self.table(item, "get")
            if node:
                shared = self.follow(item).get("parameters")
                yield Operation(path, node, tuple(self._parameters(shared, node.get("parameters"))))

    def _parameters(self, *lists: Any) -> Iterator[Mapping[str, Any]]:
        found = (self.follow(each) for given in lists if isinstance(given, list) for each in given)
        unique = {
            (each.get("name"), each.get("in")): each for each in found if isinstance(each.get("name"), str)
        }
        yield from unique.values()

    def answer(self, operation: Operation) -> tuple[Mapping[str, Any], Any, Mapping[str, Any]]:
        """Return the schema of a successful answer, an example of it or `None`, and its headers.

        If the definition has an example alone, the schema is that of the example.
        """
        schema, example, headers = self._answer(operation)
        example = read_example(example)
        return schema or schema_of(example), example, headers

    def _answer(self, operation: Operation) -> tuple[Mapping[str, Any], Any, Mapping[str, Any]]:
        responses = self.table(operation.node, "responses")
        names = [name for name in responses if name.startswith("2") or name == "default"]
        response = self.follow(responses[min(names)]) if names else {}
        headers = self.table(response, "headers")
        if self.is_old:
            example = self.table(response, "examples").get("application/json")
            return self.table(response, "schema"), example, headers
        for media, node in self.table(response, "content").items():
            if "json" in media or media == "*/*":
                content = self.follow(node)
                return self.table(content, "schema"), self._example(content), headers
        return {}, None, headers

    def _example(self, content: Mapping[str, Any]) -> Any:
        if "example" in content:
            return content["example"]
        for each in self.table(content, "examples").values():
            return self.follow(each).get("value")
        return None


def read_document(path: Path) -> Document:
    """Read a definition.

    Raises:
        ConfigError: it cannot be read, or is no definition.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(str(path), f"is larger than {_MOST_BYTES >> 20} MiB", hint=_HINT)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), f"cannot be read: {error}", hint=_HINT) from error
    data = _parse(path, text)
    is_known = isinstance(data, dict) and ("openapi" in data or "swagger" in data)
    if not is_known or not isinstance(data.get("paths", {}), dict | None):
        raise ConfigError(str(path), "is no OpenAPI definition", hint=_HINT)
    return Document(data)


def _parse(path: Path, text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            # YAML has a form that looks like JSON.
            pass
    try:
        import yaml  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        hint = "pip install 'damlink[openapi]'"
        raise ConfigError(str(path), "is YAML, which needs PyYAML", hint=hint) from error
    try:
        return _with_text_keys(yaml.load(text, _loader(yaml)), {})  # noqa: S506 - a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(str(path), f"is neither JSON nor YAML: {what}", hint=_HINT) from error


def _loader(yaml: Any) -> Any:
    """Return a safe loader that reads plain words as YAML 1.2 does, of which JSON is a part.

    In YAML 1.1 dates, `12:30`, `on`, `no` and `=` are no texts.
    """

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        yaml_implicit_resolvers: Mapping[str, Any] = {}

    for tag, pattern, letters in _WORDS:
        Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), letters)
    return Loader


def _with_text_keys(node: Any, known: dict[int, Any]) -> Any:
    """Return the same with texts as keys. What several aliases share stays shared."""
    if not isinstance(node, dict | list):
        return node
    if id(node) not in known:
        known[id(node)] = {} if isinstance(node, dict) else []
        if isinstance(node, dict):
            known[id(node)].update({_text(key): _with_text_keys(value, known) for key, value in node.items()})
        else:
            known[id(node)].extend(_with_text_keys(value, known) for value in node)
    return known[id(node)]


def _text(key: Any) -> str:
    """Return a key as it was written: `200`, `true`, `null`."""
    return key if isinstance(key, str) else json.dumps(key, default=str)
