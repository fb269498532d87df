"""Bynder's own Python SDK at work, in a process of its own: `upload FILE...` or `list COUNT`.

Its fixed sleep before each poll is removed. It only knows https: for a portal without TLS its two
functions that build addresses are replaced.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import bynder_sdk.util
import requests
from bynder_sdk import BynderClient
from bynder_sdk.client import upload_client
from bynder_sdk.permanent_token import PermanentTokenSession

PORTAL = urlsplit(os.environ["PORTAL"])


def upload(client: BynderClient, files: list[str]) -> None:
    brand = client.asset_bank_client.brands()[0]["id"]
    for file in files:
        client.asset_bank_client.upload_file(file, brand, query={"name": Path(file).stem})


def read_list(client: BynderClient, count: int) -> None:
    found = []
    for page in range(1, count // 1000 + 1):
        found += client.asset_bank_client.media_list({"page": page, "limit": 1000})
    assert len({asset["id"] for asset in found if asset["name"] and asset["tags"]}) == count


def without_tls(session: PermanentTokenSession) -> None:
    post = session.post

    def post_plain(url: str, *args: object, **options: object) -> object:
        if url.startswith("http:"):
            return requests.Session.post(
                session, url, *args, **{**options, "headers": {"Authorization": None}}
            )
        return post(url, *args, **options)

    session.post = post_plain
    bynder_sdk.util.api_endpoint_url = lambda _session, path: f"http://{PORTAL.netloc}/api{path}"


def main() -> None:
    upload_client.POLLING_IDLE_TIME = 0
    client = BynderClient(domain=PORTAL.netloc, permanent_token=os.environ["TOKEN"])
    if PORTAL.scheme == "http":
        without_tls(client.session)
    began = time.perf_counter()
    if sys.argv[1] == "upload":
        upload(client, sys.argv[2:])
    else:
        read_list(client, int(sys.argv[2]))
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
