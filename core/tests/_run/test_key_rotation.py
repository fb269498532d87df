"""The key of a database is replaced, and whatever happens on the way, all that it holds can be opened."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from damlink._config.edit import document
from damlink._config.load import load
from damlink._model import SourceAsset
from damlink._run.key_rotation import rotate_key
from damlink._run.session import Session
from damlink._secrets.crypto import Cipher, new_key
from damlink._secrets.key import KEY_FILE, replace_key_file
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.database import Database
from damlink._state.key_lock import using_key
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.sealed import SEALED_COLUMNS, reseal
from damlink._state.tables import credential, ledger, metadata
from damlink._state.topics import Topics
from damlink.errors import ConfigError, RunActiveError, StateError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 450  # more than two pages


@pytest.fixture
def old() -> str:
    return new_key()


@pytest.fixture
def folder(tmp_path: Path, url: str, old: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config whose database holds something in every encrypted column, by an earlier version."""
    monkeypatch.delenv("DAMLINK_KEY")
    portal = {"url": "https://brand.example", "token": {"env": "T"}}
    tables = {"state": {"url": url}, "portals": {"brand": portal}}
    (tmp_path / "damlink.toml").write_text(document(tables))
    replace_key_file(tmp_path / KEY_FILE, [old])
    with opened(tmp_path) as session, Lease(session.database, "stock") as lease:
        database, former = session.database, Fernet(old)
        with database.write() as connection:
            values = [
                {
                    "name": f"secret:{number}",
                    "sealed": former.encrypt(b"value"),
                    "version": 1,
                    "updated_at": NOW,
                }
                for number in range(ROWS)
            ]
            connection.execute(sa.insert(credential), values)
        Topics(database).note("brand", "arn:1", former.encrypt(b"token"))
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed((SourceAsset("1", "fingerprint"),)), "")
        row = ledger.claim()
        assert row
        ledger.checkpoint(row, former.encrypt(b'{"part": 1}'))
    return tmp_path


def opened(folder: Path) -> Session:
    return Session(load(folder / "damlink.toml"))


def assert_all_opens(folder: Path) -> None:
    """Every value opens by its name, with the key there is."""
    with opened(folder) as session:
        cipher = session.cipher
        assert {session.secrets.get(str(number)) for number in (0, 199, 200, ROWS - 1)} == {"value"}
        ledger = Ledger(session.database, "stock", 1)
        row = ledger.find(["1"])["1"]
        checkpoint = LedgerCheckpoint(ledger, row, cipher.seal, cipher.open)
        assert checkpoint.get("part") == 1
        sealed = Topics(session.database).token("brand", "arn:1")
        assert cipher.open(sealed or b"", ("topic", "brand", "arn:1")) == b"token"


def rotated(folder: Path) -> str:
    with opened(folder) as session:
        return rotate_key(session)


def test_every_encrypted_column_is_sealed_anew() -> None:
    """A column of bytes that is new is to be added to `SEALED_COLUMNS`, unless it is only compressed."""
    binary = {
        column
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    assert binary - {ledger.c.raw_packed} == {each.column for each in SEALED_COLUMNS}


def test_rotation_when_it_ends_opens_all_with_the_new_key_alone(folder: Path, old: str) -> None:
    said = rotated(folder)
    file = folder / KEY_FILE
    assert said.startswith(f"{ROWS + 2} values are encrypted with the new key in {file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert old not in file.read_text()
    assert_all_opens(folder)
    replace_key_file(file, [old])
    with opened(folder) as session, pytest.raises(StateError, match="does not open the database"):
        _ = session.cipher


def nothing(_database: Database, _cipher: Cipher) -> None:
    """Killed when the key file held both keys."""


def some(database: Database, cipher: Cipher) -> None:
    """Killed after the first column."""
    SEALED_COLUMNS[0].reseal(database, cipher)


def everything(database: Database, cipher: Cipher) -> None:
    """Killed before the old key was taken out of the file."""
    reseal(database, cipher)


@pytest.mark.parametrize("done", [nothing, some, everything])
def test_rotation_when_killed_leaves_all_open_and_goes_on(
    folder: Path, old: str, done: Callable[[Database, Cipher], None]
) -> None:
    new = new_key()
    replace_key_file(folder / KEY_FILE, [new, old])
    with opened(folder) as session:
        done(session.database, Cipher(f"{new} {old}", "a test"))
    assert_all_opens(folder)
    rotated(folder)
    assert (folder / KEY_FILE).read_text() == f"{new}\n"
    assert_all_opens(folder)


def test_rotation_when_the_key_is_in_the_environment_says_what_to_do(
    folder: Path, old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAMLINK_KEY", old)
    with pytest.raises(ConfigError, match=r"^DAMLINK_KEY: the new key must be given first; make a new"):
        rotated(folder)
    new = new_key()
    monkeypatch.setenv("DAMLINK_KEY", f"{new},{old}")
    assert rotated(folder).endswith("take the old one out of DAMLINK_KEY now")
    monkeypatch.setenv("DAMLINK_KEY", new)
    assert_all_opens(folder)


def test_rotation_when_another_process_uses_the_key_is_refused(folder: Path, old: str) -> None:
    with opened(folder) as other:
        assert other.cipher
        with pytest.raises(RunActiveError, match="another process uses the database; stop `damlink serve`"):
            rotated(folder)
    assert (folder / KEY_FILE).read_text() == f"{old}\n"


def test_command_when_the_key_is_being_replaced_is_refused(folder: Path) -> None:
    with (
        opened(folder) as session,
        using_key(session.database, replaces=True),
        opened(folder) as other,
        pytest.raises(StateError, match="the key of the database is being replaced"),
    ):
        _ = other.cipher
    assert_all_opens(folder)


def test_commands_when_several_use_the_key_do_not_hinder_each_other(folder: Path) -> None:
    with opened(folder) as one, opened(folder) as two:
        assert (one.secrets.get("1"), two.secrets.get("2")) == ("value", "value")
