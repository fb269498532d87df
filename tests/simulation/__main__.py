"""Simulate schedules: `make simulate SEEDS=1000`, or one with `SEED=7`.

They run in child processes, a few dozen in each, so that what crashed processes leave behind ends.
"""

from __future__ import annotations

import os
import sys

# Sets are ordered by hashes: without this two processes would not take the same way.
if os.environ.get("PYTHONHASHSEED") != "0":
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, "-m", "simulation", *sys.argv[1:]])

from simulation import edges

edges.install()

from simulation.series import main  # noqa: E402 - it imports the product, after the edges are replaced

main()
