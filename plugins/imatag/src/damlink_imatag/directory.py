"""Folder at Imatag for the files, and the path of each file in it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

from damlink import Context
from damlink.errors import ConfigError
from damlink_imatag import api

__all__ = ["normalise", "path_of", "verify"]

# Characters; assumed to fit any limit.
LONGEST_STEM: Final = 80
_UNSAFE: Final = frozenset('/\\:*?"<>|')


def verify(ctx: Context) -> str:
    """Return the directory of the settings. It must begin with a home directory of the account.

    Raises:
        ConfigError: it does not; the hint names the home directories.
        AuthError: Imatag refuses the credentials.
    """
    place = f"connectors.{ctx.connector}.directory"
    try:
        directory = normalise(ctx.settings.directory)
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
    names: Iterable[str] = account.homedirs or (account.username or ctx.settings.username,)
    return [unicodedata.normalize("NFC", home.strip("/")) for home in names if home.strip("/")]


def normalise(directory: str) -> str:
    """Return the directory in its normal form: parts separated by `/`, in NFC.

    Raises:
        ValueError: it contains `.`, `..`, an empty part or a backslash.
    """
    text = unicodedata.normalize("NFC", directory.strip()).strip("/")
    parts = text.split("/")
    if "\\" in text or any(part.strip() in ("", ".", "..") for part in parts):
        raise ValueError(f"{directory!r} is no path of folders")
    return "/".join(parts)


def path_of(directory: str, filename: str, media_id: str, version: str, attempt: int) -> str:
    """Return the path of one original. Asset, version and attempt make it unique."""
    name = PurePosixPath(unicodedata.normalize("NFC", filename))
    stem = "".join("-" if character in _UNSAFE or not character.isprintable() else character
                   for character in name.stem)  # fmt: skip
    again = f"-{attempt}" if attempt > 1 else ""
    return f"{directory}/{stem[:LONGEST_STEM].strip() or 'media'}-{media_id}-{version}{again}{name.suffix}"
