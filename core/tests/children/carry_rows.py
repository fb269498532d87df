"""Claims rows of a connector as a worker: says each id, finishes it when told, says how: URL FOLDER NAME."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from damlink._model import PushResult
from damlink._state.ledger import Ledger
from damlink._state.worker import Worker, open_worker_database
from damlink.errors import LeaseLostError, StateError

url, folder, connector = sys.argv[1:]
database, session = open_worker_database(url, Path(folder))
with Worker(database, session) as worker, worker.share(connector) as epoch:
    ledger = Ledger(database, connector, epoch, worker=worker.number)
    while (row := ledger.claim()) is not None:
        print(row.source_id, flush=True)
        sys.stdin.readline()
        try:
            worker.verify()
        except LeaseLostError:
            print("sends nothing", flush=True)
        try:
            # Its sessions may have been ended: the first write finds that out.
            with contextlib.suppress(StateError):
                ledger.release()
            ledger.mark_pushed(row, PushResult(f"by {worker.number}"))
        except LeaseLostError:
            print("writes nothing", flush=True)
            break
