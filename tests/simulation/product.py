"""The product as a simulation runs it: imported once, with a plugin of its own and small constants."""

from __future__ import annotations

import _thread
import functools
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from simulation.tasks import OncePerProcess, SimulationError

__all__ = ["INDEX_LAG", "prepare", "write_config"]

# Seconds, as the config says; the portal's lists are never later.
INDEX_LAG: Final = 30.0
_KEY: Final = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
_ENTRY_POINTS: Final = """\
[damlink]
simulation = simulation.connector
simulation-events = simulation.connector_events
"""
_MEMORY: Final = Path("/dev/shm")


def prepare() -> Path:
    """Import the product, install the plugin and create a database; return the folder of all schedules."""
    from damlink._plugin import discovery

    folder = Path(tempfile.mkdtemp(prefix="damlink-simulation-", dir=_MEMORY if _MEMORY.is_dir() else None))
    facts = folder / "site" / "damlink_simulation-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: damlink-simulation\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(_ENTRY_POINTS)
    sys.path.insert(0, str(folder / "site"))
    os.environ |= {"DAMLINK_KEY": _KEY, "TOKEN": "t", "DAMLINK_STATE_DIR": str(folder / "state")}
    _adjust()
    _share_statements()
    # A schedule installs nothing.
    discovery.list_plugins = functools.cache(discovery.list_plugins)
    _create_database(folder / "template")
    return folder


def write_config(
    folder: Path, tables: Sequence[str] = (), *, requests: int = 1000, seconds: int = 300, auth: str = ""
) -> None:
    """Write the config of a schedule.

    Args:
        tables: of the connectors.
        auth: the lines of the portal's table that sign requests.
    """
    signing = auth or 'token = { env = "TOKEN" }'
    common = (
        f'[state]\nurl = "sqlite:///{folder}/damlink.db"\n',
        f"[pace]\nrequests = {requests}\nseconds = {seconds}\nshare = 1.0\n",
        f'[portals.brand]\nurl = "https://portal.example"\nindex_lag = "{INDEX_LAG:.0f}s"\n{signing}\n',
    )
    (folder / "damlink.toml").write_text("\n".join((*common, *tables)))


def _create_database(folder: Path) -> None:
    """Create a database that each schedule begins with a copy of."""
    from damlink._config.load import load
    from damlink._run.session import Session

    folder.mkdir()
    write_config(folder)
    with Session(load(folder / "damlink.toml")) as session:
        _ = session.cipher


def _adjust() -> None:
    """Set constants for small files on a virtual clock, and give each process what a process has once."""
    # Imported before any schedule begins.
    import simulation.connector
    import simulation.connector_events  # noqa: F401

    import damlink._http.pace_file
    import damlink._run.carrying
    import damlink._run.workers
    import damlink._serve.dispatcher
    import damlink._serve.receiver
    import damlink._serve.scheduler
    import damlink._state.worker
    import damlink._system.waiting
    from damlink._upload import buffered_parts, part_sender, part_sizes

    constants: dict[tuple[Any, str], Any] = {
        (damlink._system.waiting, "SLICE_SECONDS"): 5.0,
        (damlink._http.pace_file, "POLL_SECONDS"): 0.1,
        (damlink._run.carrying, "IDLE_SECONDS"): 20.0,
        (damlink._run.workers, "LOOK_SECONDS"): 3600.0,
        (damlink._serve.dispatcher, "POLL_SECONDS"): 20.0,
        (damlink._serve.scheduler, "POLL_SECONDS"): 30.0,
        (damlink._state.worker, "BEAT_SECONDS"): 3.0,
        (part_sizes, "_MIB"): 4,
        (part_sizes, "SMALLEST_PART_BYTES"): 32,
        (part_sizes, "LARGEST_PART_BYTES"): 128,
        (buffered_parts, "_buffers"): OncePerProcess(lambda: buffered_parts._Buffers(buffered_parts.BUFFERS)),
        (part_sender, "_pool"): OncePerProcess(lambda: ThreadPoolExecutor(part_sender.PARTS_IN_ALL, "part")),
    }
    for (module, name), value in constants.items():
        if not hasattr(module, name):
            raise SimulationError(f"{module.__name__} has no {name} any more")
        setattr(module, name, value)


def _share_statements() -> None:
    """Compile each statement once for all schedules, not once for each engine."""
    import sqlalchemy as sa

    create = sa.create_engine
    first: list[sa.Engine] = []

    def create_alike(*given: Any, **options: Any) -> sa.Engine:
        engine = create(*given, **options)
        if first:
            engine._compiled_cache = first[0]._compiled_cache
            engine.dialect = engine.pool._dialect = first[0].dialect
        else:
            first.append(engine)
            # Its own lock would be a switch point only where a statement is new.
            engine._compiled_cache._mutex = _thread.allocate_lock()
        return engine

    sa.create_engine = create_alike
