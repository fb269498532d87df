"""The whole matrix of lies: `make lies`; ends with 1 if an asset is lost or doubled, or a lie not told."""

from __future__ import annotations

import ast
import logging
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Final

import click
import matrices
from lies import calls, runs
from lies.kinds import KINDS
from lies.told import OUTCOMES, Told

__all__ = ["main", "requests_sent_once"]

ROOT: Final = Path(__file__).parents[2]
COLUMNS: Final = ("request", "lies", *OUTCOMES)
_ONCE: Final = frozenset({"post_once", "send_once", "_send_save"})
# Those that send what others give them.
_THE_MECHANISM: Final = frozenset({"post_once", "Uploads._send_save", "Saver.begin"})


@click.command()
@click.option("--request", "names", multiple=True, help="Only this request.")
@click.option("--lies", type=int, default=len(KINDS), help="So many lies in runs, evenly spread.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Child processes at a time.")
def main(names: Sequence[str], lies: int, jobs: int) -> None:
    """Tell every lie about every request that must not be repeated."""
    logging.disable(logging.CRITICAL)
    chosen = [name for name in (*runs.RUNS, *calls.CALLS) if not names or name in names]
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            told = [*_tell_all(pool, chosen, lies)]
        finally:
            pool.shutdown(cancel_futures=True)  # also after Ctrl-C
    rows = [_row(name, [each for each in told if each.request == name]) for name in chosen]
    texts = Counter(text for each in told if each.outcome == "uncertain" for text in each.texts)
    matrices.print_table(COLUMNS, rows)
    for text, count in texts.items():
        print(f"uncertain {count} times: {text}")
    if not names:
        matrices.keep("lies", COLUMNS, rows, texts)
    bad = [each for each in told if each.is_bad]
    for each in bad:
        print(f"{each.outcome}: {each.request}, {each.lie}: {'; '.join(each.texts)}", file=sys.stderr)
    sys.exit(bool(bad))


def _tell_all(pool: Executor, names: Sequence[str], lies: int) -> Iterator[Told]:
    """Yield the outcome of the lies about these requests; calls share a portal."""
    kinds, in_a_run = [*KINDS], [name for name in names if name in runs.RUNS]
    # Each request begins elsewhere, so that the requests together meet all lies.
    cells = [
        (name, kinds[(at * len(kinds) // lies + first) % len(kinds)])
        for first, name in enumerate(in_a_run)
        for at in range(lies)
    ]
    in_runs = [pool.submit(_in_a_run, *cell) for cell in cells]
    by_hand = [pool.submit(_by_hand, name) for name in names if name in calls.CALLS]
    for number, run in enumerate(in_runs, 1):
        if sys.stderr.isatty():
            print(f"\r\033[K{number} of {len(in_runs)}", end="", file=sys.stderr)
        yield run.result()
    for each in by_hand:
        yield from each.result()


def _in_a_run(name: str, lie: str) -> Told:
    logging.disable(logging.CRITICAL)
    try:
        return runs.tell(name, lie)
    except Exception as error:  # noqa: BLE001 - it is shown, and the others go on
        return Told(name, lie, "lost", (f"{type(error).__name__}: {error}",))


def _by_hand(name: str) -> list[Told]:
    logging.disable(logging.CRITICAL)
    with calls.desk() as desk:
        return [calls.tell(desk, name, lie) for lie in KINDS]


def _row(name: str, told: Sequence[Told]) -> list[str | int]:
    return [name, len(told), *(sum(each.outcome == outcome for each in told) for outcome in OUTCOMES)]


# --- none is left out ------------------------------------------------------------------------------


def requests_sent_once() -> set[str]:
    """Return the functions of the core and of the plugins that send a request that must not be repeated."""
    core = [*ROOT.glob("core/src/damlink/bynder/**/*.py"), *ROOT.glob("core/src/damlink/_upload/*.py")]
    found = {name for path in core for name in _senders(path)} - _THE_MECHANISM
    for path in sorted(ROOT.glob("plugins/*/src/damlink_*/*.py")):
        found |= {f"{path.parent.name}.{path.stem}.{name}" for name in _senders(path)}
    return found


def _senders(path: Path) -> Iterator[str]:
    for outer in ast.parse(path.read_text("utf-8")).body:
        inner = outer.body if isinstance(outer, ast.ClassDef) else [outer]
        names = [f"{outer.name}." if isinstance(outer, ast.ClassDef) else ""]
        for node in inner:
            if isinstance(node, ast.FunctionDef) and any(map(_is_once, ast.walk(node))):
                yield names[0] + node.name


def _is_once(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in _ONCE
