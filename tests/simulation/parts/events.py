"""A portal's notifications, by way of SNS, to `damlink serve`: its receiver, dispatcher and schedule."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer, iso_date
from simulation.files import content_of, title_of
from simulation.library import Asset
from simulation.parts.part import Part, Stage
from simulation.tasks import Process, SimulationError

__all__ = ["EventsPart"]

ASSETS: Final = 6
TOPIC: Final = "arn:aws:sns:eu-west-1:123456789012:portal"
# SNS waits so long for an answer, and then sends again.
PATIENCE: Final = 15.0
AGAIN: Final = 20.0
# Shorter than a server runs: a message must meet one.
LONGEST: Final = 60.0
OPEN: Final = "SELECT count(*) FROM inbox WHERE finished_at IS NULL"


@attrs.define
class Message:
    """A notification on its way.

    Attributes:
        at: when it is sent next.
        sends: how often it is still to be sent at least.
    """

    id: str
    body: bytes
    at: float
    sends: int = 1
    tries: int = 0


class EventsPart(Part):
    """Assets of the portal, of which each version goes to a partner once.

    Attributes:
        received: versions that the partner knows.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._numbers = itertools.count(1)
        self._messages: list[Message] = []
        self._receivers: dict[Process, Any] = {}
        self._fate: list[str] = []
        self._is_over = False
        self.received: set[tuple[str, int]] = set()
        stage.portal.library.on_change = self._publish

    def connector(self, name: str, workers: int) -> str:
        """Return the table of a connector, and of the server."""
        return (
            f'[connectors.{name}]\nplugin = "simulation-events"\nportal = "brand"\nworkers = {workers}\n'
            'api_url = "https://partner.example"\n\n[serve]\nevent_pause = "20s"\n'
        )

    # --- the portal's people, and SNS --------------------------------------------------------------

    def begin(self) -> None:
        """Add assets, and begin to send notifications."""
        for number in range(1, ASSETS + 1):
            asset = self.stage.portal.add(f"asset-{number}", [], content_of(f"asset-{number}", 1))
            self.stage.portal.library.touch(asset, "asset_bank.media.create")
        self.stage.scheduler.spawn("sns", self.stage.operator, self._send_all)

    def change(self, kind: str) -> None:
        """Let a notification of the next change go astray, or what else happens."""
        if kind.startswith(("notification", "acknowledgement")):
            self._fate.append(kind)
            self.change_source()
        elif kind == "versioned":
            self.change_source()
        else:
            super().change(kind)

    def change_source(self) -> None:
        """Upload a new version, as a person does."""
        library = self.stage.portal.library
        alive = [each for _, each in sorted(library.assets.items()) if not each.is_deleted]
        if alive:
            asset = self.stage.dice.choice(alive)
            name, version = title_of(asset.contents[-1])
            library.add_version(asset, content_of(name, version + 1))
            library.touch(asset, "asset_bank.media.updated")

    def deletable(self) -> Collection[str]:
        """Return the names of all assets."""
        return [title_of(each.contents[0])[0] for each in self.stage.portal.library.assets.values()]

    def _publish(self, asset: Asset, kind: str) -> None:
        now, number = self.stage.scheduler.now, next(self._numbers)
        fate = self._fate.pop() if self._fate else ""
        envelope = {
            "Type": "Notification",
            "MessageId": f"message-{number}",
            "TopicArn": TOPIC,
            "Subject": kind,
            "Message": json.dumps({"media_id": asset.id}),
            "Timestamp": iso_date(now).replace("Z", ".000Z"),
            "SignatureVersion": "1",
            "Signature": "none",
            "SigningCertURL": "none",
        }
        delay = 60.0 if fate == "notification late" else self.stage.dice.choice((0.5, 2.0, 8.0))
        sends = 1 if fate in ("", "notification late") else 2
        self._messages.append(Message(f"message-{number}", json.dumps(envelope).encode(), now + delay, sends))

    def finish(self) -> None:
        """End what this part does by itself."""
        self._is_over = True

    def _send_all(self) -> None:
        scheduler = self.stage.scheduler
        while not self._is_over:
            first = min((each.at for each in self._messages), default=None)
            seconds = None if first is None else first - scheduler.now
            scheduler.block("sns", seconds, lambda first=first: self._has_news(first))
            for message in [each for each in self._messages if each.at <= scheduler.now]:
                message.sends -= self._deliver(message)
                message.tries += 1
                message.at = scheduler.now + min(AGAIN * 2**message.tries, LONGEST)
                if message.sends <= 0:
                    self._messages.remove(message)

    def _has_news(self, first: float | None) -> bool:
        return self._is_over or (first is None and bool(self._messages))

    def _deliver(self, message: Message) -> bool:
        """Send a message to a server; return whether it has acknowledged it."""
        alive = [each for each in self._receivers if not each.is_crashed and not each.is_over]
        if not alive:
            return False
        process, answers = self.stage.dice.choice(alive), list[int]()
        receiver = self._receivers[process]

        def receive() -> None:
            endpoint = receiver.endpoints["brand"]
            answers.append(receiver.receive(endpoint, {}, message.body).status)

        self.stage.scheduler.spawn("request", process, receive)
        self.stage.scheduler.block("acknowledged", PATIENCE, lambda: bool(answers) or process.is_crashed)
        is_acknowledged = answers == [200]
        if is_acknowledged and not self._is_stored(message):
            raise SimulationError(f"{message.id} was acknowledged and not stored")
        return is_acknowledged

    def _is_stored(self, message: Message) -> bool:
        return bool(self.stage.auditor.query("SELECT 1 FROM inbox WHERE message_id = ?", message.id))

    # --- damlink serve -----------------------------------------------------------------------------

    def run_place(self, number: int) -> None:
        """Start one server after another; a second one stands by."""
        dice = self.stage.dice
        for _ in range(dice.choice((1, 2))):
            seconds = dice.choice((100.0, 400.0))
            self.stage.start(
                f"serve{number}", self.names[0], lambda process, s=seconds: self._serve(process, s)
            )
            self.stage.wait(dice.choice((0.1, 5.0, 40.0)))

    def run_last(self) -> None:
        """Serve for some minutes."""
        self.stage.start("serve-last", self.names[0], lambda process: self._serve(process, 200.0))

    def _serve(self, process: Process, seconds: float) -> None:
        from damlink._config.load import load
        from damlink._run.session import Session
        from damlink._serve.dispatcher import Dispatcher
        from damlink._serve.receiver import EventReceiver
        from damlink._serve.scheduler import Schedule
        from damlink._state.inbox import Inbox
        from damlink.errors import DamlinkError

        try:
            with Session(load(self.stage.folder / "damlink.toml"), urgent=True) as session:
                schedule = Schedule(session)
                services = (Dispatcher(session, schedule.wake), schedule)
                inbox = Inbox(session.database)
                self._receivers[process] = EventReceiver({"brand": _endpoint()}, inbox, now=session.now)
                for service in services:
                    service.start()
                self.stage.wait(seconds)
                del self._receivers[process]
                for service in services:
                    service.stop()
                for service in services:
                    service.join(25.0)
        except DamlinkError as error:
            self.stage.scheduler.note(f"serve {type(error).__name__}")
        self._receivers.pop(process, None)
        process.is_over = True

    # --- the partner -------------------------------------------------------------------------------

    def answer(self, request: httpx.Request, body: bytes) -> Answer:
        """Take a version of an asset."""
        _, asset_id, version = request.url.path.strip("/").split("/")
        self.received.add((asset_id, int(version)))
        return Answer(200, {"id": f"{asset_id}-{version}"})

    def on_sent(self, process: Process | None, request: httpx.Request, body: bytes) -> None:
        """Nothing is sent that the ledger knows as pushed."""
        if request.method == "PUT":
            _, asset_id, version = request.url.path.strip("/").split("/")
            query = "SELECT state, fingerprint_carried FROM ledger WHERE source_id = ?"
            if ("pushed", f"v{version}") in self.stage.auditor.query(query, asset_id):
                raise SimulationError(f"{asset_id} version {version} is pushed, and was sent again")

    # --- the truth ---------------------------------------------------------------------------------

    def wanted(self) -> dict[str, int]:
        """Return the version of each asset that is there."""
        assets = self.stage.portal.library.assets
        return {key: len(each.contents) for key, each in assets.items() if not each.was_deleted}

    def arrived(self) -> Collection[tuple[str, int]]:
        """Return what the partner knows."""
        return self.received

    def excused(self) -> Collection[str]:
        """Return the ids of deleted assets."""
        return [key for key, each in self.stage.portal.library.assets.items() if each.was_deleted]

    def is_settled(self) -> bool:
        """Return whether all notifications have come, and all are worked."""
        return not self._messages and self.stage.auditor.query(OPEN) == [(0,)]

    def check_end(self) -> None:
        """Nothing was given up without a word, which would be a row without its error."""
        if not self.is_settled():
            raise SimulationError("notifications are left")


class _Trusting:
    """Verifier of a message whose signature is right."""

    def verify(self, envelope: Any, now: Any, *, queued: bool = False) -> None:
        """Accept it."""


class _Approved:
    """Subscriptions of which all are approved."""

    def is_allowed(self, arn: str) -> bool:
        """Return whether a topic is approved."""
        return True


def _endpoint() -> Any:
    from damlink._serve.receiver import Endpoint

    trusting: Any = _Trusting()
    approved: Any = _Approved()
    return Endpoint("brand", "token", trusting, approved)
