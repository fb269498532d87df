"""The end of a soak: all that is due is carried, with a person's help; then both sides are compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from soak.people import People
from soak.site import CONNECTORS, Site

from damlink_gelato.sandbox.demo import TAG as PRINT
from damlink_imatag.sandbox import HASH
from damlink_imatag.sandbox.demo import TAG as PROTECT

__all__ = ["compare", "drain"]

MOST_ROUNDS: Final = 12
DAY_SECONDS: Final = 86_400


def drain(site: Site) -> Iterator[str]:
    """Run until nothing is left, and decide what is uncertain; yield what was decided, or is left."""
    for _ in range(MOST_ROUNDS):
        site.pass_time(DAY_SECONDS)
        code, _out = site.call("run")
        left = site.unfinished()
        if code == 0 and not left:
            return
        for name in CONNECTORS:
            refused = [row["source_id"] for row in left if (row["connector"], row["state"]) in _refused(name)]
            if refused:
                site.call("retry", name, *refused)
        for row in left:
            if row["state"] == "uncertain":
                yield f"a person decided {row['connector']} {row['source_id']}: {_settle(site, row)}"
    for row in left:
        cause = row["last_error"] or row["reason"]
        yield f"WRONG: {row['connector']} {row['source_id']} is left {row['state']}: {cause}"


def _refused(name: str) -> set[tuple[str, str]]:
    return {(name, "failed"), (name, "rejected")}


def _settle(site: Site, row: dict[str, Any]) -> str:
    """Look where it should be, and say so."""
    name, key = row["connector"], row["source_id"]
    target = {"istock": _stored, "imatag": _marked, "gelato": _printed}[name](site, key)
    answer = ("--saved", target) if target else ("--again",)
    site.call("settle", name, key, *answer)
    return " ".join(answer)


def _assets(site: Site) -> list[dict[str, Any]]:
    return list(site.sandbox.part("bynder").state()["assets"])


def _asset(site: Site, key: str) -> dict[str, Any]:
    return next(each for each in _assets(site) if each["id"] == key)


def _stored(site: Site, key: str) -> str:
    return next((each["id"] for each in _assets(site) if key in each["tags"]), "")


def _marked(site: Site, key: str) -> str:
    return "" if _problem_of_mark(_asset(site, key)) else key


def _printed(site: Site, key: str) -> str:
    sha256 = _asset(site, key)["sha256"]
    files = site.sandbox.part("gelato").state()["files"]
    return next((each["id"] for each in files if (each["asset_id"], each["sha256"]) == (key, sha256)), "")


# --- both sides ------------------------------------------------------------------------------------


def compare(site: Site, people: People) -> Iterator[str]:
    """Yield everything that is missing, doubled or different."""
    yield from _compare_istock(site, people)
    yield from _compare_gelato(site, people)
    yield from _compare_imatag(site, people)


def _compare_istock(site: Site, people: People) -> Iterator[str]:
    found: dict[str, list[dict[str, Any]]] = {}
    for asset in _assets(site):
        for tag in asset["tags"]:
            found.setdefault(tag, []).append(asset)
    for licensed in site.sandbox.part("istock").state()["licensed"]:
        copies = found.get(licensed["id"], [])
        if licensed["expected"] and len(copies) != 1:
            yield f"istock {licensed['id']}: {len(copies)} copies in the portal"
        elif copies and copies[0]["deleted"] != (copies[0]["id"] in people.deleted):
            yield f"istock {licensed['id']}: deleted by nobody"
        elif copies and copies[0]["sha256"] != licensed["sha256"]:
            yield f"istock {licensed['id']}: other bytes in the portal"


def _compare_gelato(site: Site, people: People) -> Iterator[str]:
    files = site.sandbox.part("gelato").state()["files"]
    counts = Counter((each["asset_id"], each["version"]) for each in files)
    for (key, version), count in counts.items():
        if count > 1:
            yield f"gelato {key}: version {version} imported {count} times"
    latest = {each["asset_id"]: each["sha256"] for each in files}
    for asset in _assets(site):
        if (
            PRINT in asset["tags"]
            and asset["id"] in people.originals
            and latest.get(asset["id"]) != asset["sha256"]
        ):
            yield f"gelato {asset['id']}: its file is not in the library"


def _compare_imatag(site: Site, people: People) -> Iterator[str]:
    for asset in _assets(site):
        if PROTECT not in asset["tags"] or asset["id"] not in people.originals:
            continue
        marks = site.sandbox.world.counts[f"marks:{asset['id']}"]
        if marks > people.originals[asset["id"]]:
            yield f"imatag {asset['id']}: marked {marks} times for {people.originals[asset['id']]} originals"
        if problem := _problem_of_mark(asset):
            yield f"imatag {asset['id']}: {problem}"


def _problem_of_mark(asset: dict[str, Any]) -> str:
    """What is wrong with the last version: it is to be the mark of the one before, with both hashes kept."""
    original, _, marked = (asset["metaproperties"].get(HASH) or "").partition(" ")
    digests = [version["sha256"] for version in asset["versions"]]
    # Somebody has uploaded the very original again: it is left as it is: its hash is known.
    if digests[-1] == original and marked in digests:
        return ""
    if len(digests) < 2 or digests[-1] != marked:
        return "its last version is not the marked one"
    return "" if digests[-2] == original else "it is not the last original that is marked"
