"""Errors about what a hook returns: the hook, what it gave instead of what, and what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from damlink._system.keepable import quote
from damlink.errors import PluginBugError

__all__ = ["check_count", "check_iterable", "wrong_type"]

_CURES: Final = {
    "authenticate": "return a damlink.Auth such as HeaderAuth(…), OAuth2(…) or TokenAuth(…), or None",
    "list_source_assets": "yield SourceAsset(source_id, fingerprint), Removed(source_id) or Cursor(value)",
    "on_event": "yield SourceAsset(source_id, fingerprint) or Removed(source_id), or return ()",
    "transform": "return PreparedAsset(content, name), Skip(reason) or Removed(source_id)",
    "push": "return PushResult(target_id), or the Removed that it was given",
    "check": "yield Finding(what, detail) for each step",
    "estimate": "return Estimate(size=…, spends={…})",
    "classify": "return an error of damlink.errors, or None",
}
# Of these, nothing at all is an answer: the event is of no interest, there is nothing to report.
_OPTIONAL: Final = ("on_event", "check")
# Their items are kept in memory together.
_MOST: Final = {"on_event": 10_000, "check": 1000}
_FEWER: Final = {
    "on_event": "yield what the event is about; leave the rest to list_source_assets",
    "check": "yield one Finding for each step",
}


def wrong_type(hook: str, distribution: str, value: object, wanted: str) -> PluginBugError:
    """Return the error for a value of a wrong type.

    Args:
        wanted: the right types, in words.
    """
    return PluginBugError(
        f"{hook} of {distribution} gave {quote(value)} instead of {wanted}", hint=_CURES[hook]
    )


def check_iterable(hook: str, distribution: str, value: Any) -> Iterable[Any]:
    """Return what a hook gives, item by item.

    Raises:
        PluginBugError: it is nothing, or one value in place of several.
    """
    if value is None and hook in _OPTIONAL:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | Mapping):
        return value
    raise wrong_type(hook, distribution, value, "a generator or a list")


def check_count(hook: str, distribution: str, count: int) -> None:
    """Verify that a hook has not given too many items; a listing may have any number.

    Raises:
        PluginBugError: it has.
    """
    most = _MOST.get(hook)
    if most is not None and count > most:
        gave = f"{hook} of {distribution} gave more than {most:,} items"
        raise PluginBugError(gave, hint=_FEWER[hook])
