"""Intake of events by a process: its endpoints, the queues it reads, and the confirmations that it owes."""

from __future__ import annotations

from collections.abc import Callable

from damlink._run.session import Session
from damlink._serve.confirmer import Confirmer
from damlink._serve.event_queue import EventQueues
from damlink._serve.receiver import Endpoint, EventReceiver, endpoints_of
from damlink._serve.refusal_log import RefusalLog
from damlink._serve.service import BackgroundService
from damlink._sns.verify import Certificates
from damlink._state.inbox import Inbox
from damlink._state.refusals import Refusals

__all__ = ["EventIntake"]


class EventIntake:
    """The receiver of events, and the background services that belong to it.

    Args:
        count: called with the portal and the outcome of each message of a queue.
        has_addresses: whether the process serves event addresses; else only portals with a queue take part.

    Attributes:
        receiver: verifies and stores events.
        services: started and stopped with the process.
    """

    def __init__(
        self,
        session: Session,
        count: Callable[[str, str], None] = lambda _portal, _outcome: None,
        *,
        has_addresses: bool = True,
    ) -> None:
        self._session, self._certificates, self._has_addresses = session, Certificates(), has_addresses
        endpoints = self._endpoints()
        self._confirmer = Confirmer(each.subscriptions for each in endpoints.values())
        self.receiver = EventReceiver(
            endpoints,
            Inbox(session.database),
            on_confirmation=self._confirmer.wake,
            on_refusal=RefusalLog(Refusals(session.database)).note,
            now=session.now,
        )
        self._queues = EventQueues(session, self.receiver, count)
        self.services: tuple[BackgroundService, ...] = (self._confirmer, self._queues)

    def follow(self) -> list[str]:
        """Use the portals of the session's present config; return what cannot be applied."""
        endpoints = self._endpoints()
        self.receiver.endpoints = endpoints
        self._confirmer.follow(each.subscriptions for each in endpoints.values())
        return self._queues.follow()

    def _endpoints(self) -> dict[str, Endpoint]:
        return endpoints_of(self._session, self._certificates, has_addresses=self._has_addresses)
