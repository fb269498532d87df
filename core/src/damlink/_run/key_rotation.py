"""Replacement of the database's key. After a kill at any point everything can still be decrypted."""

from __future__ import annotations

from damlink._run.session import KEY_CHECK, Session
from damlink._secrets.crypto import Cipher, new_key, split_keys
from damlink._secrets.key import KEY_FILE, find_key, replace_key_file
from damlink._state.key_lock import using_key
from damlink._state.sealed import credential_name, reseal
from damlink.errors import ConfigError, StateError

__all__ = ["rotate_key"]


def rotate_key(session: Session) -> str:
    """Encrypt all stored values with a new key; return a message with the next step for a person.

    The key file holds both keys until everything is encrypted again. Where the key comes from another
    place, a person writes both keys there before, the new one first.

    Raises:
        RunActiveError: another process uses the database.
        ConfigError: the new key has to be given first.
        StateError: the key does not open the database.
    """
    file = session.config.folder / KEY_FILE
    with using_key(session.database, replaces=True):
        keys, place = find_key(session.config.folder, _missing)
        _check(session, Cipher(keys, place))
        if place == str(file):
            keys = keys if Cipher(keys, place).has_former_keys else f"{new_key()} {keys}"
            replace_key_file(file, split_keys(keys))
        cipher = Cipher(keys, place)
        if not cipher.has_former_keys:
            raise _no_new_key(place)
        _mark(session, cipher)
        count = reseal(session.database, cipher)
        if place != str(file):
            return f"{count} values are encrypted with the new key; take the old one out of {place} now"
        replace_key_file(file, split_keys(keys)[:1])
        return f"{count} values are encrypted with the new key in {file}; back it up"


def _missing() -> str:
    raise StateError("there is no key to replace", hint="put damlink.key back, or set DAMLINK_KEY")


def _no_new_key(place: str) -> ConfigError:
    hint = (
        f"make a new key with `damlink secret key`, put it before the old one in {place}, with a comma in "
        "between, on every machine, and run `damlink secret rotate` again"
    )
    return ConfigError(place, "the new key must be given first", hint=hint)


def _check(session: Session, cipher: Cipher) -> None:
    sealed = session.credentials.load(KEY_CHECK)
    if sealed is not None:
        cipher.open(sealed, credential_name(KEY_CHECK))


def _mark(session: Session, cipher: Cipher) -> None:
    """Seal the check value with the new key."""
    # From now on a process that has only the old key is refused, and writes nothing with it.
    name = credential_name(KEY_CHECK)
    session.credentials.save(KEY_CHECK, cipher.seal(KEY_CHECK.encode(), name))
