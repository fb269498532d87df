"""Every file that a command opens, found by running it, and every way in which the disk can refuse it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
from faulty_files import PLAN
from loopback import Site

__all__ = ["COMMANDS", "ERRORS", "Bench", "Command", "Outcome", "Point", "problems_of"]

LIMIT_SECONDS: Final = 240
# How each operation can fail. No space is only needed where something becomes larger or new.
ERRORS: Final[Mapping[str, Sequence[str]]] = {
    "open": ("EACCES", "EIO"),
    "stat": ("EACCES", "EIO"),
    "read": ("EIO",),
    "lock": ("EIO",),
    "open to write": ("EACCES", "EROFS", "ENOSPC", "EIO"),
    **dict.fromkeys(("mkdir", "rename", "link"), ("EACCES", "EROFS", "ENOSPC", "EIO")),
    **dict.fromkeys(("remove", "chmod", "truncate"), ("EACCES", "EROFS", "EIO")),
    **dict.fromkeys(("write", "sync"), ("ENOSPC", "EIO")),
}


@attrs.frozen
class Command:
    """A command line, and what it finds.

    Attributes:
        entered: at its standard input.
        is_fresh: there is no state yet.
    """

    line: str
    entered: str = ""
    is_fresh: bool = False


COMMANDS: Final = {
    "run, the first": Command("run", is_fresh=True),
    "run": Command("run"),
    "plan": Command("plan"),
    "check": Command("check"),
    "status": Command("status"),
    "assets": Command("assets stock"),
    "runs": Command("runs stock"),
    "retry": Command("retry stock"),
    "state show": Command("state show stock"),
    "state export": Command("state export stock"),
    "state reset": Command("state reset stock --yes"),
    "state accept": Command("state accept"),
    "secret set": Command("secret set kept", "a-value"),
    "secret set, the first": Command("secret set kept", "a-value", is_fresh=True),
    "secret list": Command("secret list"),
    "secret rotate": Command("secret rotate"),
    "init": Command("init --config new.toml --set url={portal} --set token=env:TOKEN --no-check"),
    "add": Command(
        "add stock2 --plugin istock --no-check --set username=user"
        " --set api_key=env:A --set api_secret=env:A --set password=env:A"
    ),
    "edit": Command("edit stock --set workers=3 --no-check"),
    "disable": Command("enable stock"),
    "events url": Command("events url brand"),
    "events list": Command("events list brand"),
    "events send": Command("events send brand event.json"),
    "plugins": Command("plugins"),
    "bynder download": Command("bynder brand raw GET /api/v4/users/ --response bytes --output body"),
    "bynder upload": Command("bynder brand uploads file --file small.jpg --notes notes"),
}


@attrs.frozen
class Point:
    """One kind of operation on one file."""

    file: str
    operation: str


@attrs.frozen
class Outcome:
    """What a command said when the disk refused an operation."""

    command: str
    point: Point
    error: str
    exit_code: int
    said: str
    struck: bool


@attrs.define
class Bench:
    """A site, and commands above a layer that fails."""

    site: Site
    _numbers: int = 0

    def record(self, name: str) -> list[Point]:
        """Run a command; what it does to its files, without the files that are another's."""
        self._prepare(COMMANDS[name])
        _, _, lines = self._run(COMMANDS[name], None)
        return [Point(*line.split(" ", 1)) for line in lines if not line.startswith("!")]

    def strike(self, name: str, point: Point, error: str, **when: int) -> Outcome:
        """Run a command while an operation fails."""
        self._prepare(COMMANDS[name])
        fault = {"file": point.file, "operation": point.operation, "errno": error, **when}
        code, said, lines = self._run(COMMANDS[name], fault)
        return Outcome(name, point, error, code, said, "! struck" in lines)

    def _prepare(self, command: Command) -> None:
        folder = self.site.folder
        for made in ("new.toml", "body", "notes"):
            (folder / made).unlink(missing_ok=True)
        (folder / "small.jpg").write_bytes(b"a small picture")
        (folder / "event.json").write_text(
            '{"Subject": "asset_bank.media.create", "Message": {"media_id": "x"}}'
        )
        (folder / "tmp").mkdir(exist_ok=True)
        self.site.write()
        if command.is_fresh:
            for path in (*folder.glob("damlink.db*"), *folder.glob("damlink.key*"), *folder.glob("pace.*")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.rmtree(folder / "databases", ignore_errors=True)

    def _run(self, command: Command, fault: dict[str, Any] | None) -> tuple[int, str, list[str]]:
        self._numbers += 1
        log = self.site.folder.parent / f"log-{os.getpid()}-{self._numbers}"
        plan = {"root": str(self.site.folder), "log": str(log), "fault": fault}
        words = command.line.format(portal=self.site.sandbox.origins["portal"]).split()
        environment = self.site.environment | {
            PLAN: json.dumps(plan),
            "TMPDIR": str(self.site.folder / "tmp"),
        }
        child = self.site.start(*words, environment=environment, stdin=-1)
        out, err = child.communicate(command.entered, timeout=LIMIT_SECONDS)
        lines = log.read_text().splitlines() if log.exists() else []
        return child.returncode, err + (out if "Traceback" in out else ""), lines


# What a line must name, by the end of the file's name; the unfinished file is that of another name.
_NAMES: Final = {
    **{f"{base}{end}": base for base in ("damlink.db", "pace.db") for end in ("-wal", "-shm", "-journal")},
    "damlink.key.*": "damlink.key",
    ".damlink-*.part": "",
    "": "",
    "tmp": "temporary files",
    "*": "databases",
}


def problems_of(outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with what a command said."""
    where = f"{outcome.command}: {outcome.point.file} {outcome.point.operation} {outcome.error}"
    name = outcome.point.file.rpartition("/")[2]
    lines = [line for line in outcome.said.splitlines() if line.startswith("damlink: ")]
    if "Traceback" in outcome.said or outcome.exit_code not in (0, 1, 3):
        yield f"{where}: exit {outcome.exit_code}: {outcome.said[-900:]}"
    elif outcome.command == "check":
        return  # it goes on, and its findings are on standard output
    elif outcome.exit_code and len(lines) != 1:
        yield f"{where}: {len(lines)} lines: {outcome.said[-900:]}"
    elif outcome.exit_code and (_NAMES.get(name, name) not in lines[0] or "; " not in lines[0]):
        yield f"{where}: names no file or no cure: {lines[0]}"
