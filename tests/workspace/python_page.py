"""The page of docs/reference about the client in Python: its resources, with an example of each."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Final

from damlink._cli._derived import parameters_of, summary_of, text_of
from damlink._cli.bynder import actions, resources

__all__ = ["example_of", "python_page"]

_EXAMPLE: Final = re.compile(r"^Example:\n((?:    .*\n?|\n)+)", re.MULTILINE)
_RAISES: Final = re.compile(r"^Raises:\n((?:    .*\n?)+)", re.MULTILINE)


def example_of(kind: type) -> str:
    """Return the example in the docstring of a class, as it may be run; empty if there is none."""
    found = _EXAMPLE.search(inspect.getdoc(kind) or "")
    return f"{textwrap.dedent(found[1]).strip()}\n" if found else ""


def python_page() -> Iterator[str]:
    """Yield the page, paragraph by paragraph."""
    yield "# The Bynder client in Python\n"
    yield (
        "`damlink.bynder.Portal` has an attribute for each part of Bynder's API. This page is generated from "
        "the docstrings, and a test runs every example. How to sign in, to upload and to download, and what "
        "lists and errors are: see [Use the Bynder client](../how-to/use-the-bynder-client.md). The same "
        "calls as commands: see [Bynder's API](bynder.md).\n"
    )
    for name, kind in resources().items():
        yield f"## `portal.{name}`\n"
        yield f"{summary_of(kind)}\n"
        yield f"```python\n{example_of(kind)}```\n"
        for method, function in actions(kind):
            yield from _method(f"portal.{name}", method, function)


def _method(owner: str, name: str, method: Callable[..., Any]) -> Iterator[str]:
    yield f"### `{owner}.{name}`\n"
    yield f"`{name}({_arguments(method)})`{_returns(method)}\n"
    yield f"{text_of(method)}\n"
    items = [f"- `{each.name}`: {each.help}" for each in parameters_of(method) if each.help]
    yield from ("\n".join(items) + "\n",) if items else ()
    if raises := _RAISES.search(inspect.getdoc(method) or ""):
        yield f"Raises {_one_line(raises[1])}\n"


def _arguments(method: Callable[..., Any]) -> str:
    """Return the names of the arguments, with the values of those that may be left out."""
    shown: list[str] = []
    for each in parameters_of(method):
        if not each.positional and not shown.count("*") and _is_keyword(method, each.name):
            shown.append("*")
        default = (
            "" if each.required else "=…" if each.default is inspect.Parameter.empty else f"={each.default!r}"
        )
        shown.append(f"{each.name}{default}")
    return ", ".join(shown)


def _is_keyword(method: Callable[..., Any], name: str) -> bool:
    """Return whether an argument is given by name only; so are those of a typed `**`."""
    found = inspect.signature(method).parameters.get(name)
    return found is None or found.kind is found.KEYWORD_ONLY


def _returns(method: Callable[..., Any]) -> str:
    returned = str(inspect.signature(method).return_annotation)
    return "" if returned == "None" else f" → `{returned}`"


def _one_line(items: str) -> str:
    """Return the items of a section as one sentence after another, with the names as code."""
    joined = re.sub(r"\n {8,}", " ", textwrap.dedent(items).strip().replace("\n    ", " "))
    return "; ".join(re.sub(r"^(\w+):", r"`\1`:", line).rstrip(".") for line in joined.splitlines()) + "."
