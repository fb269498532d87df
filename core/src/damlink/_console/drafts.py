"""Changes of the config that are not written yet: sealed in the database, resumed by address."""

from __future__ import annotations

import difflib
import json
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

import attrs

from damlink._config.edit import ConfigFile, document
from damlink._config.load import loads
from damlink._console.desk import Desk
from damlink._run.draft import Draft
from damlink._secret import Secret
from damlink._state.sealed import credential_name
from damlink.errors import ConfigError

__all__ = ["Drafts", "Kept", "compare_texts", "read_text"]

KEPT: Final = timedelta(days=7)
MOST: Final = 50
_PREFIX: Final = "draft:"

Kind = Literal["connectors", "portals"]


@attrs.frozen(kw_only=True)
class Kept:
    """A change that is not written yet.

    Attributes:
        base: the config that it began with.
        changes: of the table, `None` for a removed value.
        typed: entered secrets, by the names that they are stored under.
        portals: of portals that are written with it, by their names.
        step: the next step of a wizard; `None` where there are none.
        findings: of the last trial: subject, text, and whether it is well.
    """

    id: str
    kind: Kind
    name: str
    base: str
    changes: Mapping[str, Any]
    typed: Mapping[str, Secret] = attrs.field(factory=dict)
    portals: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    step: int | None = None
    findings: Sequence[tuple[str, str, bool]] | None = None


class Drafts:
    """The unwritten changes of one console."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._credentials = desk.credentials

    def begin(self, kind: Kind, name: str, base: str, changes: Mapping[str, Any], **values: Any) -> Kept:
        """Keep a new change."""
        self._prune()
        kept = Kept(id=secrets.token_urlsafe(12), kind=kind, name=name, base=base, changes=changes, **values)
        self.save(kept)
        return kept

    def save(self, kept: Kept) -> None:
        """Keep a change as it is now."""
        record = attrs.asdict(kept, recurse=False) | {
            "changes": _dump(kept.changes),
            "portals": {name: _dump(table) for name, table in kept.portals.items()},
            "typed": {name: secret.reveal() for name, secret in kept.typed.items()},
            "kept_at": self._desk.now().isoformat(),
        }
        name = _PREFIX + kept.id
        sealed = self._desk.cipher.seal(json.dumps(record).encode(), credential_name(name))
        self._credentials.save(name, sealed)

    def load(self, number: str) -> Kept:
        """Return a kept change.

        Raises:
            ConfigError: there is none.
        """
        record = self._read(_PREFIX + number)
        if record is None:
            hint = "it was written or dropped, or is older than 7 days; begin again"
            raise ConfigError("", f"there is no unwritten change {number!r}", hint=hint)
        del record["kept_at"]
        return Kept(
            **record
            | {
                "changes": _load(record["changes"]),
                "portals": {name: _load(table) for name, table in record["portals"].items()},
                "typed": {name: Secret(value) for name, value in record["typed"].items()},
            }
        )

    def _read(self, name: str) -> dict[str, Any] | None:
        sealed = self._credentials.load(name)
        if sealed is None:
            return None
        return cast("dict[str, Any]", json.loads(self._desk.cipher.open(sealed, credential_name(name))))

    def remove(self, kept: Kept) -> None:
        """Forget a change."""
        self._credentials.remove(_PREFIX + kept.id)

    def _prune(self) -> None:
        """Forget what is older than 7 days, and the oldest ones of very many."""
        names = self._credentials.names(_PREFIX)
        times = {name: (self._read(name) or {}).get("kept_at", "") for name in names}
        newest = sorted(times, key=lambda name: times[name], reverse=True)[: MOST - 1]
        oldest = self._desk.now() - KEPT
        for name, at in times.items():
            if name not in newest or not at or datetime.fromisoformat(at) < oldest:
                self._credentials.remove(name)

    # --- what it does to the file ------------------------------------------------------------------

    def draft(self, kept: Kept, *, is_tried: bool = False) -> Draft:
        """Return the change as the command line makes it."""
        draft = Draft(self._desk.config.path, kept.kind, kept.name, is_tried=is_tried, base=kept.base)
        draft.typed = {name: secret.reveal() for name, secret in kept.typed.items()}
        return draft

    def file(self, kept: Kept) -> ConfigFile:
        """Return the config as it would be written."""
        file = ConfigFile(self._desk.config.path, kept.base)
        for name, table in kept.portals.items():
            file.update("portals", name, table)
        if kept.portals:
            # Beside a second portal, each connector has to name its own.
            for name, connector in loads(kept.base, file.path).connectors.items():
                if "portal" not in connector.table:
                    file.update("connectors", name, {"portal": connector.portal})
        file.update(kept.kind, kept.name, kept.changes)
        return file

    def try_out(self, kept: Kept) -> Kept:
        """Ask both sides with the changed settings, and keep what they say."""
        draft = self.draft(kept, is_tried=True)
        findings = [(each.what, each.detail, each.ok) for each in draft.examine(self.file(kept))]
        kept = attrs.evolve(kept, findings=findings)
        self.save(kept)
        return kept


def read_text(desk: Desk) -> str:
    """Return the text of the config as it is in the file."""
    return desk.config.path.read_bytes().decode()


def compare_texts(before: str, after: str) -> list[str]:
    """Return the difference of two configs, as lines of a unified diff."""
    found = difflib.unified_diff(_lines(before), _lines(after), n=2)
    return [line.rstrip("\r\n") for line in found][2:]


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _dump(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return changes as JSON: TOML has dates, and JSON has what is removed."""
    given = {name: value for name, value in changes.items() if value is not None}
    return {"set": document({"set": given}), "removed": [name for name in changes if name not in given]}


def _load(record: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = tomllib.loads(record["set"]).get("set", {})
    return dict.fromkeys(record["removed"]) | given
