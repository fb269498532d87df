"""Translation of what a hook raises into an error of Damlink, which ends one row or one listing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

import httpx

from damlink._plugin.traces import find_place, package_of
from damlink._system.disk import cure_of, describe_error, is_file_error
from damlink._system.keepable import clean, describe, seconds, shorten
from damlink.errors import (
    ArgumentError,
    ConfigError,
    ConnectorError,
    DamlinkError,
    NotYet,
    PluginBugError,
    PluginLoadError,
    TransientError,
)

__all__ = ["PLUGIN_HINT", "import_error", "name_setting", "translate"]

PLUGIN_HINT: Final = "report it to the plugin's author"
_FIRST_NAME: Final = re.compile(r"[.\[]")
NO_REASON: Final = "no reason given"

# Set by `ConnectorError.__init__`, which a plugin's subclass may not call.
_OWN: Final = ("connector", "hook", "source_id", "status", "body", "request")


def translate(error: BaseException, who: str, place: str = "") -> DamlinkError:
    """Return the error of Damlink, with a text that can be stored, for an exception of a hook.

    Args:
        who: the hook and its distribution, as the error names them.
        place: file and line of the code that raised it, if they are known.
    """
    if isinstance(error, json.JSONDecodeError):
        return TransientError(f"the partner's answer is not JSON: {describe(error)}")
    if isinstance(error, httpx.HTTPError):
        return TransientError(f"the connection broke: {describe(error) or type(error).__name__}")
    if isinstance(error, OSError) and is_file_error(error):
        return TransientError(describe_error(error), hint=cure_of(error))
    if isinstance(error, ArgumentError):
        # A wrong call in the hook is a bug of the plugin, not a refusal by the portal.
        return _bug(error, who, place)
    if isinstance(error, DamlinkError):
        try:
            return _tidy(error)
        except Exception as worse:  # noqa: BLE001 - a subclass of the plugin's own may break anywhere
            return _bug(worse, who, place)
    return _bug(error, who, place)


def name_setting(error: DamlinkError, connector: str, settings_class: type) -> None:
    """Let an error that names a setting of a connector name the connector, too."""
    if not isinstance(error, ConfigError):
        return
    fields = {field.name for field in getattr(settings_class, "__attrs_attrs__", ())}
    if _FIRST_NAME.split(error.place)[0] in fields:
        error.place = f"connectors.{connector}.{error.place}"
        error.args = (f"connectors.{connector}.{error.args[0]}",)


def import_error(error: BaseException, whose: str, module: str) -> PluginLoadError:
    """Return the error of Damlink for an exception of a module that is imported.

    Args:
        whose: the plugin or the extension, as the error names it.
        module: its full name.
    """
    place = find_place(error, {package_of(module)})
    cause = f"{type(error).__name__}: {describe(error)}{f' ({place})' if place else ''}"
    hint = "reinstall it, or report it to its author"
    return PluginLoadError(f"{whose} cannot be imported: {cause}", hint=hint)


def _bug(error: BaseException, who: str, place: str) -> PluginBugError:
    where = f" ({place})" if place else ""
    return PluginBugError(f"{who} raised {type(error).__name__}: {describe(error)}{where}", hint=PLUGIN_HINT)


def _tidy(error: DamlinkError) -> DamlinkError:
    """Replace texts and numbers of an error that cannot be stored."""
    error.args = (_text(next(iter(error.args), None)) or NO_REASON,)
    error.hint = _text(getattr(error, "hint", ""))
    if isinstance(error, NotYet):
        error.reason = error.args[0]
        error.retry_after = seconds(getattr(error, "retry_after", None))
    if isinstance(error, TransientError):
        error.retry_after = seconds(getattr(error, "retry_after", None))
    if isinstance(error, ConnectorError):
        for name in _missing(error):
            setattr(error, name, None)
        error.body = _text(error.body)
    if clean(str(error)) != str(error):
        raise ValueError("its text cannot be kept")
    return error


def _text(value: object) -> str:
    return "" if value is None else shorten(value if isinstance(value, str) else str(value))


def _missing(error: ConnectorError) -> Iterator[str]:
    return (name for name in _OWN if not hasattr(error, name))
