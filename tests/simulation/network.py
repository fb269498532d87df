"""The network between the product and the other sides, with its faults."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import attrs
import httpx
from simulation.auditor import Auditor
from simulation.faults import ANSWERS, Fault, Plan
from simulation.portal import Answer, Portal, Source
from simulation.product import INDEX_LAG
from simulation.scheduler import Process, Scheduler, SimulationError, current_process

__all__ = ["Network"]

_GARBAGE: Final = {"html": b"<html>It works</html>", "empty": b"", "braces": b"{}", "half": b'{"succ'}
_SECONDS: Final = 0.05  # of an ordinary answer


@attrs.define
class Network:
    """Every request goes through here: it leaves, acts, and is answered, with a switch point between."""

    scheduler: Scheduler
    plan: Plan
    portal: Portal
    source: Source
    auditor: Auditor
    operator: Process
    requests: int = 0
    saves: int = 0

    def send(self, request: httpx.Request, last: Callable[[], None]) -> httpx.Response:
        """Answer a request.

        Args:
            last: the product's own check right before the first byte leaves.
        """
        self.scheduler.switch("connect")
        last()
        self._audit(lambda: self.auditor.check_sent(current_process(), request))
        body = b"".join(request.stream)  # type: ignore[arg-type]
        self.scheduler.switch("sent")
        fault = self._take_fault(request) if request.method != "GET" else None
        self.scheduler.note(f"{request.method} {request.url.path} {fault}")
        kind = fault.kind if fault else ""
        if refusal := self._fail_before(kind, request, body):
            return refusal
        if fault and kind == "slow before":
            self.wait(fault.amount)
        answer = self._act(request, body)
        if kind == "killed after":
            self._kill()
        self.wait(fault.amount if fault and kind == "slow" else _SECONDS)
        return self._fail_after(kind, request) or self._response(answer)

    def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.scheduler.block("answer", lambda: False, seconds)

    def _take_fault(self, request: httpx.Request) -> Fault | None:
        self.requests += 1
        if "/save" in request.url.path:
            self.saves += 1
            if fault := self.plan.take(ANSWERS, self.saves, saves=True):
                return fault
        return self.plan.take(ANSWERS, self.requests)

    def _fail_before(self, kind: str, request: httpx.Request, body: bytes) -> httpx.Response | None:
        """Meet a fault of a request that does not act, or not yet."""
        if kind == "lost before":
            raise httpx.ReadError("the connection broke", request=request)
        if kind in ("error before", "unavailable"):
            return httpx.Response(503 if kind == "unavailable" else 500, content=b"<html>no</html>")
        if kind == "throttled":
            return httpx.Response(429, headers={"Retry-After": "5"}, json={"message": "slower"})
        if kind == "killed before":
            self._kill()
        if kind == "late":
            self.scheduler.spawn("late", self.operator, lambda: self._act_late(request, body))
            self.wait(60.0)
            raise httpx.ReadTimeout("no answer", request=request)
        return None

    def _fail_after(self, kind: str, request: httpx.Request) -> httpx.Response | None:
        """Meet a fault of a request that has acted."""
        if kind == "lost after":
            raise httpx.ReadError("the connection broke", request=request)
        if kind == "error after":
            return httpx.Response(500, json={"message": "Could not complete"})
        if kind == "no success":
            return httpx.Response(200, json={"success": False})
        return httpx.Response(200, content=_GARBAGE[kind]) if kind in _GARBAGE else None

    def _act(self, request: httpx.Request, body: bytes) -> Answer:
        if request.url.host == "partner.example":
            return self.source.answer(request)
        answer = Answer(500)

        def act() -> None:
            nonlocal answer
            answer = self.portal.answer(request, body)
            self.auditor.check_pace()

        self._audit(act)
        return answer

    def _act_late(self, request: httpx.Request, body: bytes) -> None:
        # Together with the lists' own lag still within the lag that the config promises.
        self.wait(INDEX_LAG / 4)
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

    def _response(self, answer: Answer) -> httpx.Response:
        now = format_datetime(datetime.fromtimestamp(self.scheduler.now, UTC), usegmt=True)
        is_file = isinstance(answer.body, bytes)
        kind = "image/jpeg" if is_file else "application/json"
        headers = {"Date": now, "Content-Type": kind, **answer.headers}
        content = answer.body if is_file else json.dumps(answer.body).encode()
        return httpx.Response(answer.status, headers=headers, content=content)
