"""`damlink` with a sampling profile of all its threads on stderr at the end."""

from __future__ import annotations

import atexit
import gc
import sys
import threading
import time
from collections import Counter
from types import FrameType

INTERVAL_SECONDS = 0.005
MOST_LINES = 45


class Sampler:
    """Counts of functions on the stacks of all threads, and of lines at their tops."""

    def __init__(self) -> None:
        self.within: Counter[str] = Counter()
        self.tops: Counter[str] = Counter()
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.wait(INTERVAL_SECONDS):
            # CPython 3.11 deadlocks if a garbage collection begins within the call.
            gc.disable()
            frames = sys._current_frames()
            gc.enable()
            for thread, frame in frames.items():
                if thread != threading.get_ident():
                    self.tops[f"{_place(frame)}:{frame.f_lineno}"] += 1
                    self.within.update(_places(frame))

    def report(self) -> None:
        self.stop.set()
        seconds = time.process_time()
        print(f"{seconds:.2f} s of CPU; samples within functions, then at lines", file=sys.stderr)
        for counted in (self.within, self.tops):
            lines = (f"{count:7} {place}" for place, count in counted.most_common(MOST_LINES))
            print(*lines, "", sep="\n", file=sys.stderr)


def _places(frame: FrameType | None) -> set[str]:
    found = set()
    while frame is not None:
        found.add(_place(frame))
        frame = frame.f_back
    return found


def _place(frame: FrameType) -> str:
    return f"{'/'.join(frame.f_code.co_filename.split('/')[-3:])}:{frame.f_code.co_qualname}"


def main() -> None:
    sampler = Sampler()
    threading.Thread(target=sampler.run, daemon=True).start()
    atexit.register(sampler.report)
    from damlink._cli import main as damlink

    damlink()


if __name__ == "__main__":
    main()
