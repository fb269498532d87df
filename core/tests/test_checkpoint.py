from __future__ import annotations

import json
from pathlib import Path

import pytest

from damlink._checkpoint import FileCheckpoint
from damlink.errors import StateError


def test_put_when_read_by_the_next_process_is_there(tmp_path: Path) -> None:
    FileCheckpoint(tmp_path / "notes").put(part=1, name="beach")
    again = FileCheckpoint(tmp_path / "notes")
    assert (again.get("part"), again.get("name"), again.source_id) == (1, "beach", "")


def test_put_when_a_value_is_none_removes_the_name(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path / "notes")
    checkpoint.put(part=1, name="beach")
    checkpoint.put(part=None)
    assert json.loads((tmp_path / "notes").read_text()) == {"name": "beach"}


def test_put_when_there_is_no_file_stays_in_memory(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(None)
    checkpoint.put(part=1)
    assert (checkpoint.get("part"), list(tmp_path.iterdir())) == (1, [])


def test_scope_when_it_is_written_is_apart_from_the_rest(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path / "notes")
    checkpoint.scope("second").put(part=2)
    assert (checkpoint.get("part"), checkpoint.scope("second").get("part")) == (None, 2)


def test_remove_when_the_file_is_gone_already_is_done(tmp_path: Path) -> None:
    checkpoint = FileCheckpoint(tmp_path / "notes")
    checkpoint.put(part=1)
    checkpoint.remove()
    checkpoint.remove()
    assert (checkpoint.get("part"), (tmp_path / "notes").exists()) == (None, False)


@pytest.mark.parametrize("text", ["[]", "{", '"beach"'], ids=["a list", "cut off", "a text"])
def test_open_when_the_file_holds_something_else_leaves_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes"
    path.write_text(text)
    with pytest.raises(StateError, match="notes"):
        FileCheckpoint(path)
    assert path.read_text() == text
