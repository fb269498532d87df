"""Common rule for list arguments: a single value is a list of one, and is never split into letters."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from damlink.errors import ArgumentError

__all__ = ["accept_single_values", "list_arguments"]

_Method = TypeVar("_Method", bound=Callable[..., Any])


def accept_single_values(method: _Method) -> _Method:
    """Wrap a method so that each of its list arguments accepts a single value as well.

    Raises:
        ArgumentError: at the call: an item of a list of texts is not a text.
    """

    @functools.cache
    def facts() -> tuple[inspect.Signature, Mapping[str, Any]]:
        # The annotations can be resolved only after the whole package is imported.
        return inspect.signature(method), dict(list_arguments(method))

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        signature, lists = facts()
        if not lists:
            return method(*arguments, **named)
        bound = signature.bind(*arguments, **named)
        for given in (bound.arguments, *_keyword_mappings(signature, bound)):
            for name in lists.keys() & given.keys():
                given[name] = _list_of(name, given[name], lists[name])
        return method(*bound.args, **bound.kwargs)

    return typing.cast("_Method", call)


def list_arguments(method: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield each argument of a method that takes a list, with the type of its items."""
    for name, hint in typing.get_type_hints(method).items():
        if name != "return":
            fields = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Unpack else None
            hints = typing.get_type_hints(fields) if fields else {name: hint}
            yield from ((each, item) for each, kind in hints.items() if (item := _item(kind)) is not None)


def _item(hint: Any) -> Any:
    """Return the type of a list's items, or `None` if the type is not a list."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return next((item for each in typing.get_args(hint) if (item := _item(each)) is not None), None)
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Sequence else None


def _keyword_mappings(
    signature: inspect.Signature, bound: inspect.BoundArguments
) -> Iterator[dict[str, Any]]:
    """Yield the arguments that a method takes by `**`."""
    for each in signature.parameters.values():
        if each.kind is each.VAR_KEYWORD and each.name in bound.arguments:
            yield bound.arguments[each.name]


def _list_of(name: str, value: Any, item: Any) -> Any:
    if value is None or (isinstance(value, Mapping) and item is str):
        return value
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        value = [value]
    return [_text(name, each) for each in value] if item is str else [*value]


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ArgumentError(f"{name}: each item must be a text, not {value!r:.80}", hint="give a list of texts")
