"""Events from queues of Amazon SQS, so that no port need be open.

A message is deleted only after the inbox has it. What cannot be verified stays in the queue: it is reported,
and looked at again a quarter of an hour later, until the queue's own rule moves or deletes it.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from typing import Final

from damlink._config.load import Config
from damlink._run.session import Session
from damlink._serve.receiver import DUPLICATE, NOTED, STORED, UNAVAILABLE, Answer, EventReceiver
from damlink._serve.service import OneThread
from damlink._sns.queue import Message, Queue, load_boto3, open_queue
from damlink._state.refused import RefusedMessages
from damlink._system.backoff import Backoff
from damlink.errors import ConfigError, DamlinkError

__all__ = ["EventQueues", "QueueReader", "verify_queues"]

BACKOFF: Final = Backoff(first_seconds=1.0, longest_seconds=60.0)
HIDDEN_SECONDS: Final = 900  # until a message that was refused is seen again
_SETTLED: Final = (STORED, DUPLICATE, NOTED)

_log = logging.getLogger("damlink.serve")


def verify_queues(config: Config) -> None:
    """Verify that the queues of the config can be read: boto3 is there, and each portal has its own queue.

    Raises:
        ConfigError: they cannot.
    """
    owners: dict[str, str] = {}
    for name, portal in config.portals.items():
        if url := portal.unopened.event_queue:
            place = f"{config.path}: portals.{name}.event_queue"
            load_boto3(place)
            if (owner := owners.setdefault(url, name)) != name:
                said = f"the portal {owner} reads this queue, and a message reaches only one of them"
                raise ConfigError(place, said, hint="give each portal its own queue")


class EventQueues:
    """Background service that reads the queues of all portals, each in a thread.

    Args:
        receiver: stores what is valid.
        count: called with the portal and the outcome of each message.
        open_: opens the queue at an address.
    """

    def __init__(
        self,
        session: Session,
        receiver: EventReceiver,
        count: Callable[[str, str], None] = lambda _portal, _outcome: None,
        *,
        open_: Callable[[str], Queue] = open_queue,
    ) -> None:
        self._session, self._receiver, self._count, self._open = session, receiver, count, open_
        self._lock = threading.Lock()
        self._runs = False
        self._readers: dict[tuple[str, str], QueueReader] = {}

    def start(self) -> None:
        """Start a thread for each queue."""
        with self._lock:
            self._runs = True
        self.follow()

    def follow(self) -> list[str]:
        """Read the queues of the session's present config; return why they cannot be read."""
        try:
            verify_queues(self._session.config)
        except ConfigError as error:
            return [str(error)]
        urls = {name: each.unopened.event_queue for name, each in self._session.config.portals.items()}
        with self._lock:
            self._match({(name, url) for name, url in urls.items() if url and self._runs})
        return []

    def stop(self) -> None:
        """Ask the threads to end; a message under way is settled, or received again later."""
        with self._lock:
            self._runs = False
            for each in self._readers.values():
                each.stop()

    def join(self, timeout: float) -> bool:
        """Wait until no message is being settled, and return whether that is so.

        A thread that waits for messages is not waited for: it settles nothing any more.
        """
        return all([each.join(timeout) for each in self._readers.values()])  # noqa: C419 - all of them

    @property
    def is_alive(self) -> bool:
        """True while the threads run."""
        return all(each.is_alive for each in self._readers.values())

    def _match(self, wanted: set[tuple[str, str]]) -> None:
        """Have one reader for each queue that is wanted."""
        for gone in self._readers.keys() - wanted:
            self._readers.pop(gone).stop()
        for portal, url in wanted - self._readers.keys():
            opening, refused = functools.partial(self._open, url), RefusedMessages(self._session.database)
            reader = QueueReader(self._receiver, refused, portal, opening, self._count)
            self._readers[portal, url] = reader
            reader.start()


class QueueReader(OneThread):
    """Thread that reads the queue of one portal."""

    def __init__(
        self,
        receiver: EventReceiver,
        refused: RefusedMessages,
        portal: str,
        open_: Callable[[], Queue],
        count: Callable[[str, str], None],
    ) -> None:
        super().__init__(f"queue-{portal}", self._run)
        self._receiver, self._refused, self._portal = receiver, refused, portal
        self._open, self._count = open_, count
        self._stopped = threading.Event()
        self._settling = threading.Lock()
        self._failures = 0
        self._reported = ""

    def stop(self) -> None:
        """Ask the thread to end. It does so after the poll under way, which may be long."""
        self._stopped.set()

    def join(self, timeout: float) -> bool:
        """Wait until no message is being settled, and return whether that is so; only after `stop`."""
        free = self._settling.acquire(timeout=timeout)
        if free:
            self._settling.release()
        return free

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with contextlib.closing(self._open()) as queue:
                    while not self._stopped.is_set():
                        self.step(queue)
                        self._failures, self._reported = 0, ""
            except DamlinkError as error:
                self._report(str(error))
            except Exception:  # noqa: BLE001 - a bug must not stop it: the next message may be another one
                _log.exception("%s: its queue is not read: a bug", self._portal)
            self._stopped.wait(BACKOFF.pause_seconds(self._failures))
            self._failures += 1

    def _report(self, said: str) -> None:
        """Log an error of the queue, once for each time it begins."""
        if said != self._reported and not self._stopped.is_set():
            _log.error("%s: %s", self._portal, said)
        self._reported = said

    def step(self, queue: Queue) -> int:
        """Read one batch, and return the number of its messages.

        Raises:
            DamlinkError: the queue or the database cannot be used now; what is not settled is received again.
        """
        messages = queue.receive()
        with self._settling:
            # After the stop they are left alone, and received again later.
            if self._stopped.is_set():
                return 0
            done: list[Message] = []
            try:
                # One by one: what is stored before an error is deleted.
                done.extend(each for each in messages if self._is_settled(queue, each))
            finally:
                queue.delete(done)
        return len(messages)

    def _is_settled(self, queue: Queue, message: Message) -> bool:
        """Store one message; return whether it may be deleted. Hide one that was refused."""
        endpoint = self._receiver.endpoints.get(self._portal)
        if endpoint is None:
            return False
        answer = self._receiver.receive_queued(endpoint, queue.url, message)
        self._count(self._portal, answer.outcome)
        if answer == UNAVAILABLE:
            _log.warning("%s: the message %s waits: %s", self._portal, message.id, answer.reason)
        elif answer not in _SETTLED:
            self._refuse(queue, message, answer)
        elif message.times > 1:
            self._refused.forget(self._portal, message.id)
        return answer in _SETTLED

    def _refuse(self, queue: Queue, message: Message, answer: Answer) -> None:
        """Note a message that stays in the queue, and report it the first time."""
        if self._refused.note(self._portal, message.id, answer.reason, message.body):
            said = "%s: the message %s is refused, and stays in the queue: %s"
            _log.warning(said, self._portal, message.id, answer.reason)
        queue.hide(message, HIDDEN_SECONDS)
