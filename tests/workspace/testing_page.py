"""The page of docs/reference about the kit and the building blocks of a stand-in: every public name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, Final

import damlink_sandbox
from damlink import testing

__all__ = ["testing_page"]

KIT: Final = {
    "A connector in a test": ("Trial", "make_context", "no_waiting"),
    "The contract": ("ConnectorContract", "Subject"),
    "Rules of one's own": ("rule", "Rule", "Case", "BrokenRuleError", "NotApplicableError", "all_rules"),
}
SANDBOX: Final = {
    "A stand-in": ("StandIn", "route", "Call", "refuse", "Refusal", "TrialFacts"),
    "Credentials of a stand-in": (
        "Key",
        "UserPassword",
        "OAuthServer",
        "TokenServer",
        "NoCredentials",
        "Credentials",
    ),
    "Answers of a stand-in": (
        "numbered_page",
        "offset_page",
        "cursor_page",
        "linked_page",
        "send_file",
        "RateLimit",
    ),
    "Files": ("MediaFile", "Stored", "Synthetic", "from_folder"),
    "The sandbox": ("Sandbox", "World", "Clock", "Fault", "wait_for_signal", "discover_parts"),
    "A part without `StandIn`": ("Part", "application", "Finding", "Scene"),
    "The parts of the sandbox itself": ("BynderSandbox", "SnsSandbox"),
}


def testing_page(section: Callable[[str, Any], Iterator[str]]) -> Iterator[str]:
    """Yield the page.

    Args:
        section: yields the section of one name.
    """
    yield "# Tests and stand-ins\n"
    yield (
        "Every public name of `damlink.testing`, the kit that tests a plugin, and of `damlink_sandbox`, "
        "which has the portal and the building blocks of a partner's stand-in. Both come with the "
        "distribution `damlink-sandbox`. How they fit together: see "
        "[Write a plugin](../how-to/write-a-plugin.md#test-it). The rules that the kit tries are those of "
        "[the grade](grade.md).\n"
    )
    yield from _module("damlink.testing", testing, KIT, section)
    yield from _module("damlink_sandbox", damlink_sandbox, SANDBOX, section)


def _module(
    name: str,
    module: ModuleType,
    groups: Mapping[str, tuple[str, ...]],
    section: Callable[[str, Any], Iterator[str]],
) -> Iterator[str]:
    known = {each for names in groups.values() for each in names}
    if different := known.symmetric_difference(module.__all__):
        raise SystemExit(f"testing_page.py: no place for, or no such name: {', '.join(sorted(different))}")
    for title, names in groups.items():
        yield f"## {title}\n"
        yield f"From `{name}`.\n"
        for each in names:
            yield from section(each, getattr(module, each))
