"""Delivers a file with the notes in a file, and prints its id: FILE URL."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from damlink import NotedDelivery
from damlink._checkpoint import FileCheckpoint
from damlink._http.client import open_client

path, url = sys.argv[1:]
with open_client(url, requests_per_second=1000) as http:

    def find(reference: str) -> str | None:
        found = http.get("/files", params={"reference": reference}).json()
        return found[0] if found else None

    def delete(file_id: str) -> None:
        http.delete(f"/files/{file_id}")

    def send() -> str:
        form = {"reference": "a 1", "pid": os.getpid()}
        return str(http.send_once("POST", "/files", data=form, read=lambda answer: answer.json()["id"]))

    delivery = NotedDelivery(http, FileCheckpoint(Path(path)), find, delete, lag=0.1)
    print(delivery.deliver("a 1", send), flush=True)
