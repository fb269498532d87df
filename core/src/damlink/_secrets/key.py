"""The key of the encrypted values: from `DAMLINK_KEY`, a key file or the OS keyring, or a new key file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from damlink._system.disk import cure_of
from damlink._system.private_files import warn_if_shared
from damlink.errors import ConfigError

__all__ = ["KEY_FILE", "find_key", "replace_key_file"]

KEY_FILE: Final = "damlink.key"
_SERVICE: Final = "damlink"


def find_key(folder: Path, make: Callable[[], str]) -> tuple[str, str]:
    """Return the key and its source. Create one if there is none.

    Args:
        folder: the folder of the key file, beside the database or the config.
        make: creates a new key, which is stored in a new file of mode 0600.
    """
    if key := os.environ.get("DAMLINK_KEY"):
        return key, "DAMLINK_KEY"
    file = folder / KEY_FILE
    if _exists(file):
        warn_if_shared(file)
        return _read(file), str(file)
    if key := _from_keyring(str(folder)):
        return key, "the OS keyring"
    return _create(file, make), str(file)


def replace_key_file(file: Path, keys: Sequence[str]) -> None:
    """Replace the keys in the file atomically; durable when this returns.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        name = _write_new(file, "\n".join(keys))
        Path(name).replace(file)
        # Makes the renaming itself durable.
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        what = f"cannot write the key: {error.strerror}"
        raise ConfigError(str(file), what, hint=cure_of(error, "make its folder writable")) from error


def _write_new(file: Path, text: str) -> str:
    """Write a new file of mode 0600 beside the key file; return its name."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
    with os.fdopen(handle, "w", encoding="ascii") as opened:
        opened.write(f"{text}\n")
        opened.flush()
        os.fsync(opened.fileno())
    return name


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError as error:
        raise ConfigError(str(file), f"cannot read the key: {error.strerror}", hint=cure_of(error)) from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise ConfigError(str(file), f"cannot read the key: {error.strerror}", hint=cure_of(error)) from error
    except UnicodeDecodeError as error:
        hint = "put back the key file of this database"
        raise ConfigError(str(file), f"cannot read the key: {error}", hint=hint) from error


def _create(file: Path, make: Callable[[], str]) -> str:
    key = make()
    try:
        name = _write_new(file, key)
        try:
            # Atomic: another process may be reading at the same moment.
            os.link(name, file)
        finally:
            Path(name).unlink()
    except FileExistsError:  # created by another process meanwhile
        return _read(file)
    except OSError as error:
        cure = cure_of(error, "make its folder writable")
        hint = f"{cure}, or set DAMLINK_KEY (`damlink secret key` makes one)"
        raise ConfigError(str(file), f"cannot write a key: {error.strerror}", hint=hint) from error
    return key


def _from_keyring(name: str) -> str | None:
    import keyring  # slow to import, and rarely needed
    import keyring.errors

    try:
        return keyring.get_password(_SERVICE, name)
    except keyring.errors.KeyringError:  # no keyring here, or it is locked
        return None
