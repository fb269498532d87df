"""The command line with a clock that is wrong by so many seconds: SECONDS ARGUMENTS."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from damlink._cli import main

if __name__ == "__main__":
    wrong_by = float(sys.argv[1])
    if wrong_by:
        time_machine.travel(datetime.now(UTC) + timedelta(seconds=wrong_by), tick=True).start()
    main(sys.argv[2:])
