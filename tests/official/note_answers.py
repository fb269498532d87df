"""Write an answer of the sandbox's to each call of the client, which the tests of odd answers change.

python tests/official/note_answers.py
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from official.every_call import make_every_call, open_portal, open_world
from portal_answers import ANSWERS, Call, all_calls
from recorder import Exchange

# Of a list so many records are enough.
_RECORDS: Final = 2
_HEADERS: Final = ("location", "next-cursor", "x-bynder-nextcursor", "x-pagination-totalpages")


# What the sandbox does not answer.
_OTHERS: Final[dict[str, Any]] = {
    "GET /transform/{id}/": {"status": 200, "type": "image/jpeg", "headers": {}, "body": "a picture"},
}


def main() -> None:
    """Make every call, and write the file."""
    with open_portal() as sandbox, tempfile.TemporaryDirectory() as folder:
        with open_world(sandbox, Path(folder) / "small.jpg") as world:
            make_every_call(world)
        found = {call: _OTHERS.get(str(call)) or _answer_to(call, sandbox.exchanges) for call in all_calls()}
    missing = [str(call) for call, answer in found.items() if answer is None]
    if missing:
        raise SystemExit(f"no answer to {', '.join(missing)}")
    text = ",\n".join(f"{json.dumps(str(call))}: {json.dumps(answer)}" for call, answer in found.items())
    ANSWERS.write_text("{\n" + text + "\n}\n", encoding="utf-8")


def _answer_to(call: Call, exchanges: Iterable[Exchange]) -> dict[str, Any] | None:
    """The longest successful answer."""
    fitting = [
        each
        for each in exchanges
        if each.service == "portal" and each.status < 300 and Call.of(each.method, each.path) == call
    ]
    if not fitting:
        return None
    best = max(fitting, key=lambda each: len(each.answer))
    headers = {name: best.answer_headers[name] for name in _HEADERS if name in best.answer_headers}
    is_json = best.answer_type.endswith("json")
    body = (
        _short(json.loads(best.answer)) if is_json and best.answer else best.answer.decode("utf-8", "replace")
    )
    if not is_json:
        body = body[:200]
    return {"status": best.status, "type": best.answer_type, "headers": headers, "body": body}


def _short(value: Any) -> Any:
    """The same with the first records of each list and of each object that holds records by id."""
    if isinstance(value, list):
        return [_short(each) for each in value[:_RECORDS]]
    if isinstance(value, dict):
        rows = list(value.items())
        if len(rows) > _RECORDS and all(isinstance(each, dict) for each in value.values()):
            rows = rows[:_RECORDS]
        return {name: _short(each) for name, each in rows}
    return value


if __name__ == "__main__":
    main()
