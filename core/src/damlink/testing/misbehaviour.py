"""Hooks that misbehave in every way: the core must contain them, whatever the plugin."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import MappingProxyType
from typing import Any, Final

import attrs

from damlink import hookimpl
from damlink._config.load import load
from damlink._config.location import FILENAME
from damlink._model import PreparedAsset, PushResult, Skip, SourceAsset
from damlink._run.repair import reset
from damlink._run.report import RunListener, RunReport
from damlink._run.runner import RunOptions, Stopping, run_connector
from damlink._run.runtime import ParsedConnector
from damlink._run.session import Session
from damlink._state.rows import Row, RowState
from damlink.errors import StoppedError
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule

__all__ = ["LONGEST_ERROR", "MISBEHAVIOURS", "Ends", "Rude", "log_off", "run_with"]

# An error's text goes to a terminal, a log and a database, so the core must cut it off.
LONGEST_ERROR: Final = 10_000
HUGE: Final = 100_000_000
MOST_LISTED: Final = 1_000_000
_CARRIED: Final = (RowState.PUSHED, RowState.SKIPPED, RowState.WAITING)
_COSTS: Final = {
    "transform": (RowState.FAILED,),
    # What it has given may stand for a delivery.
    "push": (RowState.FAILED, RowState.UNCERTAIN),
}
UNKEEPABLE: Final = "a\0\ud83d"


class _Panic(BaseException):
    """Exception that no `except Exception` catches."""


def _raising(error: Callable[[], BaseException]) -> Callable[[Any], Any]:
    def misbehave(_good: Any) -> Any:
        raise error()

    return misbehave


def _with_fields(value: Any) -> Callable[[Any], Any]:
    """Return a misbehaviour that puts a value into every field of what the hook gives."""

    def misbehave(good: Any) -> Any:
        changed = object.__new__(type(good))
        for field in attrs.fields(type(good)):
            object.__setattr__(changed, field.name, value)
        return changed

    return misbehave


MISBEHAVIOURS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "SystemExit": _raising(lambda: SystemExit(0)),
    "KeyboardInterrupt": _raising(KeyboardInterrupt),
    "GeneratorExit": _raising(GeneratorExit),
    "BaseException": _raising(lambda: _Panic("a panic")),
    "error with NUL": _raising(lambda: ValueError(UNKEEPABLE)),
    "error of 100 MB": _raising(lambda: ValueError("x" * HUGE)),
    "nothing but a number": lambda _good: 5,
    "a class": lambda _good: SourceAsset,
    "fields of a wrong type": _with_fields(object()),
    "fields with NUL and half a surrogate": _with_fields(UNKEEPABLE),
    "fields that are not a number": _with_fields(float("nan")),
    "fields that are infinite": _with_fields(float("inf")),
    "fields of 100 MB": _with_fields("x" * HUGE),
}
"""What a hook does in place of its work, by name; each takes what the hook would have given."""

_Act = Callable[[Any], Any]


class Rude:
    """Extension that lets a hook misbehave for some assets.

    Args:
        transform: what happens to an asset, by source id.
        push: the same in `push`.
        listing: what is listed in place of the plugin's assets; these are skipped.
        authenticate: what happens in place of the authentication.
        on_event: what an event makes due.
    """

    def __init__(
        self,
        transform: Mapping[str, _Act] = MappingProxyType({}),
        push: Mapping[str, _Act] = MappingProxyType({}),
        listing: Iterator[Any] | None = None,
        authenticate: Callable[[], Any] | None = None,
        on_event: Callable[[], Iterator[Any]] | None = None,
    ) -> None:
        self._transform, self._push, self._listing = transform, push, listing
        self._authenticate, self._on_event = authenticate, on_event

    @hookimpl(tryfirst=True)
    def authenticate(self) -> Any:
        """Misbehave, or leave it to the plugin."""
        return self._authenticate and self._authenticate()

    @hookimpl(tryfirst=True)
    def on_event(self) -> Any:
        """Misbehave, or leave the event to the plugin."""
        return self._on_event and self._on_event()

    @hookimpl(tryfirst=True)
    def list_source_assets(self) -> Iterator[SourceAsset] | None:
        """List something else, or leave it to the plugin."""
        return self._listing

    @hookimpl(tryfirst=True)
    def transform(self, source: SourceAsset) -> Any:
        """Misbehave, or leave the asset to the plugin."""
        if self._listing is not None:
            return Skip("it is only listed")
        act = self._transform.get(source.source_id)
        return None if act is None else act(PreparedAsset(None, "a"))  # type: ignore[arg-type]

    @hookimpl(tryfirst=True)
    def push(self, source: SourceAsset) -> Any:
        """Misbehave, or leave the asset to the plugin."""
        act = self._push.get(source.source_id)
        return None if act is None else act(PushResult("a"))


class RudeSession(Session):
    """Session whose connector misbehaves."""

    rude: Rude

    def check(self, name: str) -> ParsedConnector:
        """Read a connector, and extend its plugin."""
        parsed = super().check(name)
        parsed.plugin.extend({"misbehaviour": self.rude})
        return parsed


class Ends(RunListener):
    """The last state of each asset, with its cause."""

    def __init__(self) -> None:
        self.states: dict[str, tuple[RowState, str]] = {}

    def on_finish(self, row: Row, state: RowState, message: str) -> None:
        """Keep the state."""
        self.states[row.source_id] = state, message


@rule(
    "run.misbehaving",
    proves="A hook that misbehaves for an asset costs that asset alone, which shows a cause.",
    cure="see run.once if the asset fails by itself; else report it: the core must contain this",
)
def contain(case: Case) -> None:
    """Let `transform` and `push` misbehave in every way, each for an asset of its own."""
    case.require_listing()
    ids = [item.source_id for item in case.listing() if isinstance(item, SourceAsset)]
    if len(ids) < 2:
        raise NotApplicableError("the stand-in lists one asset")
    for hook, names in _rounds(len(ids) - 1):
        chosen = dict(zip(ids, names, strict=False))
        acts = {source_id: MISBEHAVIOURS[name] for source_id, name in chosen.items()}
        for source_id, problem in _run(case, hook, acts):
            what = f"{hook} with {chosen[source_id]}" if source_id in chosen else source_id
            raise BrokenRuleError(f"{what}: {problem}")


def _rounds(most: int) -> Iterator[tuple[str, list[str]]]:
    """Yield a hook and as many misbehaviours as there are assets, until each has been tried."""
    names = list(MISBEHAVIOURS)
    for hook in ("transform", "push"):
        for first in range(0, len(names), most):
            yield hook, names[first : first + most]


def _run(case: Case, hook: str, chosen: Mapping[str, _Act]) -> Iterator[tuple[str, str]]:
    """Run the connector anew, and yield what is wrong with the end of an asset."""
    ends = Ends()
    run_with(case, Rude(chosen) if hook == "transform" else Rude(push=chosen), ends, Stopping())
    for source_id, (state, cause) in ends.states.items():
        if source_id not in chosen:
            if state not in _CARRIED:
                yield source_id, f"another asset ended as {state.value}: {cause:.200}"
        elif hook == "push" and state in (RowState.SKIPPED, RowState.WAITING):
            continue  # the plugin does not push it
        elif state not in _COSTS[hook]:
            yield source_id, f"the asset ended as {state.value}"
        elif not 0 < len(cause) <= LONGEST_ERROR:
            yield source_id, f"its cause has {len(cause)} characters"
    for source_id in chosen.keys() - ends.states.keys():
        # The plugin skips it before it is pushed.
        if hook == "transform":
            yield source_id, "the asset has no end"


@contextlib.contextmanager
def log_off() -> Iterator[None]:
    """Log nothing: half a surrogate in a captured log would end pytest-xdist."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def run_with(case: Case, rude: Rude, ends: Ends, stopping: Stopping) -> RunReport:
    """Run the connector anew, with hooks that misbehave."""
    case.trial._release_lease()
    config = load(case.trial.folder / FILENAME)
    # The pace of this machine is that of real portals.
    pace = case.trial._session.pace
    with log_off(), RudeSession(config, listener=ends, now=case.trial.clock.now, pace=pace) as session:
        session.rude = rude
        reset(session.database, case.plugin)
        # In the main thread a KeyboardInterrupt is a person's.
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(run_connector, session, case.plugin, RunOptions(), stopping).result()


@rule(
    "run.endless-listing",
    proves="A listing without an end can be stopped, and is stored while it goes on.",
    cure="report it: the core must contain this for every plugin",
)
def stop_endless(case: Case) -> None:
    """List without an end, and stop the run."""
    case.require_listing()
    stopping, ends, given = Stopping(), Ends(), count()

    def listing() -> Iterator[SourceAsset]:
        while (number := next(given)) < MOST_LISTED:
            if ends.states:
                stopping.soon.set()
            yield SourceAsset(f"endless-{number}", "a")

    report = run_with(case, Rude(listing=listing()), ends, stopping)
    if next(given) >= MOST_LISTED:
        raise BrokenRuleError(f"{MOST_LISTED} assets were listed before the run stopped")
    if not isinstance(report.error, StoppedError):
        raise BrokenRuleError(f"the run ended otherwise: {report.error}")
