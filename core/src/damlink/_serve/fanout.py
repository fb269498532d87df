"""The events of one portal: assets are read once, and every connector hears of them."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from damlink._config.tables import ConnectorConfig
from damlink._model import Event, SourceAsset
from damlink._run.session import ConnectorRuntime, Session
from damlink._state.inbox import Gathered, Notification, Verdict
from damlink._system.keepable import describe
from damlink.bynder import Asset, Portal
from damlink.errors import AuthError, BynderError, ConnectorError, DamlinkError, NotYet

__all__ = ["Fanout", "Worked", "put_off"]

FIRST_ROUND: Final = timedelta(minutes=1)  # then 4, 16, 64 … minutes
LONGEST_ROUND: Final = timedelta(days=1)
MOST_ROUNDS: Final = 12  # six days: not every connector has a listing that brings it all the same
FIRST_PAUSE: Final = 15.0  # before a portal that did not answer is asked again; then twice as long
LONGEST_PAUSE: Final = 900.0
MOST_REFUSALS: Final = 3  # of single assets in one round; the portal may have gone down in its middle
LATENESS: Final = timedelta(seconds=10)  # from a change to its notification; assumed
DELETED: Final = ".deleted"

_GONE: Final = 404
_OF_ALL: Final = (401, 429)  # what is said to every request, not to one

_log = logging.getLogger("damlink.events")

Record = Mapping[str, Any]  # an asset as the portal shows it
Brought = dict[str, list[SourceAsset]]


@attrs.frozen
class Worked:
    """What becomes of one notification, and the source assets that connectors make of it."""

    verdict: Verdict
    brought: Brought = attrs.field(factory=dict)


def put_off(
    gathered: Gathered,
    error: str,
    now: datetime,
    had: frozenset[str] = frozenset(),
    pauses: Sequence[float] = (),
) -> Verdict:
    """Return the verdict on a notification that could not be worked: later and later, then given up.

    Args:
        pauses: seconds after which connectors want to be told again, where nothing is wrong.
    """
    rounds = gathered.attempts + 1
    if rounds >= MOST_ROUNDS:
        notification = gathered.notification
        _log.error("%s of %s: given up: %s", notification.subject, notification.asset_id, error)
        return Verdict(gathered, had, error=error)
    pause = min(FIRST_ROUND * 4 ** (rounds - 1), LONGEST_ROUND)
    if pauses:
        pause = min(pause, timedelta(seconds=max(pauses)))
    return Verdict(gathered, had, now + pause, error)


@attrs.define
class _Told:
    """One notification while the connectors hear of it.

    Attributes:
        unread: why the asset could not be read; nobody can be told then.
        errors: why a connector could not be told, by its name.
        pauses: seconds after which a connector wants to be told again: nothing is wrong.
        brought: the source assets that each connector makes of it.
    """

    gathered: Gathered
    event: Event
    unread: str
    had: set[str] = attrs.field(factory=set)
    errors: dict[str, str] = attrs.field(factory=dict)
    pauses: list[float] = attrs.field(factory=list)
    brought: Brought = attrs.field(factory=dict)

    def worked(self, now: datetime) -> Worked:
        """Finished if everybody had it; else later, though not for ever."""
        error = self.unread or "; ".join(self.errors.values())
        if error:
            later = put_off(self.gathered, error, now, frozenset(self.had), self.pauses)
            return Worked(later, self.brought)
        return Worked(Verdict(self.gathered, frozenset(self.had)), self.brought)


class Fanout:
    """One portal and the connectors that hear of its events."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._hearing: dict[str, bool] = {}
        self._failures = 0
        self._not_before = 0.0

    def is_reachable(self) -> bool:
        """Whether it is worth asking the portal again."""
        return time.monotonic() >= self._not_before

    def put_off(self, error: DamlinkError) -> None:
        """The portal does not answer: everything stays in the inbox for a while."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        self._failures += 1
        self._not_before = time.monotonic() + pause
        _log.warning("%s: events wait %.0f s: %s", self._name, pause, error)

    def work(self, gathered: Sequence[Gathered], now: datetime) -> list[Worked]:
        """Read the assets and tell every connector.

        Returns:
            What becomes of each notification, and the source assets that each connector makes of it.

        Raises:
            DamlinkError: the portal cannot be read now.
        """
        names = [each.name for each in self._session.config.connectors.values() if self._hears(each)]
        of_assets = [each for each in gathered if names and each.notification.asset_id]
        others = [each for each in gathered if not names or not each.notification.asset_id]
        for each in others:
            subject = each.notification.subject or "a notification without subject"
            _log.info("%s: %s: nobody asks for it", self._name, subject)
        told = self._spread(of_assets, names) if of_assets else []
        self._failures = 0
        return [each.worked(now) for each in told] + [Worked(Verdict(each)) for each in others]

    def _spread(self, gathered: Sequence[Gathered], names: Iterable[str]) -> list[_Told]:
        """With a portal and contexts of this batch alone: what they remember must not grow old."""
        with Session(self._session.config, now=self._session.now) as session:
            session.database, session.pace = self._session.database, self._session.pace
            told = list(_Reader(session.open_portal(self._name)).read(gathered, self._name))
            for name in names:
                _tell(session, name, told)
        return told

    def _hears(self, config: ConnectorConfig) -> bool:
        """Whether a connector hears of this portal's events; one that cannot be loaded may, later."""
        if not config.enabled or config.portal != self._name:
            return False
        if config.plugin not in self._hearing:
            with contextlib.suppress(DamlinkError):
                hooks = self._session.load_plugin(config.name).hooks
                self._hearing[config.plugin] = "on_event" in hooks
        return self._hearing.get(config.plugin, True)


class _Reader:
    """Reads what notifications are about, in as few requests as will do."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._refusals = 0

    def read(self, gathered: Sequence[Gathered], portal: str) -> Iterator[_Told]:
        """Each with its asset as it is now."""
        listed = self._listed([each.notification for each in gathered])
        for each in gathered:
            notification, unread = each.notification, ""
            asset = listed.get(notification.asset_id)
            if asset is None:
                asset, unread = self._one(notification.asset_id)
            event = Event(
                kind=notification.subject,
                asset_id=notification.asset_id,
                asset=asset,
                portal=portal,
                occurred_at=notification.occurred_at,
                raw=notification.content,
            )
            yield _Told(each, event, unread)

    def _listed(self, notifications: Iterable[Notification]) -> Mapping[str, Record]:
        """Assets by id, where a list shows what the notification tells of; all in one request.

        None where the portal finds fault with one of the ids.
        """
        alive = {each.asset_id.upper(): each for each in notifications if not each.subject.endswith(DELETED)}
        try:
            assets = list(self._portal.assets.list(ids=list(alive), include_version_number=True))
        except AuthError:
            raise
        except BynderError as error:
            _log.debug("one by one: %s", error)
            return {}
        told = ((alive[asset.id.upper()], asset) for asset in assets if asset.id.upper() in alive)
        return {each.asset_id: asset.raw for each, asset in told if _is_fresh(asset, each)}

    def _one(self, asset_id: str) -> tuple[Record | None, str]:
        """An asset that no list shows, or why it cannot be read; neither if it is gone or not approved.

        The portal has just answered with a list, so that what it refuses now is a matter of this asset alone
        and must not hold up the others.
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


def _tell(session: Session, name: str, told: Sequence[_Told]) -> None:
    """Let one connector hear of everything; its failures are its own, and one event's are that event's."""
    runtime: ConnectorRuntime | None = None
    for each in told:
        if each.unread or name in each.gathered.had:
            continue
        try:
            runtime = runtime or session.open_connector(name)
            assets = list(runtime.plugin.on_event(runtime.context, each.event))
        except NotYet as pause:
            each.errors[name] = f"{name}: {pause.reason}"
            if pause.retry_after is not None:
                each.pauses.append(pause.retry_after)
            _log.debug("%s: %s of %s: %s", name, each.event.kind, each.event.asset_id, pause)
        except DamlinkError as error:
            each.errors[name] = f"{name}: {error}"
            _log.warning("%s: %s of %s: %s", name, each.event.kind, each.event.asset_id, error)
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            each.errors[name] = f"{name}: a bug: {describe(error)}"
            _log.exception("%s: %s of %s: a bug", name, each.event.kind, each.event.asset_id)
        else:
            each.had.add(name)
            if assets:
                each.brought[name] = assets


def _is_fresh(asset: Asset, notification: Notification) -> bool:
    """Whether a list shows an asset as it was when the notification was sent; lists lag behind."""
    return asset.modified is not None and asset.modified >= notification.occurred_at - LATENESS
