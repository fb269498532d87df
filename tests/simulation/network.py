"""The network between the product and the other sides, with its faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import attrs
import httpx
from simulation.answers import Answer
from simulation.auditor import Auditor
from simulation.faults import ANSWERS, FILE_ANSWERS, Fault, Plan
from simulation.portal import HOST, Portal
from simulation.scheduler import Scheduler
from simulation.tasks import Process, SimulationError, current_process

__all__ = ["Network"]

_GARBAGE: Final = {"html": b"<html>It works</html>", "empty": b"", "braces": b"{}", "half": b'{"succ'}
_SECONDS: Final = 0.05  # of an ordinary answer
# After so long the product gives up an answer.
_TIMEOUT: Final = 60.0
_DRIPS: Final = 4


@attrs.define
class Network:
    """Every request goes through here: it leaves, acts, and is answered, with a switch point between.

    Attributes:
        part: answers what is not the portal's.
        counts: requests of each sort that faults count.
    """

    scheduler: Scheduler
    plan: Plan
    portal: Portal
    auditor: Auditor
    operator: Process
    part: Any = None
    counts: Counter[str] = attrs.field(factory=Counter)

    def send(self, request: httpx.Request, last: Callable[[], None]) -> httpx.Response:
        """Answer a request.

        Args:
            last: the product's own check right before the first byte leaves.
        """
        self.scheduler.switch("connect")
        last()
        process = current_process()
        self._audit(lambda: self.auditor.check_sent(process, request))
        if request.url.host == HOST:
            self._audit(lambda: self.auditor.check_silence(self.scheduler.now))
        body = b"".join(request.stream)  # type: ignore[arg-type]
        self._audit(lambda: self.part.on_sent(process, request, body))
        self.scheduler.switch("sent")
        try:
            return self._exchange(process, request, body)
        finally:
            self.part.on_over(process, request)

    def _exchange(self, process: Process | None, request: httpx.Request, body: bytes) -> httpx.Response:
        fault = self._take_fault(request)
        self.scheduler.note(f"{request.method} {request.url.path} {fault}")
        kind = fault.kind if fault else ""
        if refusal := self._fail_before(kind, request, body):
            return refusal
        if fault and kind in ("slow sending", "killed after"):
            # Its bytes are under way for so long: it acts once they have all come.
            self.wait(fault.amount)
        answer = self._act_slowly(request, body) if kind == "slow before" else self._act(request, body)
        if kind == "killed after":
            self._kill()
        self.wait(fault.amount if fault and kind == "slow" else _SECONDS)
        if failure := self._fail_after(kind, request, answer):
            return failure
        self.part.on_answered(process, request, body, answer)
        if answer.status == 429 and request.url.host == HOST:
            self.auditor.note_throttled(process, self.scheduler.now)
        return self._respond(answer)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.scheduler.block("answer", seconds)

    def _take_fault(self, request: httpx.Request) -> Fault | None:
        for sort in self._sorts(request):
            self.counts[sort] += 1
            kinds = (*ANSWERS, *FILE_ANSWERS) if sort == "file" else ANSWERS
            if fault := self.plan.take(kinds, self.counts[sort], sort):
                return fault
        return None

    def _sorts(self, request: httpx.Request) -> Iterator[str]:
        if self.part.is_once(request):
            yield "once"
        if request.method != "GET":
            yield "change"
        else:
            yield "file" if self.part.is_file(request) else "read"

    def _fail_before(self, kind: str, request: httpx.Request, body: bytes) -> httpx.Response | None:
        """Meet a fault of a request that does not act, or not yet."""
        if kind == "unreachable":
            raise httpx.ConnectError("connection refused", request=request)
        if kind == "lost before":
            raise httpx.ReadError("the connection broke", request=request)
        if kind in ("error before", "unavailable"):
            return httpx.Response(503 if kind == "unavailable" else 500, content=b"<html>no</html>")
        if kind in ("throttled", "throttled bare"):
            headers = {"Retry-After": "5"} if kind == "throttled" else {}
            return httpx.Response(429, headers=headers, json={"message": "slower"})
        if kind == "killed before":
            self._kill()
        if kind == "late":
            self.scheduler.spawn("late", self.operator, lambda: self._act_late(request, body))
            self.wait(_TIMEOUT)
            raise httpx.ReadTimeout("no answer", request=request)
        return None

    def _fail_after(self, kind: str, request: httpx.Request, answer: Answer) -> httpx.Response | None:
        """Meet a fault of a request that has acted."""
        if kind == "hangs":
            self.wait(_TIMEOUT)
            raise httpx.ReadTimeout("no answer", request=request)
        if kind == "lost after":
            raise httpx.ReadError("the connection broke", request=request)
        if kind in ("error after", "gateway"):
            return httpx.Response(504 if kind == "gateway" else 500, json={"message": "Could not complete"})
        if kind == "no success":
            return httpx.Response(200, json={"success": False})
        if kind == "other type":
            return httpx.Response(200, headers={"Content-Type": "text/plain"}, content=b"OK")
        if kind == "elsewhere":
            return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})
        if kind in _GARBAGE:
            return httpx.Response(200, content=_GARBAGE[kind])
        return self._spoil(kind, answer)

    def _spoil(self, kind: str, answer: Answer) -> httpx.Response | None:
        """Return an answer whose body or headers are not what they should be."""
        if kind == "drip":
            return self._respond(answer, _Stream(self._drip(answer.content)))
        if kind == "wrong length":
            return self._respond(answer, _Stream(_break_off(answer.content, len(answer.content))))
        if kind == "cut":
            return self._respond(answer, _Stream(_break_off(answer.content, len(answer.content) // 2)))
        if kind == "other etag":
            return self._respond(attrs.evolve(answer, headers={**answer.headers, "ETag": '"another"'}))
        if kind == "wrong range":
            headers = {**answer.headers, "Content-Range": f"bytes 3-9/{len(answer.content) + 3}"}
            return self._respond(attrs.evolve(answer, status=206, headers=headers))
        return None

    def _drip(self, content: bytes) -> Iterator[bytes]:
        size = len(content) // _DRIPS + 1
        for start in range(0, len(content), size):
            self.wait(_TIMEOUT / 3)
            yield content[start : start + size]

    def _act(self, request: httpx.Request, body: bytes) -> Answer:
        answer = Answer(500)

        def act() -> None:
            nonlocal answer
            answer = self.portal.answer(request, body) or self.part.answer(request, body)
            self.auditor.check_pace()

        self._audit(act)
        return answer

    def _act_slowly(self, request: httpx.Request, body: bytes) -> Answer:
        """Act some time after all has come: also if the process that waits for the answer ends meanwhile."""
        answers: list[Answer] = []

        def act() -> None:
            self.wait(self.part.late_seconds(request))
            answers.append(self._act(request, body))

        self.scheduler.spawn("slow", self.operator, act)
        self.scheduler.block("acted", None, lambda: bool(answers))
        return answers[0]

    def _act_late(self, request: httpx.Request, body: bytes) -> None:
        self.wait(self.part.late_seconds(request))
        self._act(request, body)

    def _audit(self, check: Callable[[], None]) -> None:
        try:
            check()
        except SimulationError as error:
            self.scheduler.fail(error)

    def _kill(self) -> None:
        process = current_process()
        assert process is not None
        self.scheduler.crash(process)

    def _respond(self, answer: Answer, stream: httpx.SyncByteStream | None = None) -> httpx.Response:
        now = format_datetime(datetime.fromtimestamp(self.scheduler.now, UTC), usegmt=True)
        kind = "image/jpeg" if isinstance(answer.body, bytes) else "application/json"
        headers = {"Date": now, "Content-Type": kind, **answer.headers}
        if stream is None:
            return httpx.Response(answer.status, headers=headers, content=answer.content)
        headers["Content-Length"] = str(len(answer.content))
        return httpx.Response(answer.status, headers=headers, stream=stream)


@attrs.frozen
class _Stream(httpx.SyncByteStream):
    """A body that arrives piece by piece."""

    pieces: Iterator[bytes]

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def _break_off(content: bytes, count: int) -> Iterator[bytes]:
    """Yield the first bytes, and end before as many have come as were announced."""
    yield content[: max(0, count - 1)]
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")
