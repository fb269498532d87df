"""Kinds of work that are measured, each with the clients that can do it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Protocol

import attrs
from bench_site import Site
from excerpts import python_below
from portal_answers import TOKEN
from processes import HERE, Measured, measure, read_counts, server

PYTHON_SDK, JS_SDK, CURL, CLICK = "Python SDK", "JavaScript SDK", "curl", "import click"
LIBRARY, RUN, FETCHING = "damlink.bynder", "damlink run", "damlink run, fetching"
QUICK = 10
CHILDREN = HERE / "children"
# Where the docs show the same program with each client.
PROGRAMS = {
    LIBRARY: ("how-to/use-the-bynder-client.md", "A whole program"),
    PYTHON_SDK: ("how-to/coming-from-bynder-sdk.md", "The same program"),
}
CURL_OPTIONS = ("--silent", "--show-error", "--fail", "--output", "/dev/null")


class Work(Protocol):
    """One kind of work."""

    clients: tuple[str, ...]

    def run(self, client: str, site: Site) -> Measured:
        """Let a client do the work."""

    def quick(self) -> Work:
        """Return less of the same work."""


@attrs.frozen
class Upload:
    """Files uploaded by S3, one new asset each; timed from the first request to the last answer.

    Attributes:
        latency: seconds that each answer waits, those of S3 and of the source included.
        paced: the limit of requests is the default, and not so high that it delays nothing.
    """

    name: str
    files: int
    size: int
    latency: float = 0.0
    tls: bool = False
    paced: bool = False
    clients: tuple[str, ...] = (PYTHON_SDK, JS_SDK, CURL, RUN, FETCHING)

    def run(self, client: str, site: Site) -> Measured:
        """Upload to a new portal, and verify that every file has arrived."""
        files = site.files(self._prefix, self.files, self.size)
        with server("portal.py", *self._options(site)) as portal:
            found = self._upload(client, site, portal, files)
            counts = read_counts(portal)
        assert counts["saved"] == [self.size] * self.files, counts
        return attrs.evolve(found, seconds=counts["seconds"], counts=counts)

    @property
    def _prefix(self) -> str:
        return f"bytes-{self.size}"

    def _options(self, site: Site) -> list[object]:
        return site.server_options(tls=self.tls, latency=self.latency)

    def _upload(self, client: str, site: Site, portal: str, files: list[Path]) -> Measured:
        folder = files[0].parent
        if client == RUN:
            return self._run(site, portal, folder=str(folder))
        if client == FETCHING:
            with server("source.py", folder, *self._options(site)) as source:
                return self._run(site, portal, api_url=source)
        command = _curl(portal, files) if client == CURL else _script(client, site, "upload", *files)
        return measure(command, folder=folder, environment=site.environment(portal))

    def _run(self, site: Site, portal: str, **place: str) -> Measured:
        settings = {"count": self.files, "prefix": self._prefix, **place}
        return site.damlink(
            site.folder(self.name, portal=portal, paced=self.paced, **settings), "run", portal=portal
        )

    def quick(self) -> Upload:
        """A tenth of one large file, or of many."""
        if self.files == 1:
            return attrs.evolve(self, size=self.size // QUICK)
        return self if self.paced else attrs.evolve(self, files=self.files // QUICK)


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


@attrs.frozen
class Program:
    """One program of the docs, run from the text of their pages; the whole process.

    Attributes:
        pause: the Python SDK waits five seconds before each poll, as it is delivered.
    """

    assets: int
    pause: bool
    clients: tuple[str, ...] = (PYTHON_SDK, LIBRARY)

    def run(self, client: str, site: Site) -> Measured:
        """Run it in a folder with a file of 200 KB, against a portal of the sandbox over TLS."""
        (source,) = site.files("bytes-200000", 1, 200_000)
        folder = site.empty(f"program-{client}")
        shutil.copy(source, folder / "beach.jpg")
        (folder / "program.py").write_text(python_below(*PROGRAMS[client]), encoding="utf-8")
        start = [] if self.pause or client == LIBRARY else [CHILDREN / "without_pause.py"]
        _, certificate, key = site.tls
        options = ("--assets", self.assets, "--certificate", certificate, "--key", key)
        with server("sandbox.py", *options) as found:
            portal, token = found.split()
            names = {"BYNDER_URL": portal, "BYNDER_DOMAIN": portal.partition("//")[2], "BYNDER_TOKEN": token}
            environment = {**site.environment(portal), **names, "DAMLINK_STATE_DIR": str(folder)}
            command = [sys.executable, *map(str, start), "program.py"]
            measured = measure(command, folder=folder, environment=environment)
        # Every asset, and the one that it uploads.
        assert len(measured.out.splitlines()) == self.assets + 1, measured.out[-500:]
        assert (folder / "original.jpg").read_bytes() == source.read_bytes()
        return measured

    def quick(self) -> Program:
        """Return a tenth of the assets."""
        return attrs.evolve(self, assets=self.assets // QUICK)


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

    A new portal numbers uploads from 1, so that none of its answers needs to be read.
    """
    requests = [request for number, file in enumerate(files, start=1) for request in _least(number, file)]
    found = ["curl"]
    for path, fields in requests:
        found += [*CURL_OPTIONS, *([] if path == "/s3/" else ["-H", f"Authorization: Bearer {TOKEN}"])]
        found += [*fields, f"{portal}{path}", "--next"]
    return found[:-1]


def _least(number: int, file: Path) -> list[tuple[str, list[str]]]:
    """Return the paths and bodies of the requests that upload one file in one part."""
    key = f"pluploads/api/{number}/{file.name}"
    upload, import_id = f"/api/v4/upload/upload-{number}/", f"import-upload-{number}"
    return [
        ("/api/upload/init", ["-d", f"filename={file.name}"]),
        ("/s3/", ["-F", f"key={key}/p1", "-F", f"file=@{file}"]),
        (upload, ["-d", f"targetid=t&filename={key}/p1&chunkNumber=1"]),
        (upload, ["-d", f"targetid=t&s3_filename={key}&chunks=1"]),
        (f"/api/v4/upload/poll/?items={import_id}", []),
        (f"/api/v4/media/save/{import_id}/", ["-d", f"name={file.stem}"]),
    ]


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
    clients: tuple[str, ...] = (CLICK, RUN)

    def run(self, client: str, site: Site) -> Measured:
        """Run it, or only import what every command line of click imports."""
        if client == CLICK:
            return measure([sys.executable, "-c", "import click"], folder=HERE)
        return site.damlink(site.many_plugins, *self.arguments, expect=self.expect)

    def quick(self) -> Command:
        """Return the same."""
        return self
