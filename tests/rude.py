"""Plugins that keep no contract: what a hook may do instead, and where."""

from __future__ import annotations

from typing import Final

from damlink._plugin.shape import HOOKS

HEAD: Final = """\
import asyncio, attrs, datetime, os, sys
from damlink import *

def deliver(source_id):
    if "PUSHES" in os.environ:
        with open(os.environ["PUSHES"], "a") as pushes:
            print(source_id, file=pushes)
"""

# What stands in a hook instead of its work.
OUTCOMES: Final = {
    "SystemExit 0": "sys.exit(0)",
    "SystemExit 1": "sys.exit('bye')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "CancelledError": "raise asyncio.CancelledError",
    "StopIteration": "raise StopIteration",
    "panic": "raise type('Panic', (BaseException,), {})('a Rust panic')",
    "group": "raise BaseExceptionGroup('two', [SystemExit(), KeyError('a')])",
    "recursion": "(again := lambda: again())()",
    "no text": "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "endless text": "raise ValueError('x' * 1_000_000)",
    "text for no database": "raise ValueError('a\\0\\ud83d')",
}

# Each hook's work, and `RUDE` where the outcome goes.
WORK: Final = {
    "authenticate": "def authenticate(ctx):\n    RUDE\n",
    "list_source_assets": (
        "def list_source_assets(ctx):\n    yield SourceAsset('1', 'a')\n    RUDE\n"
        "    yield SourceAsset('2', 'a')\n"
    ),
    "on_event": "def on_event(event):\n    RUDE\n    yield SourceAsset('1', 'a')\n",
    "transform": (
        "def transform(source):\n    if source.source_id == '1':\n        RUDE\n"
        "    return PreparedAsset(Content.from_bytes(b'a', 'a.jpg'), 'a')\n"
    ),
    "push": (
        "def push(source, prepared):\n    deliver(source.source_id)\n"
        "    if source.source_id == '1':\n        RUDE\n"
        "    return PushResult(source.source_id)\n"
    ),
}


def plugin(**rude: str) -> str:
    """The source of a plugin whose hooks do their work, but for those named here."""
    bodies = [WORK[hook].replace("RUDE", rude.pop(hook, "pass")) for hook in HOOKS]
    rest = "".join(rude.values())
    return HEAD + "".join(f"@hookimpl\n{body}\n" for body in bodies) + rest
