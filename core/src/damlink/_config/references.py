"""References to secrets, as the config has them: a table with one key, which says where the secret is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["REFERENCE_KINDS", "is_reference", "reference_text"]

REFERENCE_KINDS: Final = ("env", "file", "secret")


def is_reference(value: Any) -> bool:
    """Return whether a value of the config is a reference to a secret."""
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in REFERENCE_KINDS


def reference_text(reference: Mapping[str, Any]) -> str:
    """Return a reference as after `--set KEY=`, such as `env:TOKEN`."""
    return ":".join(map(str, *reference.items()))
