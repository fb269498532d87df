"""Secrets in the wrong place: after each test, their mark is looked for wherever one may have leaked.

Every secret of the sandbox, and every one that the tests make up for themselves, contains the same mark. It
is looked for in what a test has printed and logged, in all that it wrote into its folder (databases with
their logs, exports, locks, spools), in what its child processes said, and on their command lines.
"""

from __future__ import annotations

import base64
import contextlib
import fnmatch
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from damlink_sandbox.mark import SECRET_MARK

__all__ = ["CANARY", "KEY", "LEGITIMATE", "assert_no_canary_in_tables", "canaries"]

# A secret of a test's own. The break at its end belongs to the file that it is read from, not to the secret.
CANARY: Final = f"canary-{SECRET_MARK}"
# 32 bytes, as `damlink secret key` writes them.
KEY: Final = f"{SECRET_MARK}AAECAwQFBgcICQoLDA0ODxAREhMUFRY="
# The only files in which a secret may be, and why.
LEGITIMATE: Final = {
    "*.secret": "the file that a config refers to",
    "*/secrets/*": "the files that a config of `damlink sandbox` refers to",
    "*/damlink.key": "the key of the database, unless it is kept elsewhere",
}
FIRST_OWN: Final = 16384  # files below belong to PostgreSQL itself
# Larger files are media. Their contents are the sandbox's own, and were never near a secret.
MOST_BYTES: Final = 32 << 20


def forms_of(secret: str) -> list[bytes]:
    """The ways in which a secret of letters and digits can be written: as it is, and within Base64."""
    found = [secret.encode()]
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + secret.encode())
        found.append(whole[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6])
    return found


MARK: Final = re.compile(b"|".join(map(re.escape, forms_of(SECRET_MARK))))


def holds(data: bytes | str) -> bool:
    """Whether there is a secret in it."""
    return MARK.search(data if isinstance(data, bytes) else data.encode("utf-8", "replace")) is not None


@attrs.define
class Canaries:
    """The places where a secret was found during one test."""

    found: list[str] = attrs.field(factory=list)

    def look(self, place: str, data: bytes | str) -> None:
        """Look at something that a test has come by."""
        if holds(data):
            self.found.append(place)

    def look_into(self, folder: Path) -> None:
        """Look at each file below a folder, and at its name."""
        for path in folder.rglob("*"):
            name = str(path.relative_to(folder))
            if not any(fnmatch.fnmatch(f"/{name}", each) for each in LEGITIMATE):
                with contextlib.suppress(OSError):  # it has gone meanwhile
                    self.look(name, name.encode("utf-8", "surrogateescape") + _content(path))


canaries: Final = Canaries()


def assert_no_canary_in_tables(data: Path) -> None:
    """Fail if a table of a PostgreSQL server holds a secret, after its checkpoint."""
    tables = [path for path in data.glob("base/*/*") if path.name.isdigit() and int(path.name) >= FIRST_OWN]
    assert [str(path) for path in tables if holds(_content(path))] == []


def _content(path: Path) -> bytes:
    is_small = path.is_file() and not path.is_symlink() and path.stat().st_size <= MOST_BYTES
    return path.read_bytes() if is_small else b""


# --- where it is looked ----------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_canary(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that has left a secret anywhere but where one belongs."""
    canaries.found.clear()
    yield
    for when, kind, text in request.node._report_sections:
        canaries.look(f"{kind} of its {when}", text)
    found, canaries.found = canaries.found, []
    assert found == [], f"a secret was found in: {', '.join(sorted(set(found)))}"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: Any) -> None:
    """Look at the files while databases are open, and their logs are there."""
    folder = getattr(item, "funcargs", {}).get("tmp_path")
    if folder is not None:
        canaries.look_into(folder)


@pytest.fixture(autouse=True, scope="session")
def _watched_outlets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Look at child processes, at what tests capture themselves, and at the folders that they share."""
    with pytest.MonkeyPatch.context() as patch:
        _watch(patch, subprocess.Popen, "__init__", _look_at_command)
        _watch(patch, subprocess.Popen, "communicate", _look_at_output)
        _watch(patch, pytest.CaptureFixture, "readouterr", _look_at_output)
        yield
    shared = Canaries()
    shared.look_into(tmp_path_factory.getbasetemp())
    assert shared.found == [], f"a folder that tests share holds a secret: {', '.join(sorted(shared.found))}"


def _watch(patch: pytest.MonkeyPatch, owner: Any, name: str, look: Any) -> None:
    original = getattr(owner, name)

    def watched(self: Any, *arguments: Any, **options: Any) -> Any:
        answer = original(self, *arguments, **options)
        look(arguments, options, answer)
        return answer

    patch.setattr(owner, name, watched)


def _look_at_command(arguments: tuple[Any, ...], options: dict[str, Any], _answer: Any) -> None:
    words: str | Iterable[Any] = options.get("args", arguments[0] if arguments else ())
    words = [words] if isinstance(words, str | bytes) else words
    for word in words:
        canaries.look("a command line", word if isinstance(word, bytes) else str(word))


def _look_at_output(_arguments: tuple[Any, ...], _options: dict[str, Any], answer: Any) -> None:
    for text in answer:
        canaries.look("the output of a child, or of a command", text or b"")
