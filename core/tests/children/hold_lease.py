"""Takes a lease, says its epoch, and holds it until its input ends: URL FOLDER CONNECTOR."""

from __future__ import annotations

import sys
from pathlib import Path

from damlink._state.database import Database
from damlink._state.lease import Lease

url, folder, connector = sys.argv[1:]
with Lease(Database(url, Path(folder)), connector) as lease:
    print(lease.epoch, flush=True)
    sys.stdin.read()
