from __future__ import annotations

import ast
import inspect
import os
import stat
from pathlib import Path

import pytest

import damlink
from damlink._system.whole_file import replacing

SOURCES = sorted(Path(inspect.getfile(damlink)).parent.rglob("*.py"))
# Files of a test end with it, a new distribution gets its name when it is whole, and the last one is what all
# others should call.
ALLOWED = ("testing/", "_scaffold/render.py", "_system/whole_file.py")


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_replacing_when_all_is_written_is_the_file(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.bin") as file:
        file.write(b"whole")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
@pytest.mark.parametrize("before", [None, b"as it was"], ids=["no file", "a file"])
def test_replacing_when_it_breaks_off_leaves_all_as_it_was(
    tmp_path: Path, before: bytes | None, error: type[BaseException]
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(before or b"")
    found = [path.name] if before else path.unlink() or []
    with pytest.raises(error), replacing(path) as file:
        file.write(b"half")
        raise error
    assert names(tmp_path) == found
    assert found == [] or path.read_bytes() == before


@pytest.mark.parametrize(("mode", "expected"), [(None, 0o640), (0o600, 0o600)], ids=["umask", "given"])
def test_replacing_when_the_file_is_new_has_the_mode_that_is_wanted(
    tmp_path: Path, mode: int | None, expected: int
) -> None:
    umask = os.umask(0o027)
    try:
        with replacing(tmp_path / "a.bin", mode) as file:
            file.write(b"whole")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == expected


def test_replacing_when_a_file_is_there_keeps_its_mode_and_its_link(tmp_path: Path) -> None:
    (tmp_path / "real.bin").write_bytes(b"old")
    (tmp_path / "real.bin").chmod(0o604)
    (tmp_path / "link.bin").symlink_to("real.bin")
    with replacing(tmp_path / "link.bin", 0o600) as file:
        file.write(b"new")
    assert (tmp_path / "link.bin").is_symlink()
    assert (tmp_path / "real.bin").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "real.bin").stat().st_mode) == 0o604


def test_replacing_when_it_is_a_device_writes_to_it() -> None:
    with replacing(Path(os.devnull)) as file:
        file.write(b"whole")
    assert Path(os.devnull).is_char_device()


def writes(source: Path) -> list[str]:
    """The calls of a module that write a file under its final name."""
    calls = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    named = [(call, ast.unparse(call.func).rpartition(".")[2]) for call in calls]
    written = [ast.unparse(call) for call, name in named if name in ("write_text", "write_bytes")]
    modes = [(call, [ast.unparse(each) for each in call.args]) for call, name in named if name == "open"]
    return written + [ast.unparse(call) for call, given in modes if {"'w'", "'wb'"} & {*given}]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(SOURCES[0].parent)))
def test_source_when_it_writes_a_file_for_a_person_writes_it_whole(source: Path) -> None:
    place = source.relative_to(Path(inspect.getfile(damlink)).parent).as_posix()
    assert place.startswith(ALLOWED) or writes(source) == []
