"""Measure Damlink beside Bynder's official SDKs, row by row.

    make bench                                    all rows, 5 rounds; writes the page of the docs
    make bench ROWS=small,cpu ROUNDS=3            some rows, at the terminal
    python tests/benchmarks small --rounds 1      the same by hand
    python tests/benchmarks small --quick         a tenth of the work
    python tests/benchmarks new --only run        one client: part of its name
    python tests/benchmarks small --profile       where `damlink run` spends its time, all threads

The clients take turns within a round, and medians are shown: each ratio is the median of the rounds'
ratios. Each client and each server is a process of its own; what a client does is in `works.py`, the
table and its goals in `rows.py`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

from bench_site import Site
from machine import describe_machine
from page import write_page
from results import Result, keep, measure_rows, print_table, read
from rows import table


def main() -> None:
    """Measure the rows that are asked for."""
    names = [row.name for row in table()]
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--only", default="", help="clients whose name matches this")
    parser.add_argument("--profile", action="store_true", help="sample the stacks of `damlink`")
    arguments = parser.parse_args()
    wanted = {name for given in arguments.rows for name in given.split(",") if name}
    if unknown := wanted - {*names}:
        parser.error(f"no row {', '.join(sorted(unknown))}; the rows are {', '.join(names)}")
    rows = [row for row in table(quick=arguments.quick) if not wanted or row.name in wanted]
    only = arguments.only or ("damlink" if arguments.profile else "")
    site = Site(profile=arguments.profile)
    if not only and not site.node:
        print("no Node: the column of the JavaScript SDK stays empty", file=sys.stderr)
    results = measure_rows(rows, site, arguments.rounds, only)
    print_table(results)
    if not arguments.quick and not only:
        keep_and_write(results, site)
    # A client that fails leaves its column empty.
    sys.exit(any(not result.figures for result in results))


def keep_and_write(results: Sequence[Result], site: Site) -> None:
    """Keep the results, and write the page once there is a result of every row."""
    keep(results, describe_machine(site))
    kept, machine = read(table())
    if len(kept) == len(table()):
        write_page(kept, machine)


if __name__ == "__main__":
    main()
