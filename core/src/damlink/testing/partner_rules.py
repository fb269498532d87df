"""Rules on a partner that fails, and on what is written about it."""

from __future__ import annotations

import contextlib
import io
import json
import logging
from collections.abc import Iterator
from typing import Any, Final

from damlink.errors import AuthError, DamlinkError, PluginBugError, TransientError, UnclearError
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink_sandbox import Fault

__all__ = ["require_struck"]

_UNASKED: Final = (
    "the partner was not asked: name its requests by the stand-in's trial_reads and trial_requests"
)
_LEAVE_IT: Final = "send every request by ctx.http, and catch none of its errors that you cannot cure"


def require_struck(fault: Fault, times: int = 1) -> None:
    """Require that a fault has met requests of the plugin."""
    if fault.struck < times:
        raise BrokenRuleError(_UNASKED)


def _require_error(case: Case, wanted: type[DamlinkError], what: str, **failure: Any) -> None:
    """Fail every request, and verify which error the plugin raises."""
    fault, seen = case.script(times=0, **failure), None
    try:
        case.ask_partner()
    except wanted:
        return
    except DamlinkError as error:
        seen = error
    require_struck(fault)
    raise BrokenRuleError(f"{what} is no {wanted.__name__} but {seen!r}" if seen else f"{what} is swallowed")


@rule(
    "partner.401",
    proves="Refused credentials stop the connector instead of being tried again for every asset.",
    cure=f"{_LEAVE_IT}; a refusal with another status is an AuthError by classify(response)",
)
def stop_at_401(case: Case) -> None:
    """Answer 401 to everything."""
    _require_error(case, AuthError, "a 401", status=401)


@rule(
    "partner.429",
    proves="A rate limit delays requests, and fails none.",
    cure=_LEAVE_IT,
)
def wait_out_429(case: Case) -> None:
    """Answer 429 twice."""
    fault = case.script(status=429, headers={"Retry-After": "1"}, times=2)
    case.ask_partner()
    require_struck(fault, 2)


@rule(
    "partner.500",
    proves="An error of the partner's server is transient: it is tried again later, and is no bug.",
    cure=_LEAVE_IT,
    status=500,
)
@rule(
    "partner.half-answer",
    proves="Half an answer is transient: it is tried again later, and is no bug.",
    cure=_LEAVE_IT,
    kind="truncate",
)
@rule(
    "partner.broken-json",
    proves="An answer that is no JSON is transient: it is tried again later, and is no bug.",
    cure="read an answer by response.json(), or raise TransientError where it has another form",
    status=200,
    body='{"broken": ',
)
def fail_for_now(case: Case, **failure: Any) -> None:
    """Fail every request."""
    _require_error(case, TransientError, "it", **failure)


@rule(
    "partner.500-carrying",
    proves="An error of the partner's server while an asset is carried is shown, and never taken for an end.",
    cure=_LEAVE_IT,
)
def show_error_of_carrying(case: Case) -> None:
    """Carry assets that were never tried, until one asks the partner, while every request fails."""
    fresh = case.list_some() if case.lists else [case.source]
    fault = case.script(match=".", status=500, times=0)
    for source in fresh:
        try:
            result = case.trial.carry(source)
        except PluginBugError:
            raise
        except DamlinkError:
            return
        if fault.struck:
            break
    if not fault.struck:
        raise NotApplicableError("it asks nothing of the partner while an asset is carried")
    if not getattr(result, "notice", ""):
        raise BrokenRuleError(f"a 500 is swallowed: the asset ends as {type(result).__name__}")


@rule(
    "partner.passing",
    proves="Connections that break now and then are repeated, and cause no failure.",
    cure=_LEAVE_IT,
)
def pass_over(case: Case) -> None:
    """Cut two connections."""
    fault = case.script(kind="cut", skip=1, times=2)
    # A list of one page is one request: ask again.
    for _ in range(3):
        if fault.struck < 2:
            case.ask_partner()
    require_struck(fault, 2)


@rule(
    "partner.lost-answer",
    proves="A request that may have taken effect is repeated neither at once nor in the next round.",
    cure="send it by ctx.http.send_once, note it in the checkpoint before, and look for its effect first",
)
def lose_answer(case: Case) -> None:
    """Let requests that act take effect, and lose their answers."""
    # Sent for ever, it would end.
    lost = case.script(match=case.acts, kind="cut-after", times=10)
    for source in case.list_untouched():
        # Whatever it is called: how often the request was sent decides.
        with contextlib.suppress(UnclearError, TransientError):
            case.trial.carry(source)
        if lost.struck:
            break
    case.sandbox.world.faults.clear()
    if not lost.struck:
        raise NotApplicableError("it asks nothing of the partner that must not happen twice")
    with contextlib.suppress(UnclearError):
        case.trial.carry(source)
    often = {line: number for line, number in case.count_acts().items() if number > 1 + case.repeats}
    if often:
        line, number = next(iter(often.items()))
        raise BrokenRuleError(f"after a lost answer, {line} was sent {number} times")


@rule(
    "log.secret-free",
    proves="No secret is in the log at debug level, in an error, in the ledger or in a repr.",
    cure="declare it as Secret, reveal() it only to sign, and keep it out of raw and of addresses",
)
def hide_secrets(case: Case) -> None:
    """Search the log of an accepted and a refused request for the secrets of both sides."""
    with _debug_log() as log:
        source = case.source
        case.trial.carry(source)
        refused = _refusal(case) if case.has_server else ""
    if "damlink.http" not in log.getvalue():
        raise BrokenRuleError("no request is in the log: send requests by ctx.http and ctx.bynder")
    record = json.dumps(dict(source.raw))
    places = {
        "log": log.getvalue(),
        "error": str(refused),
        "context": repr(case.trial.context),
        "raw": record,
    }
    for place, text in places.items():
        if any(secret in text for secret in case.trial.secrets()):
            raise BrokenRuleError(f"a secret is in the {place}")


def _refusal(case: Case) -> object:
    """Return the error of a refused request; nothing if the plugin hides it."""
    case.script(status=401, times=0)
    try:
        case.ask_partner()
    except DamlinkError as error:
        return error
    return ""


@contextlib.contextmanager
def _debug_log() -> Iterator[io.StringIO]:
    """Collect the log of every logger at debug level, in place of the log's present destinations."""
    text, own = io.StringIO(), logging.getLogger("damlink")
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    with (
        _replace_handlers(logging.getLogger(), [handler]),
        _replace_handlers(own, [] if own.propagate else [handler]),
    ):
        yield text


@contextlib.contextmanager
def _replace_handlers(logger: logging.Logger, handlers: list[logging.Handler]) -> Iterator[None]:
    before, level = logger.handlers[:], logger.level
    logger.handlers[:] = handlers
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.handlers[:] = before
        logger.setLevel(level)
