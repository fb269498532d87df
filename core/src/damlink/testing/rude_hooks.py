"""Listings, events and authentications that misbehave in every way: the core must contain them as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx

from damlink._model import Event, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink._run.runner import Stopping
from damlink._state.rows import RowState
from damlink.errors import DamlinkError
from damlink.testing.case import Case
from damlink.testing.misbehaviour import LONGEST_ERROR, MISBEHAVIOURS, Ends, Rude, log_off, run_with
from damlink.testing.rule import BrokenRuleError, rule

_FIRST: Final = SourceAsset("listed-before", "a")
# An authentication has no fields that could be wrong.
_OF_AUTHENTICATE: Final = {name: act for name, act in MISBEHAVIOURS.items() if not name.startswith("fields")}
_Act = Callable[[Any], Any]


@rule(
    "run.misbehaving-hooks",
    proves="A listing, an event or an authentication that misbehaves ends with a cause, and spoils no other.",
    cure="report it: the core must contain this for every plugin",
)
def contain_hooks(case: Case) -> None:
    """Let each of these hooks misbehave in every way."""
    for name, act in _OF_AUTHENTICATE.items():
        _contain_authenticate(case, name, act)
    for name, act in MISBEHAVIOURS.items():
        if case.lists:
            _contain_listing(case, name, act)
        if "on_event" in case.trial.connector.hooks:
            _contain_event(case, name, act)


def _contain_authenticate(case: Case, name: str, act: _Act) -> None:
    rude = Rude(authenticate=lambda: act(httpx.Auth()))
    error = _run(case, rude, f"authenticate with {name}")[1]
    if error is None:
        raise BrokenRuleError(f"authenticate with {name}: the run goes on as if nothing were wrong")


def _contain_listing(case: Case, name: str, act: _Act) -> None:
    ends, _ = _run(case, Rude(listing=_misbehave(act)), f"list_source_assets with {name}")
    state, cause = ends.states.get(_FIRST.source_id, (None, "it has no end"))
    if state != RowState.SKIPPED:
        raise BrokenRuleError(f"list_source_assets with {name}: what it had listed before: {cause:.200}")


def _contain_event(case: Case, name: str, act: _Act) -> None:
    plugin = load(find(case.plugin), case.plugin)
    plugin.extend({"misbehaviour": Rude(on_event=lambda: _misbehave(act))})
    event = Event("made up", "none", None, "sandbox", case.trial.clock.now())
    try:
        # In the main thread a KeyboardInterrupt is a person's.
        with log_off(), ThreadPoolExecutor(1) as pool:
            pool.submit(_take, plugin, case, event).result()
    except DamlinkError as error:
        _require_cause(f"on_event with {name}", error)
    except BaseException as error:
        raise BrokenRuleError(f"on_event with {name}: {type(error).__name__} is not contained") from error


def _take(plugin: Plugin, case: Case, event: Event) -> None:
    for _ in plugin.on_event(case.trial.context, event):
        pass


def _misbehave(act: _Act) -> Iterator[Any]:
    yield _FIRST
    yield act(SourceAsset("misbehaving", "a"))


def _run(case: Case, rude: Rude, what: str) -> tuple[Ends, DamlinkError | None]:
    """Run the connector anew, and return what became of the assets, and the error that stopped the run."""
    ends = Ends()
    try:
        stopped = run_with(case, rude, ends, Stopping()).error
    except DamlinkError as error:
        # It could not begin.
        stopped = error
    except BaseException as error:
        raise BrokenRuleError(f"{what}: {type(error).__name__} is not contained") from error
    if stopped is not None:
        _require_cause(what, stopped)
    return ends, stopped


def _require_cause(what: str, error: DamlinkError) -> None:
    if not 0 < len(str(error)) <= LONGEST_ERROR:
        raise BrokenRuleError(f"{what}: its cause has {len(str(error))} characters")
