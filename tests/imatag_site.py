"""A site whose connector `marks` has a portal's pictures marked at Imatag."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loopback import Site

from damlink_imatag.sandbox import ImatagSandbox
from damlink_sandbox import Sandbox, Synthetic
from damlink_sandbox.mark import SECRET_MARK

API_KEY = f"sandbox-imatag-key-{SECRET_MARK}"
MEDIA = [
    *(Synthetic(f"photo-{seed}.jpg", 30_000 + seed, "image", seed) for seed in range(3)),
    Synthetic("film.mov", 90_000),
]


@contextlib.contextmanager
def imatag_site(folder: Path) -> Iterator[Site]:
    """A portal, an Imatag account, and a config that connects them; nothing to be marked yet."""
    (folder / "world").mkdir()
    (folder / "imatag.secret").write_text(API_KEY, encoding="utf-8")
    with Sandbox([ImatagSandbox], folder=folder / "world", media=MEDIA) as sandbox:
        imatag = dict(sandbox.part("imatag").connector()) | {"api_key": {"file": "imatag.secret"}}
        portal = {"url": sandbox.origins["portal"], "token": {"env": "TOKEN"}, "index_lag": "1s"}
        tables = {
            "pace": {"requests": 100_000, "share": 1.0},
            "portals": {"brand": portal},
            "connectors": {"marks": imatag},
        }
        site = Site(folder, sandbox, tables)
        site.portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        site.write()
        yield site


def rows(site: Site) -> list[dict[str, Any]]:
    """The ledger as the command line tells it."""
    return [json.loads(line) for line in site.run("assets", "marks", "--json").stdout.splitlines()]


def marks_of(site: Site, key: str) -> int:
    """How often an asset has been marked."""
    return site.sandbox.world.counts[f"marks:{key}"]
