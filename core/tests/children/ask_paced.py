"""Sends paced requests until the moment that a line of input names: FILE REQUESTS SECONDS URL."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from damlink._http.client import open_client
from damlink._http.pace import Pace

path, requests, seconds, url = sys.argv[1:]
pace = Pace(Path(path), int(requests), float(seconds), share=1.0)
print("ready", flush=True)
until = float(sys.stdin.readline())
with open_client(url, pace=pace) as client:
    while time.time() < until:
        client.get("/")
pace.close()
