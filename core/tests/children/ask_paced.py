"""Sends paced requests from a line of input on until the answer is 204: FILE REQUESTS SECONDS URL."""

from __future__ import annotations

import sys
from pathlib import Path

from damlink._http.client import open_client
from damlink._http.pace import Pace

path, requests, seconds, url = sys.argv[1:]
pace = Pace(Path(path), int(requests), float(seconds), share=1.0)
print("ready", flush=True)
sys.stdin.readline()
with open_client(url, pace=pace) as client:
    while client.get("/").status_code != 204:
        pass
pace.close()
