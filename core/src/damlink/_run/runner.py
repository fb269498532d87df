"""A run under its lease: what is opened and noted before and after the carrying, and the result.

A worker shares a connector with others: it runs without the lease, and carries the rows that it claims, or
lists while others carry. Only one lists, and only who holds the lease adapts the ledger to another account.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import attrs

from damlink._config.watch import ConnectorSwitch
from damlink._plugin.under_way import warn_of_long_calls
from damlink._run.accounts import adapt, is_adapted
from damlink._run.backup_marker import Marker, verify_not_restored
from damlink._run.carrying import Carrying
from damlink._run.options import RunOptions, Stopping
from damlink._run.report import RunCounter, RunReport
from damlink._run.session import Session
from damlink._state.health import Health
from damlink._state.history import History
from damlink._state.identity import Identity
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.runs import Runs
from damlink._state.worker import Worker
from damlink._system.disk import translating
from damlink._system.waiting import Verify
from damlink.errors import DamlinkError, StoppedError

__all__ = ["RunOptions", "RunReport", "Stopping", "run_connector"]


def run_connector(
    session: Session,
    name: str,
    options: RunOptions,
    stopping: Stopping | None = None,
    worker: Worker | None = None,
) -> RunReport:
    """Run one connector now, and notify people if it begins to fail or works again.

    Args:
        worker: shares the connector with other workers, instead of holding its lease.

    Raises:
        ConfigError, PluginLoadError, StateError, RunActiveError: the run could not begin.
    """
    listing = not options.events_only
    try:
        with translating():
            if worker is not None:
                _adapt_alone(session, name, worker)
            report = _run(session, name, options, stopping or Stopping(), worker)
    except DamlinkError as error:
        _notify(session, name, error, str(error), listing=listing)
        raise
    _notify(session, name, report.error, report.cause, listing=listing)
    return report


def _adapt_alone(session: Session, name: str, worker: Worker) -> None:
    """Hold the lease while the ledger is adapted to another account, if it must be."""
    with Session(session.config, database=session.database, pace=session.pace, now=session.now) as own:
        runtime = own.open_connector(name, worker.verify)
        if is_adapted(own, runtime, Ledger(own.database, name)):
            return
        with Lease(own.database, name, warn_of_long_calls) as lease:
            verify_not_restored(own.database, name)
            adapt(own, runtime, Ledger(own.database, name, lease.epoch, runtime.siblings))


@contextlib.contextmanager
def _hold(
    session: Session, name: str, options: RunOptions, worker: Worker | None
) -> Iterator[tuple[int, Verify]]:
    """Hold the lease of a connector, or share it; yield its epoch, and what verifies the hold."""
    if worker is None:
        with Lease(session.database, name, warn_of_long_calls) as lease:
            yield lease.epoch, lease.verify
        return
    with worker.share(name) as epoch:
        if options.events_only:
            yield epoch, worker.verify
            return
        # No connector's name begins with a tilde.
        with Lease(session.database, f"~list {name}", warn_of_long_calls) as listing:

            def verify() -> None:
                worker.verify()
                listing.verify()

            yield epoch, verify


def _run(
    session: Session, name: str, options: RunOptions, stopping: Stopping, worker: Worker | None
) -> RunReport:
    stop = threading.Event()
    counter = RunCounter(session.listener)
    # A wrong config or a broken plugin ends the run before anything is changed.
    parsed = session.check(name)
    if options.plan:
        # Most runs have none, and need not import it.
        from damlink._run.saved_plan import verify_plan

        options = attrs.evolve(options, full=verify_plan(session, name, options.plan).full)
    with _hold(session, name, options, worker) as (epoch, verify_held):

        def verify() -> None:
            if stop.is_set() or stopping.now.is_set():
                raise StoppedError(f"{name}: stopped")
            verify_held()

        verify_not_restored(session.database, name)
        # With a wrong key the run ends here.
        cipher = session.cipher
        switch = ConnectorSwitch(session.config, name)
        runtime = session.open_connector(name, verify, counter, parsed)
        runtime.context.http.guard_effects(switch.verify)
        identity = Identity(session.database)
        marker = Marker(identity.ensure(), name)
        marker.note(identity.raise_count(name), durable=True)
        ledger = Ledger(
            session.database,
            name,
            epoch,
            runtime.siblings,
            marker.note,
            plan=options.plan,
            worker=worker.number if worker else None,
        )
        if worker is None:
            adapt(session, runtime, ledger)
        runs = Runs(session.database, name)
        run = runs.begin(epoch, listing=not options.events_only, every=runtime.interval)
        History(session.database, name).prune()
        report = Carrying(runtime, ledger, cipher, options, counter, stop, stopping, switch).execute()
        if worker is not None and not options.events_only:
            ledger.begin_round()
        error = str(report.error) if report.error else ""
        info = runtime.plugin.info
        plugin = {"distribution": info.distribution, "version": info.version}
        runs.end(run, report.exit_code, report.totals() | {"plugin": plugin}, error)
        marker.note(identity.raise_count(name), durable=True)
    return report


def _notify(session: Session, name: str, error: DamlinkError | None, cause: str, *, listing: bool) -> None:
    """Send a notification if the connector begins to fail, or works again."""
    if not session.config.notify.table or (error is not None and not error.fails_run):
        return
    # The run has ended by now: a failure to notify must not replace its result.
    with contextlib.suppress(DamlinkError):
        notifier, health = session.notifier, Health(session.database, name)
        change = health.detect_change(has_failed=bool(cause), listing=listing)
        if change is None:
            return
        what, why = ("fails", cause) if change == "failing" else ("works again", "the last run went well")
        if notifier.send(f"Damlink: {name} {what}", f"{name}: {why.removeprefix(f'{name}: ')}"):
            health.mark_reported(change, listing=listing)
