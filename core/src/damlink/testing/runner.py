"""The rules of the kit, tried on an installed plugin without pytest."""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import attrs

from damlink._plugin.discovery import find
from damlink._plugin.errors import PLUGIN_HINT
from damlink._plugin.loader import load
from damlink._system.process import is_interrupt
from damlink.errors import DamlinkError
from damlink.testing.case import Case, Subject
from damlink.testing.opening import open_sandbox, open_trial
from damlink.testing.rule import BrokenRuleError, NotApplicableError, Rule
from damlink.testing.rules import all_rules

__all__ = ["Result", "try_rules"]

# A rule takes about a second; only a plugin that hangs reaches this.
RULE_TIMEOUT_SECONDS: Final = 120.0


@attrs.frozen
class Result:
    """Result of one rule.

    Attributes:
        outcome: `passed`, `broken`, or `skipped` if there was nothing to try.
        seen: why it is broken or skipped, in one line.
        cure: what to do about it; that of the rule, or of the error that it met.
        seconds: that it took.
    """

    rule: Rule
    outcome: str
    seen: str
    seconds: float
    cure: str = ""


def try_rules(
    plugin: str, rules: Iterable[Rule] | None = None, *, seconds: float = math.inf
) -> Iterator[Result]:
    """Try each rule on a sandbox and a database of its own, and yield its result.

    What the plugin prints goes to stderr. A rule that does not end is broken, and ends the test: its thread
    may go on.

    Args:
        rules: those of the kit if not given.
        seconds: limit of all rules together.

    Raises:
        PluginLoadError: the plugin is not installed, or cannot be loaded.
        ConfigError: it has no stand-in.
    """
    load(find(plugin))
    end = time.monotonic() + seconds
    for rule in all_rules() if rules is None else rules:
        left = max(0.0, min(RULE_TIMEOUT_SECONDS, end - time.monotonic()))
        result = _try_in_thread(plugin, rule, left)
        yield result
        if result.seconds >= left:
            return


def _try_in_thread(plugin: str, rule: Rule, seconds: float) -> Result:
    results: list[Result | BaseException] = []

    def work() -> None:
        try:
            results.append(_try(plugin, rule))
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread
            results.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not results:
        seen = f"it did not end within {seconds:.0f} seconds; no further rule was tried"
        return Result(rule, "broken", seen, seconds, "let each hook end")
    if isinstance(results[0], BaseException):
        raise results[0]
    return results[0]


def _try(plugin: str, rule: Rule) -> Result:
    began = time.monotonic()
    outcome, seen, cure = "passed", "", rule.cure
    folder = tempfile.TemporaryDirectory(prefix="damlink-test-", ignore_cleanup_errors=True)
    with folder as path, contextlib.redirect_stdout(sys.stderr), _open(plugin, Path(path)) as case:
        try:
            rule.run(case)
        except NotApplicableError as reason:
            outcome, seen = "skipped", str(reason)
        except BrokenRuleError as broken:
            outcome, seen = "broken", str(broken)
        except BaseException as error:
            if is_interrupt(error):
                raise
            outcome, (seen, cure) = "broken", _read(error, rule)
    return Result(rule, outcome, seen, time.monotonic() - began, cure if outcome == "broken" else "")


def _read(error: BaseException, rule: Rule) -> tuple[str, str]:
    """Return what an error says that a rule did not expect, and its cure."""
    if not isinstance(error, DamlinkError):
        return f"{type(error).__name__}: {error}", rule.cure
    said = str(error).removesuffix(f"; {error.hint}")
    if error.hint == PLUGIN_HINT:
        return said, "correct the plugin there"
    return said, error.hint or rule.cure


@contextlib.contextmanager
def _open(plugin: str, folder: Path) -> Iterator[Case]:
    """Open a sandbox and a connector on it."""
    subject = Subject()
    subject.plugin = plugin
    for name in ("sandbox", "trial"):
        (folder / name).mkdir()
    with (
        open_sandbox(plugin, folder / "sandbox") as sandbox,
        open_trial(plugin, sandbox, folder / "trial") as trial,
    ):
        yield Case(trial, subject)
