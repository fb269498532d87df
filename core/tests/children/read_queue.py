"""Reads a queue until it is killed; prints the outcome of each message."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from damlink._config.load import load
from damlink._run.session import Session
from damlink._serve.event_queue import QueueReader
from damlink._serve.receiver import EventReceiver, endpoints_of
from damlink._sns.queue import open_queue
from damlink._sns.verify import Certificates
from damlink._state.inbox import Inbox
from damlink._state.refused import RefusedMessages

with Session(load(Path(sys.argv[1]))) as session:
    receiver = EventReceiver(endpoints_of(session, Certificates()), Inbox(session.database))
    refused = RefusedMessages(session.database)
    opening = functools.partial(open_queue, sys.argv[2], seconds=1)
    reader = QueueReader(receiver, refused, "brand", opening, lambda _, outcome: print(outcome, flush=True))
    queue = opening()
    while True:
        reader.step(queue)
