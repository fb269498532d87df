"""Rules on memory: a file of any size passes through little of it, and an answer has a limit."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Iterator
from typing import Final

from damlink._http.answer import ANSWER_BYTES
from damlink._model import PreparedAsset, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.traces import package_of
from damlink.errors import DamlinkError, TransientError
from damlink.testing.allocations import watch_memory
from damlink.testing.case import Case
from damlink.testing.opening import open_sandbox, open_trial
from damlink.testing.partner_rules import require_struck
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink.testing.trial import Trial
from damlink_sandbox import Synthetic

# An upload takes about 20 MiB, of any file; an answer as a whole is limited to 64.
LARGE_BYTES: Final = 48 * 1024**2
MOST_BYTES: Final = 36 * 1024**2
# An answer is refused beyond its limit; what holds one for a moment holds it twice.
MOST_ANSWERED_BYTES: Final = ANSWER_BYTES + MOST_BYTES
OVERSIZED: Final = "a page of 300 MiB"


@rule(
    "content.constant-memory",
    proves="A large file passes through little memory: of a file of 48 MiB never more than a part is held.",
    cure="use Content.from_url or from_path, which are read piece by piece; never .content of an answer",
)
def hold_no_whole_file(case: Case) -> None:
    """Carry a large file, beside another sandbox, and trace the memory; if there is much, see whose it is."""
    case.require_listing()
    with _open_large(case, "large") as trial, _trace_memory():
        is_carried = _carry_large(trial)
        _, peak = tracemalloc.get_traced_memory()
    if not is_carried:
        raise NotApplicableError("its stand-in has no large film: let it take files from world.media")
    if peak > MOST_BYTES:
        _judge(case, peak)


def _judge(case: Case, peak: int) -> None:
    """Carry the file again, slowly, and look which code holds the memory.

    Raises:
        BrokenRuleError: it is not the stand-in alone.
    """
    package = package_of(find(case.plugin).module)
    with _open_large(case, "watched") as trial, watch_memory(package, MOST_BYTES) as holding:
        _carry_large(trial)
    if holding.is_seen and holding.peak <= MOST_BYTES:
        return
    place = f", most of it by {holding.place}" if holding.place else ""
    held = f"of a file of {_mib(LARGE_BYTES)}, {_mib(holding.peak or peak)} are held at once{place}"
    raise BrokenRuleError(f"{held}; the limit is {_mib(MOST_BYTES)}")


def _mib(number: int) -> str:
    return f"{number / 1024**2:.0f} MiB"


@contextlib.contextmanager
def _open_large(case: Case, name: str) -> Iterator[Trial]:
    folder = case.trial.folder / name
    for side in ("sandbox", "trial"):
        (folder / side).mkdir(parents=True)
    media = [Synthetic("large.mov", LARGE_BYTES), Synthetic("small.jpg", 20_000, "image", 1)]
    with (
        open_sandbox(case.plugin, folder / "sandbox", media) as sandbox,
        open_trial(case.plugin, sandbox, folder / "trial") as trial,
    ):
        yield trial


def _carry_large(trial: Trial) -> bool:
    return any(_carry_if_large(trial, source) for source in trial.source_assets())


def _carry_if_large(trial: Trial, source: SourceAsset) -> bool:
    prepared = trial.transform(source)
    if not isinstance(prepared, PreparedAsset):
        return False
    with contextlib.closing(prepared.content):
        if sum(len(piece) for piece in prepared.content.open()) < LARGE_BYTES // 2:
            return False
        trial.push(prepared, source)
    return True


@contextlib.contextmanager
def _trace_memory() -> Iterator[None]:
    was_tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    try:
        yield
    finally:
        if not was_tracing:
            tracemalloc.stop()


@rule(
    "partner.oversized",
    proves=f"An answer that is far too large, such as {OVERSIZED}, is refused before it fills the memory.",
    cure="read an answer by ctx.http.get and response.json(); .stream() has no limit, and is for files",
)
def refuse_oversized(case: Case) -> None:
    """Answer everything with a small body that decompresses to far too much, and trace the memory."""
    fault, seen = case.script(kind="bomb", times=0), ""
    with _trace_memory():
        try:
            case.ask_partner()
            seen = "and taken for a page"
        except TransientError:
            pass
        except DamlinkError as error:
            seen = f"and ends as {error!r}"
        _, peak = tracemalloc.get_traced_memory()
    require_struck(fault)
    if peak > MOST_ANSWERED_BYTES:
        raise BrokenRuleError(f"{OVERSIZED} is held in memory as a whole")
    if seen:
        raise BrokenRuleError(f"{OVERSIZED} is read, {seen}")
