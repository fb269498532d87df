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
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[2]
PATCHES: Final = Path(__file__).parent / "mutants"
SCHEDULES: Final = 2000


@click.command()
@click.argument("names", nargs=-1)
@click.option("--seeds", type=int, default=SCHEDULES, show_default=True, help="Schedules of each mutant.")
@click.option("--jobs", type=int, default=os.cpu_count() or 1, help="Child processes at a time.")
def main(names: tuple[str, ...], seeds: int, jobs: int) -> None:
    """Run the simulation on each mutant; end with 1 if one is not found."""
    patches = [each for each in sorted(PATCHES.glob("*.patch")) if not names or each.stem in names]
    found = [find(patch, seeds, jobs) for patch in patches]
    click.echo(f"{sum(found)} of {len(patches)} mutants found")
    sys.exit(0 if all(found) and patches else 1)


def find(patch: Path, seeds: int, jobs: int) -> bool:
    """Return whether schedules on a mutant break a promise; print which."""
    with tempfile.TemporaryDirectory(prefix="damlink-mutant-") as name:
        sources = Path(name) / "core/src"
        shutil.copytree(ROOT / "core/src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        subprocess.run(["git", "apply", "-C1", str(patch)], cwd=name, check=True)
        result = _simulate(sources, seeds, jobs)
    broken = re.search(r"^seed (\d+): (.*)", result, re.MULTILINE)
    if broken is None:
        click.echo(f"{patch.stem}: not found in {seeds} schedules")
        return False
    click.echo(f"{patch.stem}: found by seed {broken[1]}: {broken[2][:150]}")
    return True


def _simulate(sources: Path, seeds: int, jobs: int) -> str:
    command = [sys.executable, "-m", "simulation", "--first", "--seeds", str(seeds), "--jobs", str(jobs)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(sources), str(ROOT / "tests")])}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    main()
