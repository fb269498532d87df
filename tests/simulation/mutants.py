"""Mutants: one-line sabotages of the product, each of which the simulation must find.

python tests/simulation/mutants.py [NAME …]

Each patch of `mutants/` is applied to a copy of the core's sources, and schedules run on it until a promise
breaks. A patch that no longer applies is an error: the line that it sabotages has moved.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[2]
PATCHES: Final = Path(__file__).parent / "mutants"
SCHEDULES: Final = 2000
# Schedules without a sabotage, none of which may fail.
CONTROLS: Final = 20


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seeds", type=int, default=SCHEDULES, show_default=True, help="Schedules of each mutant.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Mutants at a time.")
def main(names: tuple[str, ...], seeds: int, jobs: int) -> None:
    """Run the simulation on each mutant; end with 1 if one is not found."""
    patches = [each for each in sorted(PATCHES.glob("*.patch")) if not names or each.stem in names]
    if broken := break_with(None, CONTROLS):
        click.echo(f"without any sabotage: seed {broken[1]}: {broken[2]}")
        sys.exit(2)
    with ThreadPoolExecutor(jobs) as pool:
        found = list(pool.map(lambda patch: find(patch, seeds), patches))
    click.echo(f"{sum(found)} of {len(patches)} mutants found")
    sys.exit(0 if all(found) and patches else 1)


def find(patch: Path, seeds: int) -> bool:
    """Return whether schedules on a mutant break a promise; print a line of the table."""
    broken = break_with(patch, seeds)
    said = f"seed {broken[1]:>4}  {broken[2][:110]}" if broken else f"not found in {seeds} schedules"
    click.echo(f"{patch.stem:42}  {said}")
    return broken is not None


def break_with(patch: Path | None, seeds: int) -> re.Match[str] | None:
    """Return the first broken promise of so many schedules on a mutant: its seed, and what is broken."""
    with tempfile.TemporaryDirectory(prefix="damlink-mutant-") as name:
        sources = Path(name) / "core/src"
        shutil.copytree(ROOT / "core/src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        if patch is not None:
            subprocess.run(["git", "apply", "-C1", str(patch)], cwd=name, check=True)
        return re.search(r"^seed +(\d+): (.*)", _simulate(sources, seeds), re.MULTILINE)


def _simulate(sources: Path, seeds: int) -> str:
    command = [sys.executable, "-m", "simulation", "--first", "--seeds", str(seeds), "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(sources), str(ROOT / "tests")])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    main()
