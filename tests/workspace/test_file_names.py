"""The name of every tracked file is printable ASCII: the same on every file system and in every listing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PRINTABLE: Final = range(0x20, 0x7F)


def is_plain(name: bytes) -> bool:
    """Whether a name is printable ASCII."""
    return bool(name) and all(each in PRINTABLE for each in name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        (b"docs/a page.md", True),
        ("docs/caf\N{LATIN SMALL LETTER E WITH ACUTE}.md".encode(), False),
        (b"damlink.db\n", False),
        (b"\x1b[2J", False),
        (b"docs/\x7f", False),
        (b"docs/\xff", False),
    ],
    ids=["plain", "accent", "line-break", "escape", "delete", "no-utf-8"],
)
def test_name_when_not_printable_ascii_is_found(name: bytes, plain: bool) -> None:
    assert is_plain(name) is plain


def test_tracked_files_have_plain_names() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a working tree of Git")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    names = listed.rstrip(b"\0").split(b"\0")
    assert len(names) > 100
    assert [name for name in names if not is_plain(name)] == []
