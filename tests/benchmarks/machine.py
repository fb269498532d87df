"""The kind of machine and the versions that were measured; nothing that names one machine."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench_site import BUILD, Site


def describe_machine(site: Site) -> dict[str, str]:
    """Return what the results depend on."""
    return {
        "processor": f"{describe_processor()}, shared by clients and servers",
        "system": platform.system(),
        "Python": platform.python_version(),
        "bynder-sdk (Python)": version("bynder-sdk"),
        "@bynder/bynder-js-sdk": _js_sdk(site),
        "curl": _first_number(["curl", "--version"]),
        "Damlink": version("damlink"),
    }


def describe_processor() -> str:
    """Return the kind of processor and the number of its cores."""
    return f"{_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    found = (
        re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    )
    return found[1] if found else platform.processor() or platform.machine()


def _js_sdk(site: Site) -> str:
    if not site.node:
        return "not measured: there is no Node"
    package = BUILD / "js" / "node_modules" / "@bynder" / "bynder-js-sdk" / "package.json"
    return f"{json.loads(package.read_text())['version']}, in Node {_first_number([*site.node, '--version'])}"


def _first_number(command: list[str]) -> str:
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found[0] if found else said.strip()
