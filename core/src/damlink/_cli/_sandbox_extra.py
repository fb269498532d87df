"""The sandbox, which is an extra: or how to install it."""

from __future__ import annotations

from types import ModuleType

from damlink.errors import ConfigError

__all__ = ["sandbox_module"]


def sandbox_module() -> ModuleType:
    """`damlink_sandbox`, if what it needs is installed."""
    try:
        import damlink_sandbox
    except ModuleNotFoundError as error:
        hint = "install damlink-sandbox"
        raise ConfigError("", f"the sandbox needs {error.name}", hint=hint) from error
    return damlink_sandbox
