"""Writes docs/reference/http-api.md, and adds what is new to what is promised; removes nothing.

What was deprecated for long enough is taken out of `promised.json` by hand.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from http_api.asked import ask_all  # noqa: E402
from http_api.page import PAGE, PROMISED, describe, problems, read_promise, render_page  # noqa: E402


def main() -> None:
    """Write the page and the list.

    Raises:
        SystemExit: what is promised is gone, or has another type.
    """
    with tempfile.TemporaryDirectory() as folder:
        asked = ask_all(Path(folder))
    seen, promise = describe(asked.types()), read_promise()
    if broken := [each for each in problems(promise, seen) if " is new; " not in each]:
        sys.exit("\n".join(broken))
    PROMISED.write_text(json.dumps(seen, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(render_page(asked.types(), asked.ways), encoding="utf-8")


if __name__ == "__main__":
    main()
