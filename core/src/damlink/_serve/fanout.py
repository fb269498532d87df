"""Delivery of one portal's events: reads each asset once and passes it to every subscribed connector."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from damlink._config.tables import ConnectorConfig
from damlink._model import Event, SourceAsset
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._serve.event_calls import EventCalls
from damlink._state.inbox import CoalescedEvent, Notification, Outcome
from damlink._state.rows import as_listed
from damlink._system.backoff import Backoff
from damlink._system.keepable import describe
from damlink.bynder import Asset, Portal
from damlink.errors import AuthError, BynderError, ConnectorError, DamlinkError, NotYet

__all__ = ["Fanout", "Result", "Rule", "has_event_hook", "names_asset", "postpone", "subscription_rules"]

FIRST_ROUND: Final = timedelta(minutes=1)  # then 4, 16, 64 … minutes
LONGEST_ROUND: Final = timedelta(days=1)
# Six days in all. Long, because a connector without a listing never sees the asset by another way.
MOST_ROUNDS: Final = 12
# Before the next request to a portal that does not answer.
BACKOFF: Final = Backoff(first_seconds=15.0, longest_seconds=900.0)
MOST_REFUSALS: Final = 3  # of single assets in one round; after that the portal itself is likely down
LATENESS: Final = timedelta(seconds=10)  # from a change to its notification; assumed
DELETED: Final = ".deleted"

_GONE: Final = 404
_OF_ALL: Final = (401, 429)  # these concern every request, not the asset

_log = logging.getLogger("damlink.events")

Record = Mapping[str, Any]  # an asset as Bynder returns it
NewRows = dict[str, list[SourceAsset]]


@attrs.frozen
class Rule:
    """One decision of whether a connector receives an event.

    Attributes:
        text: what has to hold.
        holds: `None` if it is not known; that does not exclude the connector.
    """

    text: str
    holds: bool | None


def names_asset(asset_id: str) -> Rule:
    """Return the rule about an event itself: what names no asset is passed to no connector."""
    return Rule("the event names an asset", bool(asset_id))


def subscription_rules(
    config: ConnectorConfig, portal: str, has_hook: Callable[[], bool | None]
) -> Iterator[Rule]:
    """Yield what decides whether a connector receives a portal's events; the first that fails is enough."""
    yield Rule("the connector is enabled", config.enabled)
    yield Rule("the connector belongs to the portal", config.portal == portal)
    yield Rule("its plugin receives events", has_hook())


def has_event_hook(session: Session, connector: str) -> bool | None:
    """Return whether the plugin of a connector receives events; `None` if it cannot be loaded."""
    try:
        return "on_event" in session.load_plugin(connector).hooks
    except DamlinkError:
        return None


@attrs.frozen
class Result:
    """Outcome of one event, and the source assets that connectors derived from it."""

    outcome: Outcome
    new_rows: NewRows = attrs.field(factory=dict)


def postpone(
    event: CoalescedEvent,
    error: str,
    now: datetime,
    processed_by: frozenset[str] = frozenset(),
    pauses: Sequence[float] = (),
) -> Outcome:
    """Return the outcome of an event that failed: retried after growing pauses, in the end given up.

    Args:
        pauses: seconds after which connectors asked to receive the event again, without an error.
    """
    rounds = event.attempts + 1
    if rounds >= MOST_ROUNDS:
        notification = event.notification
        _log.error("%s of %s: given up: %s", notification.subject, notification.asset_id, error)
        return Outcome(event, processed_by, error=error)
    pause = min(FIRST_ROUND * 4 ** (rounds - 1), LONGEST_ROUND)
    if pauses:
        pause = min(pause, timedelta(seconds=max(pauses)))
    return Outcome(event, processed_by, now + pause, error)


@attrs.define
class Delivery:
    """One event on its way to the connectors.

    Attributes:
        source: the event in the inbox.
        event: what the connectors receive.
        read_error: why the asset could not be read; no connector receives the event in that case.
        processed_by: the connectors that have processed it.
        errors: why a connector failed to process it, by its name.
        pauses: seconds after which connectors asked to receive it again, without an error.
        new_rows: the source assets that each connector derived from it.
    """

    source: CoalescedEvent
    event: Event
    read_error: str
    processed_by: set[str] = attrs.field(factory=set)
    errors: dict[str, str] = attrs.field(factory=dict)
    pauses: list[float] = attrs.field(factory=list)
    new_rows: NewRows = attrs.field(factory=dict)

    def finish(self, now: datetime) -> Result:
        """Return the result: finished if all connectors have processed the event, else postponed."""
        processed_by = frozenset(self.processed_by)
        error = self.read_error or "; ".join(self.errors.values())
        if error:
            return Result(postpone(self.source, error, now, processed_by, self.pauses), self.new_rows)
        return Result(Outcome(self.source, processed_by), self.new_rows)


class Fanout:
    """One portal and the connectors that are subscribed to its events."""

    def __init__(self, session: Session, name: str, calls: EventCalls) -> None:
        self._session = session
        self._name = name
        self._calls = calls
        self._has_event_hook: dict[str, bool] = {}
        self._failures = 0
        self._not_before = 0.0

    def is_reachable(self) -> bool:
        """Return whether the pause after a failure of the portal is over."""
        return time.monotonic() >= self._not_before

    def pause(self, error: DamlinkError) -> None:
        """Leave all events of the portal in the inbox for a while, since it does not answer."""
        pause = BACKOFF.pause_seconds(self._failures)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        _log.warning("%s: events wait %.0f s: %s", self._name, pause, error)

    def process(self, events: Sequence[CoalescedEvent], now: datetime) -> list[Result]:
        """Read the assets, and deliver the events to every subscribed connector.

        Raises:
            DamlinkError: the portal cannot be read now.
        """
        names = [each.name for each in self._session.config.connectors.values() if self._is_subscribed(each)]
        wanted = [each for each in events if names and names_asset(each.notification.asset_id).holds]
        others = [each for each in events if not names or not names_asset(each.notification.asset_id).holds]
        for each in others:
            subject = each.notification.subject or "a notification without subject"
            _log.info("%s: %s: no connector is subscribed to it", self._name, subject)
        deliveries = self._deliver(wanted, names) if wanted else []
        self._failures = 0
        return [each.finish(now) for each in deliveries] + [Result(Outcome(each)) for each in others]

    def _deliver(self, events: Sequence[CoalescedEvent], names: Iterable[str]) -> list[Delivery]:
        # A session for this batch alone: a portal and contexts cache what they read, which must not grow old.
        whole = self._session
        with Session(whole.config, now=whole.now, database=whole.database, pace=whole.pace) as session:
            deliveries = list(_Reader(session.open_portal(self._name)).read(events, self._name))
            for name in names:
                _Receiver(session, name, self._calls).deliver(deliveries)
        return deliveries

    def _is_subscribed(self, config: ConnectorConfig) -> bool:
        """Return whether a connector receives this portal's events.

        A plugin that cannot be loaded counts as subscribed: its events wait until it can be loaded again.
        """
        rules = subscription_rules(config, self._name, lambda: self._has_hook(config))
        return all(each.holds is not False for each in rules)

    def _has_hook(self, config: ConnectorConfig) -> bool | None:
        if config.plugin not in self._has_event_hook:
            found = has_event_hook(self._session, config.name)
            if found is None:
                return None
            self._has_event_hook[config.plugin] = found
        return self._has_event_hook[config.plugin]


class _Reader:
    """Reader of the assets that events concern, in as few requests as possible."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._refusals = 0

    def read(self, events: Sequence[CoalescedEvent], portal: str) -> Iterator[Delivery]:
        """Yield a delivery for each event, with the asset as it is now."""
        listed = self._list([each.notification for each in events])
        for each in events:
            notification, read_error = each.notification, ""
            asset = listed.get(notification.asset_id)
            if asset is None:
                asset, read_error = self._get(notification.asset_id)
            event = Event(
                kind=notification.subject,
                asset_id=notification.asset_id,
                asset=asset,
                portal=portal,
                occurred_at=notification.occurred_at,
                raw=notification.content,
            )
            yield Delivery(each, event, read_error)

    def _list(self, notifications: Iterable[Notification]) -> Mapping[str, Record]:
        """Read all assets in one request, and return those that already show the change, by id.

        Returns nothing if the portal refuses the request because of one of the ids.
        """
        alive = {each.asset_id.upper(): each for each in notifications if not each.subject.endswith(DELETED)}
        try:
            assets = list(self._portal.assets.list(ids=list(alive), include_version_number=True))
        except AuthError:
            raise
        except BynderError as error:
            _log.debug("one by one: %s", error)
            return {}
        pairs = ((alive[asset.id.upper()], asset) for asset in assets if asset.id.upper() in alive)
        return {each.asset_id: asset.raw for each, asset in pairs if _is_fresh(asset, each)}

    def _get(self, asset_id: str) -> tuple[Record | None, str]:
        """Return one asset, or why it cannot be read; neither if it is deleted or not approved.

        The portal has just answered a list, so a refusal now concerns this asset alone and must not hold up
        the others.
        """
        if self._refusals >= MOST_REFUSALS:
            return None, "not asked for: the portal has refused others"
        try:
            return self._portal.assets.get(asset_id).raw, ""
        except ConnectorError as error:
            if error.status in _OF_ALL:
                raise
            self._refusals += error.status != _GONE
            return None, "" if error.status == _GONE else str(error)


class _Receiver:
    """One connector that receives events. Its failure affects neither other connectors nor other events."""

    def __init__(self, session: Session, name: str, calls: EventCalls) -> None:
        self._session = session
        self._name = name
        self._calls = calls
        self._runtime: ConnectorRuntime | None = None

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Deliver events, one after the other."""
        for each in deliveries:
            if not each.read_error and self._name not in each.source.processed_by:
                self._deliver(each)

    def _deliver(self, delivery: Delivery) -> None:
        name, event = self._name, delivery.event
        try:
            assets = self._calls.call(name, lambda: self._derive(event))
        except NotYet as pause:
            delivery.errors[name] = f"{name}: {pause.reason}"
            if pause.retry_after is not None:
                delivery.pauses.append(pause.retry_after)
            _log.debug("%s: %s of %s: %s", name, event.kind, event.asset_id, pause)
        except DamlinkError as error:
            delivery.errors[name] = f"{name}: {error}"
            _log.warning("%s: %s of %s: %s", name, event.kind, event.asset_id, error)
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            delivery.errors[name] = f"{name}: a bug: {describe(error)}"
            _log.exception("%s: %s of %s: a bug", name, event.kind, event.asset_id)
        else:
            delivery.processed_by.add(name)
            if assets:
                delivery.new_rows[name] = assets

    def _derive(self, event: Event) -> list[SourceAsset]:
        """Return the source assets that the connector derives from an event."""
        self._runtime = self._runtime or self._session.open_connector(self._name)
        return [as_listed(item) for item in self._runtime.plugin.on_event(self._runtime.context, event)]


def _is_fresh(asset: Asset, notification: Notification) -> bool:
    """Return whether a listed asset shows the change of the notification already; lists lag behind."""
    return asset.modified is not None and asset.modified >= notification.occurred_at - LATENESS
