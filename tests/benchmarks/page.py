"""The page of the docs, written from the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from plot import draw
from processes import HERE
from results import COLUMNS, Result, figure_text, ratio_text

FOLDER: Final = HERE.parents[1] / "docs" / "reference"
PAGE: Final = """\
<!-- Written by `make bench`. Do not edit it here. -->

# Measurements

Damlink beside Bynder's official SDKs, measured on {dates}. The clients take turns, round by round; each
figure is the median. Number of rounds: {rounds}. Absolute figures depend on the machine: compare only
figures of one row.

{table}

* **Ratio**: Damlink's figure divided by that of the better SDK, of each round; the median of the rounds.
* **Damlink**: `damlink run` with its ledger and checkpoints and 8 transfer threads; in the rows of the
  library, `damlink.bynder` alone in one thread. Files are on disk, as for the SDKs.
* **Damlink, fetching**: the same run, which fetches every file from a web server, by ranges, while it
  uploads it.
* **curl**: the fewest requests that upload a file, one after another on one connection, the file in one
  part. It stores nothing and verifies nothing. With the commands, `import click` stands in its place.

![How far each client is from the goal](benchmarks.svg)
{notes}
## How it is measured

* `make bench` measures everything and writes this page; `make bench ROWS=small,list ROUNDS=3` measures some
  rows.
* The portal is a server in a process of its own. It answers as Bynder's documentation says, at once or
  after 40 ms, S3 included. It verifies that every part is registered, that an import is polled before it is
  saved, and that the saved files have the right sizes; it keeps no bytes.
* Uploads are timed by the portal, from its first request to its last answer. Lists, and the one file of the
  library, are timed within the process, without its start. All other times are those of the whole process.
  CPU time is that of the whole process, of user and system.
* The SDKs upload one file after another, as their examples do. The fixed pause of 5 seconds before each
  poll is removed from the Python SDK, but not in the row of the program. The JavaScript SDK gets each file
  as a buffer, which is its fastest way.
* The limit of requests is set so high that it delays nothing, except in the row of the idle portal, which
  has the default.
* The program stands [here](../how-to/use-the-bynder-client.md#a-whole-program), and with the Python SDK
  [here](../how-to/coming-from-bynder-sdk.md#the-same-program); each is run from the text of its page, against
  the portal of the sandbox, over TLS. The time is that of the whole process.
* A listing of rows is one `damlink run --limit 1`: it lists all rows and carries one of them.

## Measured on

{machine}
"""


def write_page(results: Sequence[Result], machine: Mapping[str, str]) -> None:
    """Write the page and its drawing."""
    dates = sorted({result.date for result in results})
    text = PAGE.format(
        dates=" to ".join(dict.fromkeys((dates[0], dates[-1]))),
        rounds=min(len(figures) for result in results for figures in result.figures.values()),
        table="\n".join(_table(results)),
        notes="\n".join(_notes(results)),
        machine="\n".join(f"* {name}: {value}" for name, value in machine.items()),
    )
    (FOLDER / "benchmarks.md").write_text(text, encoding="utf-8")
    (FOLDER / "benchmarks.svg").write_text(draw(results), encoding="utf-8")


def _table(results: Sequence[Result]) -> list[str]:
    heads = ("work", "unit", *COLUMNS, "ratio", "goal", "")
    return [_line(heads), _line(["---"] * len(heads)), *(_line(_cells(result)) for result in results)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(result: Result) -> list[str]:
    figures = [figure_text(result, column) for column in COLUMNS]
    ratio, goal = ratio_text(result.ratio(result.client_of("Damlink"))), str(result.row.goal)
    return [result.row.title, result.row.unit, *figures, ratio, goal, f"**{result.verdict}**"]


def _notes(results: Sequence[Result]) -> list[str]:
    missed = [result.row for result in results if result.is_reached is False and result.row.note]
    lines = [f"* {row.title}: {row.note}" for row in missed]
    return ["", "## Why a goal is missed", "", *lines, ""] if lines else [""]
