"""Requests of a run: a lie about one, then an honest other side until all is done, then both are compared."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
from istock_site import istock_site
from kill_points.cases import (
    Case,
    Gelato,
    Imatag,
    ImatagAdditional,
    Istock,
    IstockFilesService,
    Tokens,
)
from lies.kinds import SLOW, fault
from lies.told import Told, plain, short_limits
from loopback import Site

from damlink._http.retry import no_waiting
from damlink_sandbox import Synthetic

__all__ = ["RUNS", "tell"]

MOST_RUNS: Final = 4
_MEMORY: Final = Path("/dev/shm")
# Small, because a slow answer comes byte by byte.
_PICTURE: Final = Synthetic("photo.jpg", 2_000, "image", 1, 1600, 1000)


class One(Case):
    """A case with one asset, and a window of the rate limiter that a 429 does not make long."""

    count: ClassVar = 1

    @classmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        return super()._site(folder)

    def furnish(self) -> None:
        super().furnish()
        self.site.tables["pace"] |= {"seconds": 1}


class _Istock(One, Istock):
    @classmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        return istock_site(folder, [_PICTURE])


class _IstockFilesService(_Istock, IstockFilesService):
    pass


class _Imatag(One, Imatag):
    pass


class _ImatagAdditional(One, ImatagAdditional):
    pass


class _ImatagAdditionalFilesService(_ImatagAdditional):
    def furnish(self) -> None:
        super().furnish()
        self.site.tables["portals"]["brand"]["uploads"] = "v7"


class _Gelato(One, Gelato):
    pass


class _Tokens(One, Tokens):
    pass


@attrs.frozen
class Run:
    """A case, and the request of it that is answered by a lie.

    Attributes:
        skip: how many requests that match pass before.
    """

    case: type[Case]
    service: str
    route: str
    skip: int = 0


RUNS: Final[Mapping[str, Run]] = {
    "FilesService.finalise": Run(_IstockFilesService, "portal", "POST /v7/file_cmds/upload/.*finalise"),
    "Uploads.finalise": Run(_Istock, "portal", "POST /api/v4/upload/?$", skip=1),
    "Uploads.save": Run(_Istock, "portal", "POST /api/v4/media/save/"),
    "Uploads.save_version": Run(_Imatag, "portal", "POST /api/v4/media/[^/]+/save/[^/]+/?$"),
    "Uploads.finalise_additional": Run(_ImatagAdditional, "portal", "POST .*/save/additional/"),
    "Uploads.save_additional": Run(_ImatagAdditionalFilesService, "portal", "POST .*/save/additional/"),
    "damlink_istock.api.download": Run(_Istock, "istock", "POST /v3/downloads/"),
    "damlink_imatag.api.upload": Run(_Imatag, "imatag", "POST .*/media/?$"),
    "import into Gelato": Run(_Gelato, "gelato", "POST .*files:import"),
    "token of iStock": Run(_Tokens, "istock-login", "POST .*/token"),
    "token of the portal": Run(_Tokens, "portal", "POST .*/token"),
    "file of iStock": Run(_Istock, "istock-delivery", "GET /file/"),
    "file of the portal": Run(_Imatag, "s3", "GET /download/"),
}


def tell(name: str, lie: str) -> Told:
    """Carry an asset while one request is answered by a lie; run again until all is done, and compare."""
    run = RUNS[name]
    with contextlib.ExitStack() as closing:
        room = _MEMORY if _MEMORY.is_dir() else None
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="damlink-lie-", dir=room))
        case = closing.enter_context(run.case.opened(Path(folder)))
        closing.enter_context(short_limits() if lie in SLOW else no_waiting())
        faults, elsewhere = case.site.sandbox.world.faults, case.site.sandbox.origins["control"]
        faults.add(fault(lie, run.service, run.route, f"{elsewhere}/elsewhere", skip=run.skip))
        _run(case)
        struck = faults.listing()[0]["struck"]
        faults.clear()
        has_failed = any(row["state"] == "failed" for row in case.rows())
        _finish(case)
        if struck != 1:
            return Told(name, lie, "lost", (f"the lie was told {struck} times",))
        return _compare(case, name, lie, has_failed)


def _run(case: Case) -> None:
    done = case.site.run("run", "--workers", "1", expect=None)
    if done.returncode == 4:
        case.sign_in_again(done.stderr)
    elif done.returncode not in (0, 1):
        raise AssertionError(f"exit {done.returncode}: {done.stderr}")


def _finish(case: Case) -> None:
    """Run until each row is where it stays; what has failed is tried again."""
    for _ in range(MOST_RUNS):
        if case.is_over():
            return
        if any(row["state"] == "failed" for row in case.rows()):
            case.site.run("retry", case.connector)
        _run(case)


def _compare(case: Case, name: str, lie: str, has_failed: bool) -> Told:
    found: Any = case.compare()
    for outcome in ("lost", "twice", "uncertain"):
        if texts := getattr(found, outcome):
            return Told(name, lie, outcome, tuple(map(plain, texts)))
    return Told(name, lie, "retried" if has_failed else "once")
