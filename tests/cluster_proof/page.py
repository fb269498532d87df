"""The page of the docs that shows what `make cluster-proof` measured last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cluster_proof.plot import draw

PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "cluster-proof.md"
NOTE: Final = "<!-- Written by `make cluster-proof`. Do not edit it here. -->"
COLUMNS: Final = (
    "workers",
    "clocks apart",
    "used of the budget",
    "most in a window",
    "refused",
    "connections each",
)
ROWS: Final = {
    "nothing": "`SELECT 1`",
    "claim": "a claim",
    "page": "to store a page of 1,000 unchanged assets",
    "status": "what `damlink status` asks for a connector",
    "metrics": "`/metrics`",
}


def write_page(results: Mapping[str, Any]) -> None:
    PAGE.write_text("\n".join(lines(results)) + "\n", encoding="utf-8")
    if (rows := _rows_of(results, "addresses")) and rows[0]["workers"] == 1:
        PAGE.with_suffix(".svg").write_text(draw(rows), encoding="utf-8")


def _rows_of(results: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    found = (each for name, each in results.items() if name.startswith(f"{kind}:"))
    return sorted(found, key=lambda each: each.get("workers", 0))


def lines(results: Mapping[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    yield f"{NOTE}\n"
    yield "# Workers, measured\n"
    yield "Worker processes on one PostgreSQL carry one connector from a stand-in of iStock to a portal of the sandbox,"
    yield "which takes 0.2 s for each request and counts all of them. This is the output of `make cluster-proof` on a"
    yield f"machine with two cores (Python {machine['python']}, {machine['system']}), which also ran the portal, the"
    yield "database and other programs. Only what was run is shown.\n"
    budgets = [*_rows_of(results, "budget"), *_rows_of(results, "clocks")]
    if budgets:
        yield from budget_lines(budgets)
    if addresses := _rows_of(results, "addresses"):
        yield from address_lines(addresses)
    for kind, write in (
        ("kills", kill_lines),
        ("events", event_lines),
        ("connectors", connector_lines),
        ("rows", row_lines),
        ("file", row_lines),
    ):
        for each in _rows_of(results, kind):
            yield from write(each)


def budget_lines(budgets: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "## One address, one budget\n"
    yield "The portal allows 450 requests in 30 s, and the workers use all of it (`share = 1.0`), so that a single request"
    yield "too many would be refused. Counted over two windows after the first. The goal is 95% of the budget, and no refusal.\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{' --- |' * len(COLUMNS)}"
    for each in budgets:
        apart = f"{each['wrong_by']:.0f} s" if each["wrong_by"] else "no"
        used, most = f"{each['share']:.1%}", f"{each['most']} of 450"
        cells = (each["workers"], apart, used, most, each["refused"], each["connections"])
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def address_lines(rows: list[Mapping[str, Any]]) -> Iterator[str]:
    yield "## An address each\n"
    yield "Each worker leaves from an address of its own (`[http] local_address`) with a budget of its own of 120"
    yield "requests in 30 s. Counted over two windows after the first. The goal is 0.95 times as much for each worker as one"
    yield "alone. The load is that of the whole machine at the end: where it is far above two, the cores are the limit.\n"
    if rows[0]["workers"] == 1:
        yield "![Requests a second of one worker, and of several](cluster-proof.svg)\n"
    yield "| workers | requests a second | times one worker's | used of the budgets | most of an address | refused | load |"
    yield f"|{' --- |' * 7}"
    alone = next((each["rate"] for each in rows if each["workers"] == 1), None)
    for each in rows:
        times = f"{each['rate'] / alone:.2f}" if alone else "?"
        cells = (each["workers"], each["rate"], times, f"{each['share']:.1%}", f"{each['most']} of 120")
        yield f"| {' | '.join(map(str, (*cells, each['refused'], each.get('load', '?'))))} |"
    yield ""


def kill_lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Kills\n"
    yield f"Three workers. For {result['seconds']:.0f} s, one of them was killed (`kill -9`) or frozen (`SIGSTOP`) every"
    yield "5 s while it carried, and another one started. A frozen one was woken when its assets were free."
    yield (
        f"PostgreSQL was restarted {len(result['restarts'])} times meanwhile.\n"
        if "restarts" in result
        else ""
    )
    yield "| | |"
    yield "| --- | --- |"
    yield f"| assets | {result['assets']} |"
    yield f"| workers killed, frozen | {result['killed']}, {result['frozen']} |"
    yield f"| assets lost | {result['lost']} |"
    yield f"| assets twice in the portal | {result['twice']} |"
    yield f"| uncertain, left to a person | {result['uncertain']} |"
    for seconds in result.get("restarts", ()):
        yield f"| seconds from a restarted PostgreSQL until the next asset was finished | {seconds} |"
    for way in ("killed", "frozen"):
        times = result[f"taken_{way}"]
        if times:
            middle, longest = times[len(times) // 2], times[-1]
            yield f"| seconds until the assets of a {way} one were free: median, longest | {middle}, {longest} |"
    yield ""


def event_lines(result: Mapping[str, Any]) -> Iterator[str]:
    begun, pushed = result["begun"], result["pushed"]
    yield "## Events beside a back-fill\n"
    yield "Two workers with one budget mark the pictures of a portal at a stand-in of Imatag. While they carry a back-fill,"
    yield f"an asset was tagged every 8 s for {result['seconds']:.0f} s: {len(begun)} in all, of which the inbox was told at once."
    yield "Seconds beyond the pause of 5 s that Bynder advises; the goal is a p99 of 5 s.\n"
    yield "| | median | longest |"
    yield "| --- | --- | --- |"
    yield f"| until it was carried | {begun[len(begun) // 2]} | {begun[-1]} |"
    yield f"| until its mark was back in the portal | {pushed[len(pushed) // 2]} | {pushed[-1]} |"
    yield f"\nOf the back-fill, {result['left_of_the_back_fill']} assets were still due at the end, {result['refused']} requests were refused"
    yield f"(load {result.get('load', '?')}).\n"


def connector_lines(result: Mapping[str, Any]) -> Iterator[str]:
    delay = result["delay"]
    yield f"## {result['connectors']:,} connectors\n"
    yield f"One worker lists {result['connectors']:,} connectors, each of them every {result['every']:.0f} s. Their moments"
    yield "are spread over the interval, as they are after some hours: right after a start all of them are due at once. The goal"
    yield "is that 99% of the listings begin within 5 s of their moment, in 400 MB.\n"
    yield "| | |"
    yield "| --- | --- |"
    yield f"| listings, of which failed | {result['listings']:,}, {result['failed']} |"
    yield f"| seconds from its moment until a listing began: median, p99 | {delay['median']}, {delay['p99']} |"
    yield f"| largest memory of the worker | {result['memory'] / 1e6:.0f} MB |"
    yield f"| load | {result.get('load', '?')} |"
    yield ""


def row_lines(result: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {result['rows']:,} rows on {'SQLite' if 'is_file' in result else 'PostgreSQL'}\n"
    yield "One process asks, one question at a time; a twentieth of the rows is due. Milliseconds, also of a question that reads"
    yield f"nothing (load {result.get('load', '?')}). The goals: a claim within 5 ms, 40,000 unchanged assets in a second,"
    yield "the others within 300 ms.\n"
    yield "| | median | p99 |"
    yield "| --- | --- | --- |"
    for what, name in ROWS.items():
        if what in result:
            yield f"| {name} | {result[what]['median']} | {result[what]['p99']} |"
    if "page" in result:
        yield f"\nThat is {1_000_000 / result['page']['mean']:,.0f} unchanged assets in a second."
    yield ""
