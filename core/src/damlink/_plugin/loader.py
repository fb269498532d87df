"""Import one plugin, and verify that it keeps the contract of the hooks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pluggy

from damlink._plugin.errors import import_error
from damlink._plugin.hooks import Plugin
from damlink._plugin.shape import (
    HOOKS,
    REQUIRED,
    SOURCES,
    declaration_problem,
    function_problem,
    hook_problem,
)
from damlink._system.process import is_interrupt
from damlink.errors import PluginLoadError

if TYPE_CHECKING:
    from damlink._plugin.discovery import PluginInfo

__all__ = ["load"]


def load(info: PluginInfo, name: str | None = None) -> Plugin:
    """Import a plugin and check that it keeps the contract.

    Args:
        name: of the connector; the plugin's if not given.

    Raises:
        PluginLoadError: it cannot be imported, or a hook breaks the contract; names the hook.
    """
    whose = f"plugin {info.name!r} ({info.distribution} {info.version})"
    try:
        return _load(info, name, whose)
    except PluginLoadError:
        raise
    except pluggy.PluginValidationError as error:
        raise PluginLoadError(f"{whose}: {error}", hint=f"the hooks are {', '.join(HOOKS)}") from error
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise import_error(error, whose, info.module) from error


def _load(info: PluginInfo, name: str | None, whose: str) -> Plugin:
    module = importlib.import_module(info.module)
    problem = hook_problem(module) or function_problem(module) or declaration_problem(module)
    if problem:
        raise PluginLoadError(f"{whose}: {problem}")
    plugin = Plugin(name or info.name, module, info)
    missing = [hook for hook in REQUIRED if hook not in plugin.hooks]
    if missing:
        hint = f"define {missing[0]} with @hookimpl"
        raise PluginLoadError(f"{whose}: it has no hook {missing[0]}", hint=hint)
    if not plugin.hooks & set(SOURCES):
        hint = "define list_source_assets or on_event with @hookimpl"
        raise PluginLoadError(f"{whose}: nothing brings it assets", hint=hint)
    return plugin
