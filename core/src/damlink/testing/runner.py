"""The rules of the kit, tried on an installed plugin without pytest."""

from __future__ import annotations

import contextlib
import math
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import attrs

from damlink._plugin.discovery import find
from damlink._plugin.errors import PLUGIN_HINT
from damlink._plugin.loader import load
from damlink._system.process import is_interrupt
from damlink.errors import DamlinkError
from damlink.testing.case import Case, Subject
from damlink.testing.opening import find_stand_in, open_sandbox, open_trial
from damlink.testing.patience import OWN_SECONDS, Patience, describe_load
from damlink.testing.rule import BrokenRuleError, NotApplicableError, Rule
from damlink.testing.rules import all_rules

if TYPE_CHECKING:
    from damlink.testing.trial import Trial

__all__ = ["Result", "drop_left", "try_rules"]

# How often it is looked at whether a rule hangs.
POLL_SECONDS: Final = 1.0
# An error of a rule that has waited so long for a processor may come of that.
MUCH_STARVED_SECONDS: Final = 10.0
_OUT_OF_TIME: Final = re.compile(r"time(d|s)? ?out", re.IGNORECASE)

# Whatever a rule has seen then comes of that.
STAND_IN_RAISED: Final = "your stand-in raised"

_left: list[tuple[threading.Thread, tempfile.TemporaryDirectory[str]]] = []


@attrs.frozen
class Result:
    """Result of one rule.

    Attributes:
        outcome: `passed`, `broken`, `skipped` (there was nothing to try) or `not tried` (there was no time).
        seen: why it is not passed, in one line.
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
        seconds: limit of all rules together; what has not been tried by then is not tried.

    Raises:
        PluginLoadError: the plugin is not installed, or cannot be loaded.
        ConfigError: it has no stand-in.
    """
    load(find(plugin))
    find_stand_in(plugin)
    end, why_not = time.monotonic() + seconds, ""
    for rule in all_rules() if rules is None else rules:
        if not why_not and time.monotonic() >= end:
            why_not = _no_time()
        if why_not:
            yield Result(rule, "not tried", why_not, 0.0)
            continue
        result = _try_in_thread(plugin, rule, end)
        yield result
        if result.seen.startswith(STAND_IN_RAISED):
            why_not = "the stand-in must be corrected first"
        elif _left:
            why_not = f"{rule.id} has not ended" if result.outcome == "broken" else result.seen


def drop_left() -> bool:
    """Remove what rules that did not end have on disk, and return whether there are any.

    Their threads may hang for ever, and with them the end of the process.
    """
    for _, folder in _left:
        folder.cleanup()
    return bool(_left)


def _no_time() -> str:
    return f"there was no time for it ({describe_load()})"


def _try_in_thread(plugin: str, rule: Rule, end: float) -> Result:
    results: list[Result | BaseException] = []
    folder = tempfile.TemporaryDirectory(prefix="damlink-test-", ignore_cleanup_errors=True)

    def work() -> None:
        try:
            results.append(_try(plugin, rule, Path(folder.name)))
        except BaseException as error:  # noqa: BLE001 - handed to the calling thread
            results.append(error)

    thread, patience = threading.Thread(target=work, daemon=True), Patience()
    with contextlib.redirect_stdout(sys.stderr):
        thread.start()
        while thread.is_alive() and patience.look() < OWN_SECONDS and time.monotonic() < end:
            thread.join(min(POLL_SECONDS, max(0.0, end - time.monotonic())))
    if not results:
        _left.append((thread, folder))
        return _give_up(rule, patience)
    folder.cleanup()
    if isinstance(results[0], BaseException):
        raise results[0]
    return _excuse(results[0], patience)


def _give_up(rule: Rule, patience: Patience) -> Result:
    """Return the result of a rule that has not ended: broken only if that is not for want of processors."""
    if patience.own < OWN_SECONDS:
        return Result(rule, "not tried", _no_time(), patience.own + patience.starved)
    seen = f"it did not end within {OWN_SECONDS:.0f} seconds of its own; no further rule was tried"
    return Result(rule, "broken", seen, patience.own + patience.starved, "let each hook end")


def _excuse(result: Result, patience: Patience) -> Result:
    """Return a result; that of a limit of time says nothing if the process has waited for a processor."""
    patience.look()
    is_late = result.outcome == "broken" and _OUT_OF_TIME.search(result.seen)
    if is_late and patience.starved > MUCH_STARVED_SECONDS:
        seen = f"the machine was too busy ({describe_load()}): {result.seen}"
        return attrs.evolve(result, outcome="not tried", seen=seen, cure="")
    return result


def _try(plugin: str, rule: Rule, folder: Path) -> Result:
    began = time.monotonic()
    outcome, seen, cure = "passed", "", rule.cure
    with _open(plugin, rule, folder) as case:
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
        mistakes = [] if rule.is_static else case.sandbox.world.mistakes
        if outcome == "broken" and mistakes:
            seen, cure = f"{STAND_IN_RAISED} {mistakes[0]}", "correct the stand-in; no further rule was tried"
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
def _open(plugin: str, rule: Rule, folder: Path) -> Iterator[Case]:
    """Open a sandbox and a connector on it, if the rule needs them."""
    subject = Subject()
    subject.plugin = plugin
    if rule.is_static:
        yield Case(cast("Trial", None), subject)
        return
    for name in ("sandbox", "trial"):
        (folder / name).mkdir()
    with (
        open_sandbox(plugin, folder / "sandbox") as sandbox,
        open_trial(plugin, sandbox, folder / "trial") as trial,
    ):
        yield Case(trial, subject)
