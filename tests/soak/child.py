"""The command line with a clock that can be moved: `python child.py CLOCK ARGUMENT…`.

The file CLOCK holds the seconds by which the date is ahead of the machine's. Pauses are not made shorter.
"""

from __future__ import annotations

import struct
import sys
import threading
import time
from pathlib import Path
from typing import Final

import time_machine

LOOK_SECONDS: Final = 0.02


def read_offset(clock: Path) -> float:
    """Return by how many seconds the date is ahead."""
    return float(struct.unpack("d", clock.read_bytes())[0])


def follow(clock: Path, date: time_machine.Traveller, began: float) -> None:
    """Move the date whenever the file says so."""
    known = read_offset(clock)
    while True:
        time.sleep(LOOK_SECONDS)
        if (offset := read_offset(clock)) != known:
            known = offset
            date.move_to(began + time.monotonic() + offset)


if __name__ == "__main__":
    file = Path(sys.argv[1])
    before = time.time() - time.monotonic()
    moved = time_machine.travel(time.time() + read_offset(file), tick=True).start()
    threading.Thread(target=follow, args=(file, moved, before), daemon=True).start()
    from damlink._cli import main

    main(sys.argv[2:])
