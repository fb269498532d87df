"""Run a program with Bynder's own Python SDK, whose fixed sleep before each poll is removed."""

from __future__ import annotations

import runpy
import sys

from bynder_sdk.client import upload_client

upload_client.POLLING_IDLE_TIME = 0
runpy.run_path(sys.argv[1], run_name="__main__")
