"""A file reaches a partner without idempotency keys once: processes are killed, answers lie, lists lag."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_server import Asked, Reply, Server

from damlink import Client, NotedDelivery, PushResult
from damlink._checkpoint import FileCheckpoint
from damlink._http.client import open_client
from damlink.errors import AssetRejectedError, TransientError

# The partner's list shows a file after the first; a delivery waits for the second.
LATE_SECONDS: Final = 0.05
LAG: Final = 0.1
REFUSAL: Final = (400, b'{"error": "no such format"}')


class Library:
    """A partner that keeps what it is sent, also twice, and whose list is late.

    Attributes:
        answer: of a `POST`; the right one if `None`.
        loses: a `POST` does not arrive.
        kills: a `POST` kills the process that sends it, as soon as it has arrived.
    """

    def __init__(self, server: Server) -> None:
        self.files: dict[str, tuple[str, float]] = {}
        self.answer: Reply | None = None
        self.loses = False
        self.kills = False
        self.sent = 0
        server.serve(self.serve)

    def serve(self, asked: Asked) -> Reply:
        form = {name: value for name, [value] in parse_qs(asked.body.decode()).items()}
        if asked.method == "POST":
            return self.take(form)
        if asked.method == "DELETE":
            known = self.files.pop(asked.path.rpartition("/")[2], None)
            return Reply(204 if known else 404)
        (reference,) = parse_qs(urlsplit(asked.path).query)["reference"]
        shown = [name for name, (own, at) in self.files.items() if own == reference and at < time.monotonic()]
        return Reply(200, json.dumps(shown).encode())

    def take(self, form: dict[str, str]) -> Reply:
        self.sent += 1
        if not self.loses:
            self.files[f"f{self.sent}"] = (form["reference"], time.monotonic() + LATE_SECONDS)
        if self.kills:
            os.kill(int(form["pid"]), signal.SIGKILL)
        return self.answer or Reply(200, json.dumps({"id": f"f{self.sent}"}).encode())


@pytest.fixture
def library(server: Server) -> Library:
    return Library(server)


class Sender:
    """What a plugin has: the partner's client, and the notes in a file."""

    def __init__(self, http: Client, notes: Path) -> None:
        self.http = http
        self.notes = notes

    def delivery(self) -> NotedDelivery:
        """A delivery as after a restart: it knows what is in the file, and nothing else."""
        return NotedDelivery(self.http, FileCheckpoint(self.notes), self.find, self.delete, LAG)

    def find(self, reference: str) -> str | None:
        found = self.http.get("/files", params={"reference": reference}).json()
        return found[0] if found else None

    def delete(self, file_id: str) -> None:
        self.http.delete(f"/files/{file_id}", accept={404})

    def deliver(self, reference: str = "a 1", **options: Any) -> str:
        return self.delivery().deliver(reference, lambda: self.send(reference), **options)

    def send(self, reference: str) -> str:
        form = {"reference": reference}
        return self.http.send_once("POST", "/files", data=form, read=lambda answer: str(answer.json()["id"]))


@pytest.fixture
def sender(server: Server, tmp_path: Path) -> Any:
    with open_client(server.url) as http:
        yield Sender(http, tmp_path / "notes")


def references(library: Library) -> list[str]:
    return [reference for reference, _ in library.files.values()]


def test_deliver_when_it_is_repeated_sends_once(library: Library, sender: Sender) -> None:
    assert [sender.deliver(), sender.deliver()] == ["f1", "f1"]
    assert library.sent == 1


def test_deliver_when_there_are_no_notes_finds_what_is_there(library: Library, sender: Sender) -> None:
    sender.send("a 1")
    time.sleep(LATE_SECONDS)
    assert sender.deliver() == "f1"
    assert library.sent == 1


# --- answers that lie ------------------------------------------------------------------------------

LIES: Final = {
    "cut": Reply(cut=-1),
    "half": Reply(200, b'{"id": "f1"}', cut=5),
    "empty": Reply(200, b""),
    "no-id": Reply(200, b"{}"),
    "html": Reply(200, b"<html>"),
    "gateway": Reply(502, b"<html>"),
    "timeout": Reply(504),
    "busy": Reply(503, b'{"error": "busy"}'),
    "gone": Reply(404, b"<html>"),
}


@pytest.mark.parametrize("answer", LIES.values(), ids=list(LIES))
def test_deliver_when_the_file_arrives_and_the_answer_is_unclear_finds_it(
    library: Library, sender: Sender, answer: Reply
) -> None:
    library.answer = answer
    assert sender.deliver() == "f1"
    library.answer = None
    assert sender.deliver() == "f1"
    assert (library.sent, references(library)) == (1, ["a 1"])


@pytest.mark.parametrize("answer", LIES.values(), ids=list(LIES))
def test_deliver_when_the_file_does_not_arrive_and_the_answer_is_unclear_sends_it_in_a_later_round(
    library: Library, sender: Sender, answer: Reply
) -> None:
    library.answer, library.loses = answer, True
    with pytest.raises(TransientError, match="the file is not there after 0.1 s"):
        sender.deliver()
    assert library.sent == 1
    library.answer, library.loses = None, False
    assert sender.deliver() == "f2"
    assert (library.sent, references(library)) == (2, ["a 1"])


def test_deliver_when_the_partner_refuses_it_raises_that(library: Library, sender: Sender) -> None:
    library.answer, library.loses = Reply(*REFUSAL), True
    with pytest.raises(AssetRejectedError, match="no such format"):
        sender.deliver()


# --- processes that are killed ---------------------------------------------------------------------


@pytest.mark.parametrize("loses", [False, True], ids=["arrived", "lost"])
def test_deliver_when_the_process_is_killed_while_it_sends_leaves_one_file(
    library: Library, server: Server, tmp_path: Path, child: Callable[..., Any], loses: bool
) -> None:
    library.kills, library.loses = True, loses
    assert child("send_noted", tmp_path / "notes", server.url).wait(60) == -signal.SIGKILL
    library.kills, library.loses = False, False
    again = child("send_noted", tmp_path / "notes", server.url)
    assert again.communicate(timeout=60)[0].split() == ["f2" if loses else "f1"]
    assert (library.sent, references(library)) == (1 + loses, ["a 1"])


# --- other versions, and removal -------------------------------------------------------------------


def test_deliver_when_there_is_a_file_of_the_version_before_deletes_that(
    library: Library, sender: Sender, tmp_path: Path
) -> None:
    previous = PushResult(sender.deliver("a 1"))
    sender.notes = tmp_path / "next"
    assert sender.deliver("a 2", previous=previous) == "f2"
    assert sender.deliver("a 2", previous=PushResult("f2")) == "f2"
    assert references(library) == ["a 2"]


@pytest.mark.parametrize("loses", [False, True], ids=["arrived", "lost"])
def test_deliver_when_another_version_was_interrupted_leaves_the_new_one_alone(
    library: Library, sender: Sender, loses: bool
) -> None:
    interrupt(library, sender, loses)
    assert sender.deliver("a 2") == "f2"
    assert references(library) == ["a 2"]


def interrupt(library: Library, sender: Sender, loses: bool) -> None:
    """Send a file, as a process that ends before it has the answer."""
    library.loses = loses

    def send() -> str:
        sender.send("a 1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sender.delivery().deliver("a 1", send)
    library.loses = False


@pytest.mark.parametrize("loses", [False, True], ids=["arrived", "lost"])
def test_discard_when_the_sending_was_interrupted_leaves_no_file(
    library: Library, sender: Sender, loses: bool
) -> None:
    interrupt(library, sender, loses)
    sender.delivery().discard()
    sender.delivery().discard()
    assert references(library) == []


def test_discard_when_it_was_delivered_deletes_the_file_and_that_of_the_version_before(
    library: Library, sender: Sender
) -> None:
    previous = PushResult(sender.send("a 0"))
    sender.deliver("a 1")
    sender.delivery().discard(previous=previous)
    assert references(library) == []


def test_discard_when_nothing_was_sent_asks_nothing(server: Server, library: Library, sender: Sender) -> None:
    sender.delivery().discard()
    sender.delivery().discard(previous=PushResult(""))
    assert server.asked == []
