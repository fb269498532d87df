"""The metrics of `/metrics`. The only importer of prometheus-client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from damlink._run.session import Session
from damlink._state.inbox import Inbox
from damlink._state.ledger import Ledger
from damlink._state.refused import RefusedMessages
from damlink._state.runs import Runs
from damlink._state.worker_records import list_workers

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


class Metrics:
    """Counters of this process, and gauges that are read from the database."""

    def __init__(self, session: Session) -> None:
        self._registry = CollectorRegistry()
        self._messages = Counter(
            "damlink_messages",
            "Messages at the event addresses.",
            ["portal", "outcome"],
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_State(session))

    def count(self, portal: str, outcome: str) -> None:
        """Count one message; `portal` is empty if the address was unknown."""
        self._messages.labels(portal, outcome).inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus's text format.

        Raises:
            StateError: the database does not answer.
        """
        return generate_latest(self._registry)


class _State:
    """Collector that reads the database at each scrape, so that it covers all processes on it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def describe(self) -> list[GaugeMetricFamily]:
        """Return no description, so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges at a scrape."""
        yield self._inbox()
        yield self._refused()
        yield self._assets()
        yield from self._runs()
        yield from self._workers()
        yield from self._pace()

    def _workers(self) -> Iterator[GaugeMetricFamily]:
        alive = GaugeMetricFamily("damlink_workers", "Workers that are alive, on PostgreSQL.")
        silent = GaugeMetricFamily(
            "damlink_worker_heartbeat_age_seconds", "Age of the last heartbeat.", labels=["worker"]
        )
        carried = GaugeMetricFamily(
            "damlink_worker_assets", "Assets that a worker carries.", labels=["worker", "connector"]
        )
        found = list_workers(self._session.database)
        alive.add_metric([], len(found))
        for each in found:
            silent.add_metric([str(each.number)], each.silent_seconds)
            for connector, count in each.carries.items():
                carried.add_metric([str(each.number), connector], count)
        yield from (alive, silent, carried)

    def _pace(self) -> Iterator[GaugeMetricFamily]:
        budget = self._session.pace.budget()
        left = max(0, budget.allowed - budget.used)
        yield GaugeMetricFamily("damlink_pace_requests_left", "Requests left in the window.", value=left)
        yield GaugeMetricFamily(
            "damlink_pace_silent_seconds", "Rest of a silence after a 429.", value=budget.silent_seconds
        )

    def _inbox(self) -> GaugeMetricFamily:
        waiting = GaugeMetricFamily("damlink_events_waiting", "Events not processed yet.", labels=["portal"])
        inbox = Inbox(self._session.database)
        for portal in self._session.config.portals:
            waiting.add_metric([portal], inbox.open_count(portal))
        return waiting

    def _refused(self) -> GaugeMetricFamily:
        refused = GaugeMetricFamily(
            "damlink_refused_messages", "Messages of queues that were refused.", labels=["portal"]
        )
        counts = RefusedMessages(self._session.database).counts()
        for portal in self._session.config.portals:
            refused.add_metric([portal], counts.get(portal, 0))
        return refused

    def _assets(self) -> GaugeMetricFamily:
        assets = GaugeMetricFamily("damlink_assets", "Assets by state.", labels=["connector", "state"])
        for name in self._session.config.connectors:
            for state, count in Ledger(self._session.database, name).counts().items():
                assets.add_metric([name, state], count)
        return assets

    def _runs(self) -> Iterator[GaugeMetricFamily]:
        ended = GaugeMetricFamily(
            "damlink_last_run_timestamp_seconds", "When the last run ended.", labels=["connector"]
        )
        code = GaugeMetricFamily("damlink_last_run_exit_code", "How it ended.", labels=["connector"])
        for name in self._session.config.connectors:
            done = (run for run in Runs(self._session.database, name).latest() if run.finished_at)
            last = next(done, None)
            if last and last.finished_at and last.exit_code is not None:
                ended.add_metric([name], last.finished_at.timestamp())
                code.add_metric([name], last.exit_code)
        yield from (ended, code)
