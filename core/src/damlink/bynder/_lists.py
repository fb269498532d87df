"""Common rule for list arguments: a single value is a list of one, and is never split into letters."""

from __future__ import annotations

import functools
import inspect
import sys
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
        TypeError: at the call: the method has no such argument.
        ArgumentError: at the call: an item of a list of texts is not a text.
    """
    has_lists = any(_may_be_list(hint) for hint in method.__annotations__.values())

    @functools.cache
    def facts() -> tuple[inspect.Signature, Mapping[str, Any]]:
        # The annotations can be resolved only after the whole package is imported.
        return inspect.signature(method), {name: _item(hint) for name, hint in _argument_types(method)}

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        signature, items = facts() if has_lists else (None, method.__annotations__)
        for name in named:
            # Python does not check a typed `**`, and the portal would ignore a misspelt argument.
            if name not in items:
                raise TypeError(f"unexpected argument {name!r}")
        if signature is None:
            return method(*arguments, **named)
        bound = signature.bind(*arguments, **named)
        for given in (bound.arguments, *_keyword_mappings(signature, bound)):
            for name in items.keys() & given.keys():
                if items[name] is not None:
                    given[name] = _list_of(name, given[name], items[name])
        return method(*bound.args, **bound.kwargs)

    return typing.cast("_Method", call)


def list_arguments(method: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield each argument of a method that takes a list, with the type of its items."""
    yield from ((name, item) for name, hint in _argument_types(method) if (item := _item(hint)) is not None)


def _argument_types(method: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arguments of a method with their types; a typed `**` counts as those that it declares."""
    declared = {name: hint for name, hint in method.__annotations__.items() if name != "return"}
    for name, hint in _evaluate_lists(declared, inspect.unwrap(method).__globals__):
        if typing.get_origin(hint) is typing.Unpack:
            (fields,) = typing.get_args(hint)
            yield from _evaluate_lists(fields.__annotations__, vars(sys.modules[fields.__module__]))
        else:
            yield name, hint


def _evaluate_lists(hints: Mapping[str, Any], names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each annotation, evaluated only if it may be a list: that takes as long as a request."""
    for name, hint in hints.items():
        alone = types.SimpleNamespace(__annotations__={name: hint})
        yield name, typing.get_type_hints(alone, names)[name] if _may_be_list(hint) else None


def _may_be_list(hint: Any) -> bool:
    """Return whether an annotation names the type of a list, or arguments that are declared elsewhere."""
    return "Sequence[" in str(hint) or "Unpack[" in str(hint)


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
