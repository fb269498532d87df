"""Rule on a process that is killed while it delivers: right before a request that acts, or right after it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

import attrs
import httpx

from damlink.errors import DamlinkError, UnclearError
from damlink.testing.case import MOST_TRIED, Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink.testing.trial import Trial

_READS: Final = frozenset({"GET", "HEAD"})


class _KilledError(BaseException):
    """The process has ended here."""


@attrs.define
class _Death:
    """Ends the process at one of its requests that act; none is sent or answered from then on.

    Attributes:
        at: number of the request, counted from 1; 0 for none.
        before: whether it is killed before the request, or after its effect.
        count: number of such requests so far.
    """

    at: int = 0
    before: bool = False
    count: int = 0
    is_dead: bool = False

    def send(self, request: httpx.Request) -> None:
        """Count a request."""
        self.count += request.method not in _READS
        self._die_if(self.before and self.count == self.at and request.method not in _READS)

    def receive(self, response: httpx.Response) -> None:
        """Receive an answer."""
        acted = response.request.method not in _READS
        self._die_if(not self.before and self.count == self.at and acted)

    def _die_if(self, now: bool) -> None:
        self.is_dead = self.is_dead or now
        if self.is_dead:
            raise _KilledError


@rule(
    "push.killed",
    proves="Killed before or after any request that acts, the next run delivers the asset once.",
    cure="note in the checkpoint what you send before you send it, and look there and at the target first",
)
def survive_kills(case: Case) -> None:
    """Kill the carrying of some assets at requests spread over all that act, and carry each again."""
    case.require_listing()
    sources = list(case.list_carried())
    before = len(case.targets())
    with _dying(case.trial, counting := _Death()):
        case.trial.carry(sources[0])
    acts = case.count_acts()
    if not counting.count or len(sources) < 2:
        raise NotApplicableError("it sends nothing that acts, or its stand-in lists one asset")
    for source, death in zip(sources[1:], _deaths(counting.count), strict=False):
        with _dying(case.trial, death), contextlib.suppress(DamlinkError):
            case.trial.carry(source)
        with contextlib.suppress(UnclearError):
            case.trial.carry(source)
    made = len(case.targets()) - before
    if made > len(sources):
        raise BrokenRuleError(f"of {len(sources)} assets, all but one killed on the way, it made {made}")
    for line, number in case.count_acts().items():
        if number > acts.get(line, 1) * len(sources) * (1 + case.repeats):
            raise BrokenRuleError(
                f"of {len(sources)} assets, all but one killed, it sent {line} {number} times"
            )


def _deaths(count: int) -> Iterator[_Death]:
    """Yield deaths: after the last request and the first, before the last, and after one in the middle."""
    yield _Death(count)
    yield _Death(1)
    yield _Death(count, before=True)
    for _ in range(MOST_TRIED):
        yield _Death((count + 1) // 2)


@contextlib.contextmanager
def _dying(trial: Trial, death: _Death) -> Iterator[None]:
    portal = trial.context.bynder
    hooks: dict[str, list[Callable[..., None]]] = {"request": [death.send], "response": [death.receive]}
    clients = (trial.context.http, portal._client, portal._s3)
    before = [client.event_hooks for client in clients]
    for client in clients:
        client.event_hooks = hooks
    try:
        yield
    finally:
        for client, known in zip(clients, before, strict=True):
            client.event_hooks = known
