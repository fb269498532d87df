"""Extensions of a connector: hook wrappers around `transform` and `push`, found by entry points.

An extension is an attrs class of `damlink.setting` fields; its methods are pluggy's hook wrappers.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from damlink import hookspecs
from damlink._config.parse import SecretOpener, parse
from damlink._model import About
from damlink._plugin.discovery import EXTENSION_GROUP, PluginInfo, find
from damlink._plugin.errors import import_error
from damlink._plugin.metadata import Metadata, read_metadata
from damlink._plugin.shape import argument_problem
from damlink._system.process import is_interrupt
from damlink.errors import ConfigError, PluginLoadError

if TYPE_CHECKING:
    from damlink._config.tables import ConnectorConfig

__all__ = ["WRAPPED", "load_class", "load_extensions"]

# The other hooks decide what a connector carries and as whom: that is the plugin's alone.
WRAPPED: Final = ("transform", "push")


def load_extensions(config: ConnectorConfig, about: About, open_secret: SecretOpener) -> Mapping[str, object]:
    """Return the extensions of a connector by name, in the order of the config; its metadata is the first.

    Raises:
        PluginLoadError: one is not installed, cannot be imported, or breaks the contract.
        ConfigError: one of its settings is wrong.
    """
    if config.metadata and not about.uploads:
        hint = "remove the table"
        raise ConfigError(f"{config.place}.metadata", f"{about.title} uploads nothing", hint=hint)
    own = {"metadata": Metadata(read_metadata(config, open_secret))} if config.metadata else {}
    extensions = config.extensions.items()
    return own | {name: _load(name, table, config, open_secret) for name, table in extensions}


def _load(name: str, table: Mapping[str, Any], config: ConnectorConfig, open_secret: SecretOpener) -> object:
    place = f"{config.place}.extensions.{name}"
    extension_class = load_class(find(name, place, EXTENSION_GROUP))
    return parse(extension_class, table, place, open_secret)


def load_class(info: PluginInfo) -> type[Any]:
    """Import the class of an extension, and check that it keeps the contract.

    Raises:
        PluginLoadError: it cannot be imported, or breaks the contract.
    """
    whose = f"extension {info.name!r} ({info.distribution} {info.version})"
    module, _, name = info.module.partition(":")
    try:
        extension_class = getattr(importlib.import_module(module), name)
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise import_error(error, whose, module) from error
    problem = next(_problems(extension_class), "")
    if problem:
        raise PluginLoadError(f"{whose}: {problem}", hint="report it to its author")
    return extension_class  # type: ignore[no-any-return]


def _problems(extension_class: Any) -> Iterator[str]:
    if not inspect.isclass(extension_class) or not attrs.has(extension_class):
        yield "it is no attrs class; decorate it with @attrs.frozen, and name it as `module:Class`"
        return
    marker = f"{hookspecs.PROJECT}_impl"
    hooks = {name: member for name, member in vars(extension_class).items() if hasattr(member, marker)}
    if not hooks:
        yield f"it wraps no hook; mark {' or '.join(WRAPPED)} with @hookimpl(wrapper=True)"
    for name, member in hooks.items():
        if name not in WRAPPED:
            yield f"it wraps {name}; an extension can wrap {' and '.join(WRAPPED)} only"
        elif not getattr(member, marker)["wrapper"]:
            yield f"{name} would replace the plugin's; mark it with @hookimpl(wrapper=True)"
        elif problem := argument_problem(name, member, method=True):
            yield problem
