"""Ratios measured in one run: what Damlink costs beside doing the bare minimum. `make bench`."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from damlink._config.edit import document
from damlink_sandbox import Sandbox, Synthetic

ROUNDS = 5
VIDEO_BYTES = 300_000_000
PIECE_BYTES = 6 * 1024 * 1024


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def median(command: list[str]) -> float:
    """The median time of a command."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    run = [
        seconds(lambda: subprocess.run(command, check=True, capture_output=True, env=environment))
        for _ in range(ROUNDS + 1)
    ]
    return statistics.median(run[1:])  # the first one may have had to compile


def startup() -> None:
    """`damlink --help` beside an interpreter that does nothing."""
    bare = median([sys.executable, "-c", "pass"])
    ours = median([sys.executable, "-m", "damlink", "--help"])
    print(f"damlink --help        {ours:.2f} s, {ours / bare:.1f} times an interpreter that does nothing")


def carrying() -> None:
    """One large video through a run, beside reading and sending the same bytes and no more."""
    video = Synthetic("film.mov", VIDEO_BYTES, "video", 1, 1920, 1080)
    with tempfile.TemporaryDirectory() as name, Sandbox(media=[video]) as sandbox:
        folder = Path(name)
        bare = seconds(lambda: copy(sandbox, video))
        ours = seconds(lambda: run(sandbox, folder))
    print(f"a video of 300 MB     {ours:.1f} s, {ours / bare:.1f} times reading and sending it, once")


def copy(sandbox: Sandbox, video: Synthetic) -> None:
    """The bytes, and nothing kept: sent to an address that refuses them once it has read them."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        for offset in range(0, video.size, PIECE_BYTES):
            piece = b"".join(_piece(video, offset))
            client.post(sandbox.origins["s3"], files={"file": ("part", piece)})


def _piece(video: Synthetic, offset: int) -> list[bytes]:
    pieces, left = [], PIECE_BYTES
    for piece in video.read(offset):
        pieces.append(piece[:left])
        left -= len(piece)
        if left <= 0:
            break
    return pieces


def run(sandbox: Sandbox, folder: Path) -> None:
    """A whole run, in a process of its own."""
    portal, istock = sandbox.part("bynder"), sandbox.part("istock")
    tables = {
        "portals": {"brand": _table(folder, portal)},
        "connectors": {"stock": _table(folder, istock)},
    }
    (folder / "damlink.toml").write_text(document(tables), encoding="utf-8")
    environment = {**os.environ, "DAMLINK_STATE_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "damlink", "run"], cwd=folder, env=environment, check=True)


def _table(folder: Path, part: object) -> dict[str, object]:
    table = dict(part.connector())  # type: ignore[attr-defined]
    for key in part.secrets():  # type: ignore[attr-defined]
        (folder / key).write_text(table[key], encoding="utf-8")
        table[key] = {"file": key}
    return table


if __name__ == "__main__":
    startup()
    carrying()
