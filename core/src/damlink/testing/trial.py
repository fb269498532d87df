"""One connector of one plugin, joined to a sandbox as a run would join it, for one test."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import attrs

from damlink._checkpoint import Checkpoint
from damlink._config.edit import document
from damlink._config.load import FILENAME, load
from damlink._config.settings import fields_of
from damlink._context import Context
from damlink._http.oauth2 import OAuth2
from damlink._http.pace import Pace
from damlink._model import Cursor, PreparedAsset, PushResult, Skip, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load as load_plugin
from damlink._plugin.values import Refused
from damlink._run.runner import RunOptions, run_connector
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._secrets.crypto import new_key
from damlink._secrets.key import KEY_FILE
from damlink._state.checkpoint import LedgerCheckpoint
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink.errors import NotYet
from damlink_sandbox import Clock, Part, Sandbox

__all__ = ["Trial", "make_context"]

Value = Any  # whatever TOML can say; None takes a setting out
T = TypeVar("T")

PATIENCE_SECONDS: Final = 30.0  # for a portal or partner that says "not yet"
_UNHURRIED: Final = 1_000_000  # requests in a window: a test is not held back


def _accepted(items: Generator[SourceAsset | Cursor | Refused]) -> Generator[SourceAsset | Cursor]:
    """Yield what a run would keep; what it would refuse fails the test."""
    with contextlib.closing(items):
        for item in items:
            if isinstance(item, Refused):
                raise item.error
            yield item


class Trial:
    """A real connector on a throw-away database: real clients, real HTTP, notes that persist.

    A context manager. What a run would do step by step, a test does here one step at a time.

    Args:
        plugin: its name, as `damlink plugins` shows it; it must be installed.
        sandbox: running, with the plugin's own part in it.
        folder: for the config, the database and the secrets; empty, and the test's own.
        settings: of the connector, instead of those that the sandbox's part names; `None` takes one out.

    Attributes:
        connector: the plugin's hooks, as the core calls them.
        context: what the hooks are given; its clock is the sandbox's.
    """

    connector: Plugin
    context: Context

    def __init__(
        self,
        plugin: str,
        sandbox: Sandbox,
        folder: Path,
        settings: Mapping[str, Value] | None = None,
    ) -> None:
        self.plugin = plugin
        self.sandbox = sandbox
        self.folder = folder
        self._settings = dict(settings or {})
        self._closing = contextlib.ExitStack()
        self._writing = contextlib.ExitStack()  # the lease, while checkpoints are written
        self._ledger: Ledger | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opening:
            pace = Pace(self.folder / "pace.db", _UNHURRIED, share=1.0)
            opening.callback(pace.close)
            self._session = opening.enter_context(Session(load(self._write_config()), pace=pace))
            opening.callback(self._let_go)
            self._runtime: ConnectorRuntime = self._session.open_connector(self.plugin)
            self._closing = opening.pop_all()
        self.connector = self._runtime.plugin
        self.context = attrs.evolve(self._runtime.context, now=self.clock.now)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def clock(self) -> Clock:
        """The one clock of both sides; a test moves it by `advance(seconds)`."""
        return self.sandbox.world.clock

    def asked(self, pattern: str = "", service: str = "") -> Counter[str]:
        """How often a service of the sandbox was asked for what, by "METHOD /path".

        Args:
            pattern: a regular expression searched in that; everything if not given.
            service: the plugin's namesake if not given.
        """
        begin = f"{service or self.plugin} "
        counts = self.sandbox.world.counts.as_dict().items()
        mine = {name.removeprefix(begin): number for name, number in counts if name.startswith(begin)}
        return Counter({name: number for name, number in mine.items() if re.search(pattern, name)})

    def secrets(self) -> set[str]:
        """Every text that must not be seen anywhere: of the portal, of the partner, and the present token."""
        parts = (self.sandbox.part("bynder"), self.sandbox.part(self.plugin))
        given = {str(part.connector()[name]) for part in parts for name in part.secrets()}
        auth = self._runtime.auth
        token = auth.custody.load() if isinstance(auth, OAuth2) else None
        tokens = (token.access, token.refresh) if token else ()
        return given | {secret.reveal() for secret in tokens if secret}

    # --- the steps of a run ------------------------------------------------------------------------

    def listing(self, since: str | None = None) -> Generator[SourceAsset | Cursor]:
        """The listing after a cursor's value, item by item."""
        return _accepted(self.connector.list_source_assets(self.context, since))

    def source_assets(self) -> Iterator[SourceAsset]:
        """The listing from its beginning, without its cursors."""
        return (item for item in self.listing() if isinstance(item, SourceAsset))

    def checkpoint(self, source: SourceAsset) -> Checkpoint:
        """The notes of a source asset's transfer, read anew: what a run after a crash would find."""
        ledger = self._writable_ledger()
        if not (known := ledger.find([source.source_id])):
            ledger.record(Listed((source,)), self._runtime.selection, self.context.now())
            known = ledger.find([source.source_id])
        cipher = self._session.cipher
        return LedgerCheckpoint(ledger, known[source.source_id], cipher.seal, cipher.open, self.context.now)

    def transform(self, source: SourceAsset) -> PreparedAsset | Skip:
        """Transform with the notes there are."""
        return _patiently(
            lambda: self.connector.transform(self.context, source, None, self.checkpoint(source))
        )

    def push(self, prepared: PreparedAsset, source: SourceAsset) -> PushResult:
        """Push with the notes there are, as often as it takes until the other side is ready."""
        return _patiently(
            lambda: self.connector.push(self.context, prepared, source, None, self.checkpoint(source))
        )

    def carry(self, source: SourceAsset) -> PushResult | Skip:
        """Transform and push: the notes stay, as if the process had died right before it was finished."""
        prepared = self.transform(source)
        if isinstance(prepared, Skip):
            return prepared
        with contextlib.closing(prepared.content):
            return self.push(prepared, source)

    def run(self) -> dict[str, int]:
        """A whole run, as `damlink run` does it: how many assets it left in which state.

        Raises:
            DamlinkError: what stopped it.
        """
        self._let_go()
        report = run_connector(self._session, self.plugin, RunOptions())
        if report.error:
            raise report.error
        return report.outcomes

    # --- what it stands on -------------------------------------------------------------------------

    def _writable_ledger(self) -> Ledger:
        if self._ledger is None:
            lease = self._writing.enter_context(Lease(self._session.database, self.plugin))
            self._ledger = Ledger(self._session.database, self.plugin, lease.epoch)
        return self._ledger

    def _let_go(self) -> None:
        self._ledger = None
        self._writing.close()

    def _write_config(self) -> Path:
        (self.folder / KEY_FILE).write_text(new_key(), encoding="ascii")
        portal, partner = self.sandbox.part("bynder"), self.sandbox.part(self.plugin)
        secret = {
            field.name for field in fields_of(load_plugin(find(self.plugin)).settings_class) if field.secret
        }
        tables = {
            "portals": {"sandbox": self._table(portal, {"index_lag": "1s"}, set())},
            "connectors": {self.plugin: self._table(partner, self._settings, secret)},
        }
        path = self.folder / FILENAME
        path.write_text(document(tables), encoding="utf-8")
        return path

    def _table(self, part: Part, changes: Mapping[str, Any], secret: set[str]) -> dict[str, Any]:
        table = {key: value for key, value in {**part.connector(), **changes}.items() if value is not None}
        kept = {
            name: self._kept(part, name, table[name]) for name in secret.union(part.secrets()) & table.keys()
        }
        return table | kept

    def _kept(self, part: Part, name: str, value: str) -> dict[str, str]:
        file = f"{part.name}-{name}.secret"
        (self.folder / file).write_text(value, encoding="utf-8")
        return {"file": file}


@contextlib.contextmanager
def make_context(plugin: str, sandbox: Sandbox, folder: Path, **settings: Value) -> Iterator[Context]:
    """A real context, where a test needs no more than that; see `Trial`."""
    with Trial(plugin, sandbox, folder, settings) as trial:
        yield trial.context


def _patiently(call: Callable[[], T]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except NotYet as pause:
            if pause.retry_after is None or time.monotonic() + pause.retry_after > deadline:
                raise
            time.sleep(pause.retry_after)
