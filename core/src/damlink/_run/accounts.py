"""Detection of another account in the config, and its effects, before anything is listed or carried."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from damlink._config.settings import Side, fields_of, plain
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._state.accounts import AccountChange, Accounts
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.ledger import Ledger
from damlink._state.sealed import credential_name
from damlink.errors import AuthError, BynderError

__all__ = ["accounts_of", "adapt", "change_of", "describe", "is_adapted"]

# Name of the credential with the key of the digests of identifying secrets.
IDENTITY_KEY: Final = "identity"
# One of the assets pushed last is enough to recognise the same portal.
SAMPLE: Final = 50

_log = logging.getLogger("damlink.run")


def accounts_of(session: Session, runtime: ConnectorRuntime) -> Accounts:
    """Return the accounts of a connector, as its config identifies them now."""
    settings = runtime.context.settings
    source, target = (
        _digests(_identity_of(settings, "source"), session),
        _digests(_identity_of(settings, "target"), session),
    )
    return Accounts(source, target, urlsplit(runtime.portal.url).netloc.lower())


def _identity_of(settings: Any, side: Side) -> dict[str, Any]:
    """Return the settings that identify the account of one side, by name, without empty ones."""
    identifying = (field.name for field in fields_of(type(settings)) if field.identifies == side)
    values = {name: getattr(settings, name) for name in identifying}
    return {name: value for name, value in values.items() if value not in (None, "", ())}


def _digests(values: Mapping[str, Any], session: Session) -> dict[str, str]:
    return {name: _digest(value, lambda: _key(session)) for name, value in values.items()}


def _digest(value: Any, key: Callable[[], bytes]) -> str:
    if isinstance(value, Secret):
        return hmac.new(key(), value.reveal().encode(), "sha256").hexdigest()[:16]
    return hashlib.sha256(json.dumps(plain(value), default=str).encode()).hexdigest()[:16]


def _key(session: Session) -> bytes:
    """Return the key of the digests, and create it at its first use."""
    sealed = session.credentials.load(IDENTITY_KEY) if session.has_database else None
    if sealed is not None:
        return session.cipher.open(sealed, credential_name(IDENTITY_KEY))
    # Without a stored key there are no stored digests to compare with: any key will do.
    key = secrets.token_bytes(32)
    if session.keeps:
        session.credentials.save(IDENTITY_KEY, session.cipher.seal(key, credential_name(IDENTITY_KEY)))
    return key


def change_of(runtime: ConnectorRuntime, ledger: Ledger, accounts: Accounts) -> AccountChange:
    """Compare the accounts with those in the database.

    Raises:
        ConnectorError: the portal does not answer whether it is another one.
    """
    known = ledger.progress().accounts
    change = accounts.change_from(known, uploads=runtime.plugin.about.uploads)
    if known.portal != accounts.portal and change.target and _is_same_portal(runtime, ledger):
        accounts = attrs.evolve(accounts, portal=known.portal)
        return accounts.change_from(known, uploads=True)
    return change


def _is_same_portal(runtime: ConnectorRuntime, ledger: Ledger) -> bool:
    """Return whether the portal shows assets that were uploaded under its former address."""
    targets = ledger.targets(SAMPLE)
    try:
        return any(runtime.portal.assets.list(ids=targets)) if targets else False
    except AuthError:
        raise
    except BynderError as error:
        _log.debug("the portal does not know the assets: %s", error)
        return False


def describe(name: str, change: AccountChange) -> list[str]:
    """Return one line for each changed account, with its effect on a run."""
    lines = []
    if change.source:
        what = "it is listed from the beginning, and finished assets stay as they are"
        lines.append(f"{name}: another source account ({', '.join(change.source)}): {what}")
    if change.target:
        what = "every finished asset is due for it"
        lines.append(f"{name}: another target account ({', '.join(change.target)}): {what}")
    return lines


def is_adapted(session: Session, runtime: ConnectorRuntime, ledger: Ledger) -> bool:
    """Return whether the ledger is that of the accounts of the config."""
    known = ledger.progress().accounts
    return accounts_of(session, runtime).merge_with(known) == known


def adapt(session: Session, runtime: ConnectorRuntime, ledger: Ledger) -> None:
    """Update the ledger to the accounts of the config. After a kill the next run repeats it."""
    known = ledger.progress().accounts
    accounts = accounts_of(session, runtime)
    change = change_of(runtime, ledger, accounts)
    for line in describe(runtime.name, change):
        _log.warning("%s", line)
    if change.target:
        _retarget(session, runtime, ledger, change)
    together = accounts.merge_with(known)
    if together != known:
        ledger.adapt(together, from_beginning=bool(change.source))


def _retarget(session: Session, runtime: ConnectorRuntime, ledger: Ledger, change: AccountChange) -> None:
    is_portal = "portal" in change.target
    if is_portal:
        for row in [row for row in ledger.rows() if row.checkpoint is not None]:
            cipher = session.cipher
            LedgerCheckpoint(ledger, row, cipher.seal, cipher.open).forget_uploads()
    ledger.retarget(drops_checkpoints=not is_portal)
    if is_portal and runtime.config.adopt_existing:
        ledger.look_in_portal()
