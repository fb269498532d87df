"""Asks with an OAuth 2.0 token that all processes share: URL FOLDER KEY SERVER."""

from __future__ import annotations

import sys
from pathlib import Path

from damlink import OAuth2, Secret
from damlink._credentials import give_custody
from damlink._crypto import Cipher
from damlink._http import open_client
from damlink._state import Credentials, Database

url, folder, key, server = sys.argv[1:]
auth = OAuth2(f"{server}/token", "client", Secret("s3cret"), refresh_token=Secret("r0"))
give_custody(auth, Credentials(Database(url, Path(folder))), lambda: Cipher(key, "a test"))
print("ready", flush=True)
sys.stdin.readline()
with open_client(server) as client:
    client.sign_with(auth)
    print(client.get("/a").text)
