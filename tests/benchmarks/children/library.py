"""`damlink.bynder` alone at work, in a process of its own: `upload FILE...` or `list COUNT`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from damlink import Portal, Secret


def upload(portal: Portal, files: list[str]) -> None:
    for file in files:
        portal.uploads.file(Path(file))


def read_list(portal: Portal, count: int) -> None:
    ids = {asset.id for asset in portal.assets.list() if asset.name and asset.tags}
    assert len(ids) == count


def main() -> None:
    with Portal(os.environ["PORTAL"], Secret(os.environ["TOKEN"]), pace=None) as portal:
        began = time.perf_counter()
        if sys.argv[1] == "upload":
            upload(portal, sys.argv[2:])
        else:
            read_list(portal, int(sys.argv[2]))
        print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
