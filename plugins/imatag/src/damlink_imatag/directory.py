"""The folder at Imatag that receives the files, and the path of each file in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from damlink import Context
from damlink.errors import ConfigError
from damlink_imatag import api

__all__ = ["checked", "normalised", "path_of"]

LONGEST_STEM: Final = 80  # characters; assumed to fit any limit
_UNSAFE: Final = frozenset('/\\:*?"<>|')


def checked(ctx: Context) -> str:
    """The directory of the settings, made sure of: it begins with a home directory of the account.

    Raises:
        ConfigError: it does not, and which there are.
        AuthError: Imatag refuses the credentials.
    """
    place = f"connectors.{ctx.connector}.directory"
    try:
        directory = normalised(ctx.settings.directory)
    except ValueError as error:
        raise ConfigError(place, str(error), hint="write it like acme/bynder") from error
    homes = _homes(ctx)
    if not homes:
        hint = f"set connectors.{ctx.connector}.username"
        raise ConfigError(place, "Imatag does not tell the account's home directory", hint=hint)
    if not any(f"{directory}/".startswith(f"{home}/") for home in homes):
        hint = f"begin it with {' or '.join(homes)}"
        raise ConfigError(place, f"{directory!r} is outside the account's home directories", hint=hint)
    return directory


def _homes(ctx: Context) -> list[str]:
    account = api.account(ctx.http, ctx.settings)
    told: Iterable[str] = account.homedirs or (account.username or ctx.settings.username,)
    return [unicodedata.normalize("NFC", home.strip("/")) for home in told if home.strip("/")]


def normalised(directory: str) -> str:
    """A directory in its one spelling: parts by `/`, NFC, without `.`, `..` or an empty part.

    Raises:
        ValueError: it has one of these, or a backslash.
    """
    text = unicodedata.normalize("NFC", directory.strip()).strip("/")
    parts = text.split("/")
    if "\\" in text or any(part.strip() in ("", ".", "..") for part in parts):
        raise ValueError(f"{directory!r} is no path of folders")
    return "/".join(parts)


def path_of(directory: str, filename: str, media_id: str, version: str, attempt: int) -> str:
    """The path of one original: told apart from every other by the asset, its version, and the attempt."""
    name = PurePosixPath(unicodedata.normalize("NFC", filename))
    stem = "".join("-" if character in _UNSAFE or not character.isprintable() else character
                   for character in name.stem)  # fmt: skip
    again = f"-{attempt}" if attempt > 1 else ""
    return f"{directory}/{stem[:LONGEST_STEM].strip() or 'media'}-{media_id}-{version}{again}{name.suffix}"
