"""Commands derived from methods: the signature gives the options, the docstring the help."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import attrs
import click

from damlink._cli._values import (
    ExistingFile,
    holds_paths,
    parse_json,
    parse_mapping,
    parse_moment,
    read_file,
    read_secret,
    secret_from_environment,
)
from damlink._secret import Secret

__all__ = ["Parameter", "arguments_of", "click_parameters", "parameters_of", "summary_of", "text_of"]

_SECTION: Final = re.compile(r"^(Args|Attributes|Returns|Yields|Raises|Source):", re.MULTILINE)
_ITEM: Final = re.compile(r"^    (\w+): (.*(?:\n     .*)*)", re.MULTILINE)
# Of a union's members, the first in this order is what is typed on a command line.
_RANK: Final = (Path, Sequence, Mapping, Secret, bool, str, datetime, int, float, bytes)


@attrs.frozen(kw_only=True)
class Parameter:
    """One argument of a method.

    Attributes:
        kind: its type, without `None`: a class, or the bare container of `of`.
        of: what a container holds; of a mapping, its values; the choices of a literal.
        default: `inspect.Parameter.empty` if it is required, or optional without a default value.
    """

    name: str
    kind: Any
    of: Any
    default: Any
    required: bool
    positional: bool
    help: str

    @property
    def option(self) -> str:
        """The name on the command line, without the dashes."""
        return self.name.replace("_", "-")


def text_of(method: Callable[..., Any]) -> str:
    """Return the description in a method's docstring, without its sections."""
    documented = inspect.getdoc(method) or ""
    section = _SECTION.search(documented)
    return documented[: section.start()].strip() if section else documented


def summary_of(thing: Any) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


def parameters_of(method: Callable[..., Any]) -> Iterator[Parameter]:
    """Yield the parameters of a method in order; a typed `**fields` yields each of its fields."""
    hints, helps = typing.get_type_hints(method), _helps(method)
    for each in inspect.signature(method).parameters.values():
        if each.name == "self":
            continue
        if each.kind is each.VAR_KEYWORD:
            yield from _unpack(typing.get_args(hints[each.name])[0])
            continue
        yield _parameter(
            each.name,
            hints[each.name],
            each.default,
            required=each.default is each.empty,
            positional=each.kind is each.POSITIONAL_ONLY,
            help=helps.get(each.name, ""),
        )


def _unpack(fields: Any) -> Iterator[Parameter]:
    helps = _helps(fields)
    for name, hint in typing.get_type_hints(fields).items():
        empty = inspect.Parameter.empty
        yield _parameter(name, hint, empty, required=False, positional=False, help=helps.get(name, ""))


def _parameter(name: str, hint: Any, default: Any, **facts: Any) -> Parameter:
    kind, of = _kind(hint)
    return Parameter(name=name, kind=kind, of=of, default=default, **facts)


def _kind(hint: Any) -> tuple[Any, Any]:
    """Return the type that decides the option, without `None`, and the type of its items."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        members = [_kind(each) for each in inner if each is not type(None)]
        return min(members, key=lambda member: _RANK.index(member[0]) if member[0] in _RANK else -1)
    if origin is typing.Literal:
        return typing.Literal, inner
    if origin in (Sequence, tuple, list):
        return Sequence, inner[0]
    if origin in (Mapping, dict):
        return Mapping, inner[1]
    return hint, None


def _helps(documented: Any) -> dict[str, str]:
    """Return the texts of the section `Args`, each in one line, by parameter."""
    _, _, section = (inspect.getdoc(documented) or "").partition("Args:\n")
    following = _SECTION.search(section)
    items = _ITEM.findall(section[: following.start()] if following else section)
    return {name: _sentence(name, " ".join(text.split())) for name, text in items}


def _sentence(name: str, text: str) -> str:
    """Complete a text that continues its name: `brand_id: of the brand.` gives `Id of the brand.`."""
    *others, last = name.split("_")
    noun = last if last in ("id", "ids") else " ".join([*others, last])
    whole = f"{noun} {text}" if text.startswith("of ") else text
    return whole[0].upper() + whole[1:]


def click_parameters(method: Callable[..., Any]) -> list[click.Parameter]:
    """Return the options and arguments of the command that calls a method."""
    parameters = list(parameters_of(method))
    names = {parameter.option for parameter in parameters}
    return [made for parameter in parameters for made in _convert(parameter, names)]


def _convert(parameter: Parameter, names: Set[str]) -> Iterator[click.Parameter]:
    if parameter.positional:
        yield click.Argument([parameter.name], metavar=parameter.name.upper())
    elif parameter.kind is Secret:
        yield from _secret_options(parameter)
    elif parameter.kind is bool:
        flag = f"--{parameter.option}"
        both = f"{flag}/--no-{parameter.option}"
        yield _option(parameter, flag if parameter.default is False else both, is_flag=True, default=None)
    elif parameter.kind in (Sequence, Mapping):
        yield _option(parameter, *_spellings(parameter.option, names), multiple=True, **_item_type(parameter))
    else:
        yield _option(
            parameter,
            f"--{parameter.option}",
            **_single(parameter.kind, parameter.of, optional=not parameter.required),
        )


def _secret_options(parameter: Parameter) -> Iterator[click.Parameter]:
    # The value itself is never an argument: other users could read it in the process list.
    yield click.Option(
        [f"--{parameter.option}"],
        type=read_secret,
        metavar="-",
        help=f"{parameter.help} `-`: read it from standard input.",
    )
    variable = f"--{parameter.option}-env"
    yield click.Option([variable], metavar="NAME", help="Read it from this environment variable.")


def _option(parameter: Parameter, *spellings: str, **settings: Any) -> click.Option:
    shown = parameter.default not in (None, False, (), inspect.Parameter.empty)
    text = f"{parameter.help} [default: {parameter.default}]" if shown else parameter.help
    return click.Option([*spellings, parameter.name], help=text, required=parameter.required, **settings)


def _spellings(option: str, names: Set[str]) -> list[str]:
    """Return the names of an option that may be repeated: also the singular, if that is no other option."""
    singular = f"{option[:-3]}y" if option.endswith("ies") else option.removesuffix("s")
    if singular in names or option.endswith("ss"):
        return [f"--{option}"]
    return [f"--{singular}", f"--{option}"]


def _item_type(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind is Mapping:
        return {"metavar": "NAME=PATH" if holds_paths(parameter.of) else "NAME=VALUE"}
    kind, of = _kind(parameter.of)
    return _single(kind, of) if kind is not Mapping else {"type": parse_json, "metavar": "JSON"}


def _single(kind: Any, of: Any, *, optional: bool = False) -> dict[str, Any]:
    if kind is typing.Literal:
        return {"type": click.Choice([str(each) for each in of])}
    if kind in (Path, bytes):
        # A file to send must exist; an optional one may be a file to write.
        exists = kind is bytes or not optional
        written = click.Path(path_type=Path, dir_okay=False)
        return {"type": ExistingFile() if exists else written, "metavar": "FILE"}
    if kind is datetime:
        return {"type": parse_moment, "metavar": "MOMENT"}
    if kind in (str, int, float):
        return {"type": kind}
    return {"type": parse_json, "metavar": "JSON"}


def arguments_of(method: Callable[..., Any], values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments to call a method with; omitted options are left to the method's defaults.

    Args:
        values: of the options and arguments; used ones are removed from it.

    Raises:
        click.UsageError: a mapping or a secret is invalid.
    """
    positional, named = [], {}
    for parameter in parameters_of(method):
        value = _value(parameter, values)
        if parameter.positional:
            positional.append(value)
        elif value is not None:
            named[parameter.name] = value
    return positional, named


def _value(parameter: Parameter, values: dict[str, Any]) -> Any:
    value = values.pop(parameter.name)
    if parameter.kind is Secret:
        return _secret_value(parameter, value, values.pop(f"{parameter.name}_env"))
    if parameter.kind is Mapping:
        return parse_mapping(value, parameter.of, f"--{parameter.option}") if value else None
    if parameter.kind is Sequence:
        return list(value) or None
    return read_file(value) if parameter.kind is bytes and value else value


def _secret_value(parameter: Parameter, value: Secret | None, variable: str | None) -> Secret | None:
    if value is None and variable is not None:
        value = secret_from_environment(variable)
    if value is None and parameter.required:
        option = f"--{parameter.option}"
        raise click.UsageError(f"Missing option '{option} -' or '{option}-env'")
    return value
