"""Place of the config. It is found, or missing, before anything large is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from damlink.errors import ConfigError

__all__ = ["FILENAME", "find", "missing"]

FILENAME: Final = "damlink.toml"


def find(given: str | os.PathLike[str] | None) -> Path:
    """Return the config's path: the given one, else `DAMLINK_CONFIG`, else in the current folder."""
    return Path(given or os.environ.get("DAMLINK_CONFIG") or FILENAME)


def missing(path: Path) -> ConfigError:
    """Return the error of a config that does not exist."""
    hint = "make one with `damlink init`, or name it with --config or DAMLINK_CONFIG"
    return ConfigError(str(path), "there is no such file", hint=hint)
