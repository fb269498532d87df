from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from damlink._secrets.crypto import Cipher, new_key
from damlink._secrets.key import KEY_FILE, find_key
from damlink.errors import ConfigError, StateError


class Backend(keyring.backend.KeyringBackend):
    """A keyring in memory; locked if it says so."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise keyring.errors.KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("nothing is to be kept in the keyring")


@pytest.fixture(autouse=True)
def own_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    monkeypatch.delenv("DAMLINK_KEY")
    before, backend = keyring.get_keyring(), Backend()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def never() -> str:
    raise AssertionError("no key is to be made")


def test_find_key_when_the_environment_holds_one_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / KEY_FILE).write_text("from-file")
    monkeypatch.setenv("DAMLINK_KEY", "from-environment")
    assert find_key(tmp_path, never) == ("from-environment", "DAMLINK_KEY")


def test_find_key_when_a_file_holds_one_takes_it_before_the_keyring(
    tmp_path: Path, own_keyring: Backend
) -> None:
    own_keyring.held["damlink", str(tmp_path)] = "from-keyring"
    (tmp_path / KEY_FILE).write_text(" from-file\n")
    assert find_key(tmp_path, never) == ("from-file", str(tmp_path / KEY_FILE))


def test_find_key_when_the_keyring_holds_one_takes_it(tmp_path: Path, own_keyring: Backend) -> None:
    own_keyring.held["damlink", str(tmp_path)] = "from-keyring"
    assert find_key(tmp_path, never) == ("from-keyring", "the OS keyring")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("locked", [False, True])
def test_find_key_when_there_is_none_makes_one_that_only_its_owner_reads(
    tmp_path: Path, own_keyring: Backend, locked: bool
) -> None:
    own_keyring.locked = locked
    file = tmp_path / KEY_FILE
    assert find_key(tmp_path, lambda: "made") == ("made", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert find_key(tmp_path, never) == ("made", str(file))


def test_find_key_when_several_begin_at_once_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: find_key(tmp_path, new_key), range(32)))
    assert set(found) == {((tmp_path / KEY_FILE).read_text().strip(), str(tmp_path / KEY_FILE))}


def test_find_key_when_another_was_faster_takes_that_one_whole(tmp_path: Path) -> None:
    meanwhile: list[str] = []

    def slow() -> str:
        meanwhile.append(find_key(tmp_path, lambda: "faster")[0])
        return "slower"

    assert find_key(tmp_path, slow)[0] == "faster"
    assert meanwhile == ["faster"]
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_find_key_when_the_folder_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError,
        match=r"damlink.key: cannot write a key: .*; make its folder writable, or set DAMLINK_KEY",
    ):
        find_key(tmp_path / "missing", new_key)


def test_find_key_when_the_file_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"damlink.key: cannot read the key: "):
        find_key(tmp_path, never)


NAME = ("credential", "a")


@given(st.binary(max_size=200))
def test_cipher_when_opened_with_its_key_gives_the_data_back(data: bytes) -> None:
    cipher = Cipher(new_key(), "a test")
    sealed = cipher.seal(data, NAME)
    assert cipher.open(sealed, NAME) == data
    assert len(data) < 4 or data not in sealed
    assert cipher.seal(data, NAME) != sealed


def test_cipher_when_opened_with_another_key_says_which_one_was_used() -> None:
    sealed = Cipher(new_key(), "a test").seal(b"data", NAME)
    with pytest.raises(StateError, match="the key from DAMLINK_KEY does not open the database; give the key"):
        Cipher(new_key(), "DAMLINK_KEY").open(sealed, NAME)


def test_cipher_when_what_is_kept_was_damaged_says_so() -> None:
    cipher = Cipher(new_key(), "a test")
    sealed = bytearray(cipher.seal(b"data", NAME))
    sealed[20] ^= 1
    with pytest.raises(StateError, match="of credential a was changed or moved in the database; restore"):
        cipher.open(bytes(sealed), NAME)


@pytest.mark.parametrize(
    "other", [("credential", "b"), ("topic", "a"), ("credential",), ("credential", "a", "")]
)
def test_cipher_when_a_value_was_moved_to_another_name_does_not_open_it(other: tuple[str, ...]) -> None:
    cipher = Cipher(new_key(), "a test")
    with pytest.raises(StateError, match="was changed or moved in the database"):
        cipher.open(cipher.seal(b"data", NAME), other)


def test_cipher_when_a_value_is_of_an_earlier_version_opens_it() -> None:
    key = new_key()
    cipher = Cipher(key, "a test")
    former = Fernet(key).encrypt(b"data")
    assert cipher.open(former, NAME) == b"data"
    assert [cipher.is_current(each) for each in (former, cipher.seal(b"data", NAME))] == [False, True]


@pytest.mark.parametrize("between", [" ", ",", ", ", "\n"], ids=["blank", "comma", "both", "line"])
def test_cipher_when_there_are_two_keys_seals_with_the_first_and_opens_with_both(between: str) -> None:
    new, old = new_key(), new_key()
    both = Cipher(f"{new}{between}{old}\n", "a test")
    assert both.has_former_keys
    assert both.open(Cipher(old, "a test").seal(b"data", NAME), NAME) == b"data"
    assert both.open(Fernet(old).encrypt(b"data"), NAME) == b"data"
    assert Cipher(new, "a test").open(both.seal(b"data", NAME), NAME) == b"data"


@pytest.mark.parametrize(
    "key",
    ["", "short", "a" * 44, "é" * 44, "A" * 40],
    ids=["empty", "short", "33 bytes", "no ASCII", "30 bytes"],
)
def test_cipher_when_the_key_is_none_says_how_to_make_one(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Cipher(key, "DAMLINK_KEY")
    assert str(caught.value) == (
        "DAMLINK_KEY: not URL-safe base64 of 32 bytes; make one with `damlink secret key`"
    )
