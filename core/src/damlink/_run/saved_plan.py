"""Plans that are saved, read by a person, and then carried exactly, or not at all."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from damlink._config.settings import fields_of, plain
from damlink._run.plan import PAGE, Plan, plan_connector
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._state.plans import PlannedAsset, Plans, SavedPlan
from damlink.errors import ConfigError

__all__ = ["StalePlanError", "find_plan", "save_plan", "verify_plan"]

MOST_NAMED: Final = 3  # assets of each kind of difference


class StalePlanError(ConfigError):
    """The world is not as it was when a plan was saved; the message says what has changed."""

    fails_run = False


def save_plan(
    session: Session,
    name: str,
    *,
    full: bool = False,
    on_notice: Callable[[str], None] = lambda _line: None,
    on_asset: Callable[[PlannedAsset], None] = lambda _asset: None,
) -> SavedPlan:
    """Save what a run would do now.

    Args:
        on_notice: called with each line that a person should read first.
        on_asset: called with each asset once it is stored.

    Raises:
        ConnectorError: the source or the portal cannot be asked.
    """
    with _reading(session) as reader:
        plan = plan_connector(reader, name, full=full, with_skipped=True)
        plans = Plans(session.database)
        number = plans.begin(name, full=full, basis=_basis_of(plan.runtime))
        for notice in plan.notices:
            on_notice(notice)
        sums = _Sums()
        for first in itertools.count(step=PAGE):
            page = list(itertools.islice(plan.assets, PAGE))
            if not page:
                break
            plans.add(number, page, first)
            for each in page:
                sums.add(each)
                on_asset(each)
        plans.revise(number, plan.revised)
        plans.complete(number, sums.totals(session))
    return find_plan(session, number)


@contextlib.contextmanager
def _reading(session: Session) -> Iterator[Session]:
    """Open a session that changes nothing, as that of `damlink plan`."""
    database, pace = session.database, session.pace
    with Session(session.config, keeps=False, database=database, pace=pace) as reader:
        yield reader


def find_plan(session: Session, number: str, connector: str = "") -> SavedPlan:
    """Return a saved plan.

    Args:
        connector: whose plan it must be; of any if not given.

    Raises:
        ConfigError: there is none.
    """
    found = Plans(session.database).find(number) if session.has_database else None
    if found is None:
        hint = "`damlink plan NAME --save` makes one; plans are kept for 30 days"
        raise ConfigError("", f"there is no plan {number!r}", hint=hint)
    if connector and found.connector != connector:
        raise ConfigError("", f"the plan {number} is of {found.connector}, not of {connector}")
    return found


def verify_plan(session: Session, name: str, number: str) -> SavedPlan:
    """Verify that a run would do now what a plan says, and note that its run begins.

    An asset that has left the plan after a run of it had begun was carried by that run.

    Raises:
        StalePlanError: something has changed since; nothing was carried.
        ConfigError: there is no such plan of this connector.
    """
    saved = find_plan(session, number, name)
    with _reading(session) as reader:
        plan = plan_connector(reader, name, full=saved.full)
        changes = list(_compare_bases(saved.basis, _basis_of(plan.runtime)))
        if not changes:
            changes = list(_compare_assets(session, saved, plan))
    if changes:
        hint = f"make another one with `damlink plan {name} --save`"
        raise StalePlanError("", f"{name}: the plan {number} is stale: {'; '.join(changes)}", hint=hint)
    Plans(session.database).mark_begun(number)
    return saved


def _compare_bases(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            yield f"{key} was {before.get(key, 'not set')}, and is {now.get(key, 'not set')}"


def _compare_assets(session: Session, saved: SavedPlan, plan: Plan) -> Iterator[str]:
    before = Plans(session.database).read_carried(saved.id)
    now = {each.source_id: each.fingerprint for each in plan.assets}
    now |= {key: seen for key, seen in plan.revised.items() if key in now}
    yield from _name("more to carry", [key for key in now if key not in before])
    changed = [key for key, seen in now.items() if key in before and before[key][1] != seen]
    yield from _name("changed", changed)
    if saved.begun_at is None:
        yield from _name("no longer to carry", [key for key in before if key not in now])


def _name(what: str, ids: Sequence[str]) -> Iterator[str]:
    if ids:
        more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
        yield f"{what}: {', '.join(ids[:MOST_NAMED])}{more}"


def _basis_of(runtime: ConnectorRuntime) -> dict[str, str]:
    """Return what a plan depends on beside the assets: plugin, portal and settings without secrets."""
    config, info, settings = runtime.config, runtime.plugin.info, runtime.context.settings
    own = {
        field.name: plain(getattr(settings, field.name))
        for field in fields_of(type(settings))
        if not field.secret
    }
    tables = {"metadata": config.metadata, "extensions": config.extensions}
    own |= {"plugin": f"{info.distribution} {info.version}", "portal": runtime.portal.url} | tables
    return {name: _text(value) for name, value in own.items()}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


class _Sums:
    """Sums over the assets of a plan."""

    def __init__(self) -> None:
        self._actions: Counter[str] = Counter()
        self._spends: Counter[str] = Counter()
        self._bytes = self._requests = self._unknown = 0

    def add(self, asset: PlannedAsset) -> None:
        """Add an asset."""
        self._actions[asset.action] += 1
        if asset.is_carried:
            self._requests += asset.requests
            self._bytes += asset.size or 0
            self._unknown += asset.size is None
            self._spends.update(asset.spends)

    def totals(self, session: Session) -> dict[str, Any]:
        """Return the sums, and the minutes for the requests at the present state of the pace."""
        budget = session.pace.budget()
        beyond = max(0, self._requests - (budget.allowed - budget.used))
        seconds = budget.silent_seconds + beyond * budget.window_seconds / budget.allowed
        return {
            "actions": dict(self._actions),
            "bytes": self._bytes,
            "without_size": self._unknown,
            "requests": self._requests,
            "minutes": round(seconds / 60, 1),
            "spends": dict(self._spends),
        }
