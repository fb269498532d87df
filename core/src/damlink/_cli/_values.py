"""Parsers of values on the command line: moments, JSON, NAME=VALUE, files, secrets."""

from __future__ import annotations

import json
import os
import sys
import typing
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from damlink._secret import Secret

__all__ = [
    "ExistingFile",
    "holds_paths",
    "parse_json",
    "parse_mapping",
    "parse_moment",
    "read_file",
    "read_secret",
    "secret_from_environment",
]


def parse_moment(value: str) -> datetime:
    """Parse a date or a moment in ISO 8601."""
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        wanted = "2026-01-31 or 2026-01-31T12:00:00Z"
        raise click.BadParameter(f"{value!r} is no date, such as {wanted}") from error


def parse_json(value: str) -> Any:
    """Parse a JSON value."""
    try:
        return json.loads(value)
    except ValueError as error:
        raise click.BadParameter(f"this is no JSON: {error}") from error


def read_secret(value: str) -> Secret:
    """Read a secret from standard input, or ask for it on a terminal.

    Raises:
        click.BadParameter: the value is not `-`.
    """
    if value != "-":
        raise click.BadParameter("a secret is no argument; write - and give it on standard input")
    if sys.stdin.isatty():
        return Secret(str(click.prompt("secret", hide_input=True)))
    # A secret cannot contain a line break, so the first line is the whole secret.
    return Secret(sys.stdin.readline().rstrip("\r\n"))


def secret_from_environment(variable: str) -> Secret:
    """Read a secret from an environment variable.

    Raises:
        click.UsageError: the variable is not set.
    """
    value = os.environ.get(variable)
    if not value:
        raise click.UsageError(f"The environment variable {variable} is not set")
    return Secret(value)


def parse_mapping(words: Sequence[str], of: Any, option: str) -> dict[str, Any]:
    """Join several NAME=VALUE or JSON objects into one mapping.

    Args:
        of: the type of the values; if it is a list, a repeated name collects its values.

    Raises:
        click.UsageError: a word is neither.
    """
    several = any(typing.get_origin(each) is Sequence for each in typing.get_args(of))
    mapping: dict[str, Any] = {}
    for word in words:
        for name, value in _pairs(word, option).items():
            read = _paths(value) if holds_paths(of) else value
            mapping[name] = (
                [*_several(mapping[name]), *_several(read)] if several and name in mapping else read
            )
    return mapping


def holds_paths(of: Any) -> bool:
    """Return whether the values of a mapping are files."""
    return of is Path or Path in typing.get_args(of)


def _paths(value: Any) -> Any:
    return [Path(each) for each in value] if isinstance(value, list) else Path(value)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _pairs(word: str, option: str) -> dict[str, Any]:
    if not word.startswith("{"):
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise click.UsageError(f"{option}: {word!r} is neither NAME=VALUE nor a JSON object")
        return {name: value}
    try:
        pairs: dict[str, Any] = json.loads(word)
    except ValueError as error:
        raise click.UsageError(f"{option}: this is no JSON object: {error}") from error
    return pairs


def read_file(path: Path) -> bytes:
    """Return what is in a file.

    Raises:
        OSError: it cannot be read; it names the file.
    """
    from damlink._system.disk import naming

    with naming(path):
        return path.read_bytes()


class ExistingFile(click.Path):
    """A file that is there, as a path; click calls one that cannot be looked at missing."""

    def __init__(self) -> None:
        super().__init__(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path.

        Raises:
            ConfigError: the system refuses to look at it.
            click.BadParameter: there is no such file.
        """
        from damlink._system.disk import cure_of
        from damlink.errors import ConfigError

        try:
            Path(value).stat()
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            hint = cure_of(error, "make it a readable file")
            raise ConfigError(str(value), f"cannot be read: {error.strerror}", hint=hint) from error
        return super().convert(value, param, ctx)
