"""A portal of the sandbox with assets, in a process of its own, for programs that need more than `portal.py`.

It prints its address and a token, and serves until its standard input is closed:

    python tests/benchmarks/sandbox.py --assets N --certificate FILE --key FILE
"""

from __future__ import annotations

import argparse
import sys

from damlink_sandbox import BynderSandbox, Sandbox


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=0)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    with Sandbox([BynderSandbox], tls=(arguments.certificate, arguments.key)) as sandbox:
        portal = sandbox.part("bynder")
        portal.control("lag", {"conversion": 0, "index": 0, "s3": 0})
        portal.control("metaproperty", {"name": "Colour", "type": "select", "options": ["red"]})
        for number in range(arguments.assets):
            portal.control("add_asset", {"name": f"Asset {number}", "filename": "a.jpg", "size": 200})
        print(sandbox.origins["portal"], portal.token, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
