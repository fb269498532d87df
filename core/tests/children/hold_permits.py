"""Takes so many permits, says so, and never gives them back: FILE REQUESTS SECONDS."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from damlink._http.pace import Pace

path, requests, seconds = sys.argv[1:]
pace = Pace(Path(path), int(requests), float(seconds), share=1.0)
with contextlib.ExitStack() as held:
    for _ in range(int(requests)):
        held.enter_context(pace.permit())
    print("held", flush=True)
    sys.stdin.read()
