"""Kinds of work that are measured, each with the clients that can do it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import attrs
from bench_site import Site
from processes import HERE, Measured, measure, read_counts, server

PYTHON_SDK, JS_SDK, CURL = "Python SDK", "JavaScript SDK", "curl"
LIBRARY, RUN, FETCHING = "damlink.bynder", "damlink run", "damlink run, fetching"
QUICK = 10
CHILDREN = HERE / "children"


class Work(Protocol):
    """One kind of work."""

    clients: tuple[str, ...]

    def run(self, client: str, site: Site) -> Measured:
        """Let a client do the work."""

    def quick(self) -> Work:
        """Return less of the same work."""


@attrs.frozen
class Upload:
    """Files uploaded by S3, one new asset each; timed from the first request to the last answer."""

    name: str
    files: int
    size: int
    latency: float = 0.0
    tls: bool = False
    clients: tuple[str, ...] = (PYTHON_SDK, JS_SDK, CURL, RUN, FETCHING)

    def run(self, client: str, site: Site) -> Measured:
        """Upload to a new portal, and verify that every file has arrived."""
        prefix = f"bytes-{self.size}"
        files = site.files(prefix, self.files, self.size)
        options = site.server_options(tls=self.tls, latency=self.latency)
        with contextlib.ExitStack() as closing:
            portal = closing.enter_context(server("portal.py", *options))
            if client == RUN:
                settings = {"count": self.files, "prefix": prefix, "folder": str(files[0].parent)}
                found = site.damlink(site.folder(self.name, portal=portal, **settings), "run", portal=portal)
            elif client == FETCHING:
                source = closing.enter_context(server("source.py", files[0].parent, *options))
                settings = {"count": self.files, "prefix": prefix, "api_url": source}
                found = site.damlink(site.folder(self.name, portal=portal, **settings), "run", portal=portal)
            else:
                command = _curl(portal, files) if client == CURL else _script(client, site, "upload", *files)
                found = measure(command, folder=files[0].parent, environment=site.environment(portal))
            counts = read_counts(portal)
        assert counts["saved"] == [self.size] * self.files, counts
        return attrs.evolve(found, seconds=counts["seconds"], counts=counts)

    def quick(self) -> Upload:
        """A tenth."""
        files, size = (self.files // QUICK, self.size) if self.files > 1 else (1, self.size // QUICK)
        return attrs.evolve(self, files=files, size=size)


@attrs.frozen
class List:
    """All assets of a portal, read page by page."""

    count: int
    clients: tuple[str, ...] = (PYTHON_SDK, JS_SDK, LIBRARY)

    def run(self, client: str, site: Site) -> Measured:
        """Read them; timed by the child, without its start."""
        with server("portal.py", "--assets", self.count) as portal:
            return _timed(_script(client, site, "list", self.count), site, portal)

    def quick(self) -> List:
        """A tenth."""
        return attrs.evolve(self, count=self.count // QUICK)


@attrs.frozen
class OneFile:
    """One file, by the library alone."""

    size: int
    clients: tuple[str, ...] = (PYTHON_SDK, JS_SDK, LIBRARY)

    def run(self, client: str, site: Site) -> Measured:
        """Upload it; timed by the child, without its start."""
        files = site.files(f"bytes-{self.size}", 1, self.size)
        with server("portal.py") as portal:
            return _timed(_script(client, site, "upload", *files), site, portal)

    def quick(self) -> OneFile:
        """Return the same."""
        return self


def _timed(command: list[str], site: Site, portal: str) -> Measured:
    found = measure(command, folder=HERE, environment=site.environment(portal))
    return attrs.evolve(found, seconds=json.loads(found.out)["seconds"])


def _script(client: str, site: Site, *arguments: object) -> list[str]:
    start = {
        PYTHON_SDK: [sys.executable, CHILDREN / "python_sdk.py"],
        JS_SDK: [*site.node, CHILDREN / "js_sdk.cjs"],
        LIBRARY: [sys.executable, CHILDREN / "library.py"],
    }
    return [*map(str, (*start[client], *arguments))]


def _curl(portal: str, files: list[Path]) -> list[str]:
    """Return one command that makes the least requests, one after the other on one connection.

    A new portal numbers uploads from 1, so that nothing of its answers needs to be read.
    """
    found = ["curl", "--silent", "--show-error", "--fail", "--no-progress-meter", "--output", "/dev/null"]
    for number, file in enumerate(files, start=1):
        key = f"pluploads/api/{number}/{file.name}"
        form = ["-F", f"key={key}/p1", "-F", f"file=@{file}"]
        part = ["-d", f"targetid=t&filename={key}/p1&chunkNumber=1"]
        close = ["-d", f"targetid=t&s3_filename={key}&chunks=1"]
        upload, saved = f"/api/v4/upload/upload-{number}/", f"/api/v4/media/save/import-upload-{number}/"
        poll = f"/api/v4/upload/poll/?items=import-upload-{number}"
        yield_from = (
            (["-d", f"filename={file.name}"], "/api/upload/init"),
            (form, "/s3/"),
            (part, upload),
            (close, upload),
            ([], poll),
            (["-d", f"name={file.stem}"], saved),
        )
        for given, path in yield_from:
            found += [*_next(found), *_auth(path), *given, f"{portal}{path}"]
    return found


def _next(found: list[str]) -> list[str]:
    more = ["--next", "--silent", "--show-error", "--fail", "--no-progress-meter", "--output", "/dev/null"]
    return more if "http" in found[-1] else []


def _auth(path: str) -> list[str]:
    from portal_answers import TOKEN

    return [] if path == "/s3/" else ["-H", f"Authorization: Bearer {TOKEN}"]


@attrs.frozen
class Rows:
    """A listing of rows by `damlink run`, of which one asset at most is carried."""

    count: int
    again: bool = False
    clients: tuple[str, ...] = (RUN,)

    def run(self, client: str, site: Site) -> Measured:
        """List into a new ledger, or again into one that has every row; the whole process."""
        folder = self.listed(site) if self.again else self._new(site)
        found = self._list(folder, site)
        (report,) = json.loads(found.out)
        expected = {"unchanged" if self.again else "new": self.count}
        assert {key: count for key, count in report["listed"].items() if count} == expected, report
        return found

    def listed(self, site: Site) -> Path:
        """Return a folder whose ledger has every row; it is filled once."""
        if self.count not in site.ledgers:
            site.ledgers[self.count] = self._new(site, "listed")
            self._list(site.ledgers[self.count], site)
        return site.ledgers[self.count]

    def _new(self, site: Site, name: str = "new") -> Path:
        return site.folder(f"{name}-{self.count}", portal="http://127.0.0.1:9", count=self.count)

    def _list(self, folder: Path, site: Site) -> Measured:
        return site.damlink(folder, "run", "--limit", "1", "--json")

    def quick(self) -> Rows:
        """A tenth."""
        return attrs.evolve(self, count=self.count // QUICK)


@attrs.frozen
class Status:
    """`damlink status` over a full ledger."""

    rows: Rows
    clients: tuple[str, ...] = (RUN,)

    def run(self, client: str, site: Site) -> Measured:
        """Show it; the whole process."""
        return site.damlink(self.rows.listed(site), "status")

    def quick(self) -> Status:
        """A tenth of the rows."""
        return attrs.evolve(self, rows=self.rows.quick())


@attrs.frozen
class Command:
    """A command that needs no portal, with 50 plugins installed; the whole process."""

    arguments: tuple[str, ...]
    expect: int = 0
    clients: tuple[str, ...] = (RUN,)

    def run(self, client: str, site: Site) -> Measured:
        """Run it."""
        folder = site.many_plugins
        return site.damlink(folder, *self.arguments, expect=self.expect)

    def quick(self) -> Command:
        """Return the same."""
        return self


@attrs.frozen
class Idle:
    """A few assets into a portal whose whole budget of requests is free; the whole process."""

    files: int
    size: int
    clients: tuple[str, ...] = (RUN,)

    def run(self, client: str, site: Site) -> Measured:
        """Carry them at the default pace."""
        prefix = f"bytes-{self.size}"
        files = site.files(prefix, self.files, self.size)
        with server("portal.py") as portal:
            settings = {"count": self.files, "prefix": prefix, "folder": str(files[0].parent)}
            folder = site.folder("idle", portal=portal, pace={}, **settings)
            found = site.damlink(folder, "run", portal=portal)
            counts = read_counts(portal)
        assert len(counts["saved"]) == self.files, counts
        return attrs.evolve(found, counts=counts)

    def quick(self) -> Idle:
        """Return the same."""
        return self


def pieces(works: Iterator[Work]) -> list[Work]:
    """Return works without repetitions."""
    return [*dict.fromkeys(works)]
