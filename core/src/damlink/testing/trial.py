"""One connector on a sandbox, opened as in a run, whose steps a test calls one by one."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from damlink._checkpoint import Checkpoint
from damlink._config.edit import document
from damlink._config.load import load
from damlink._config.location import FILENAME
from damlink._config.settings import fields_of
from damlink._context import Context
from damlink._http.pace import Pace
from damlink._http.retry import move_clock
from damlink._http.token_auth import CustodyAuth
from damlink._model import Cursor, Event, PreparedAsset, PushResult, Removed, Skip, SourceAsset
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
from damlink._system.private_files import make_file
from damlink.errors import NotYet
from damlink.testing.outcomes import Failures, Outcomes
from damlink_sandbox import Clock, Part, Sandbox

__all__ = ["IgnoredCheckpointError", "Trial", "make_context"]

Value = Any  # any TOML value; None removes a setting
T = TypeVar("T")

NOT_YET_TIMEOUT_SECONDS: Final = 30.0
SHORTEST_PAUSE_SECONDS: Final = 0.02
# Files of one asset, each with a part of the checkpoint, that one push may wait for.
MOST_PARTS: Final = 5
_NO_LIMIT: Final = 1_000_000  # requests in a window: the pace must not slow a test down


def _raise_refused(
    items: Generator[SourceAsset | Removed | Cursor | Refused],
) -> Generator[SourceAsset | Removed | Cursor]:
    """Yield the items; raise the error of one that a run would refuse."""
    with contextlib.closing(items):
        for item in items:
            if isinstance(item, Refused):
                raise item.error
            yield item


class IgnoredCheckpointError(AssertionError):
    """A push is repeated until the other side is ready, and begins anew each time."""


class _Progress:
    """What the tries of one push have noted; raises if they never go on where the last one has ended."""

    def __init__(self) -> None:
        self._futile = self._anew = 0

    def note(self, acted: bool, before: Sequence[str], after: Sequence[str]) -> None:
        """Note one try.

        Raises:
            IgnoredCheckpointError: it begins anew each time.
        """
        self._futile += acted and not after
        self._anew += acted and len(after) > len(before)
        if self._futile > 1:
            raise IgnoredCheckpointError("it begins anew each time, and notes nothing there") from None
        if self._anew > MOST_PARTS:
            what = f"it begins anew each time, and each of {self._anew} tries has noted another part of it"
            raise IgnoredCheckpointError(what) from None


class Trial:
    """A real connector on a temporary database, with real clients, real HTTP and durable checkpoints.

    A context manager. A test calls the steps of a run one by one.

    Args:
        plugin: its name, as `damlink plugins` shows it; it must be installed.
        sandbox: a running sandbox with the plugin's own part.
        folder: an empty folder for the config, the database and the secrets.
        settings: of the connector, in place of those of the sandbox's part; `None` removes one.

    Attributes:
        connector: the plugin's hooks, as the core calls them.
        context: the context of the hooks; its clock is the sandbox's.
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
            pace = Pace(self.folder / "pace.db", _NO_LIMIT, share=1.0)
            opening.callback(pace.close)
            self._session = opening.enter_context(
                Session(load(self._write_config()), now=self.clock.now, pace=pace)
            )
            opening.callback(self._release_lease)
            opening.enter_context(move_clock(self.clock.advance))
            self._runtime: ConnectorRuntime = self._session.open_connector(self.plugin)
            self._closing = opening.pop_all()
        self.connector = self._runtime.plugin
        self.context = self._runtime.context
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    @property
    def clock(self) -> Clock:
        """The clock of both sides; a test moves it by `advance(seconds)`."""
        return self.sandbox.world.clock

    def asked(self, pattern: str = "", service: str = "") -> Counter[str]:
        """Return the number of requests to a service of the sandbox, by "METHOD /path".

        Args:
            pattern: a regular expression that selects requests; by default all.
            service: by default the one with the plugin's name.
        """
        begin = f"{service or self.plugin} "
        counts = self.sandbox.world.counts.as_dict().items()
        mine = {name.removeprefix(begin): number for name, number in counts if name.startswith(begin)}
        return Counter({name: number for name, number in mine.items() if re.search(pattern, name)})

    def secrets(self) -> set[str]:
        """Return every text that must not be visible: secrets of both sides, and the present token."""
        parts = (self.sandbox.part("bynder"), self.sandbox.part(self.plugin))
        given = {str(part.connector()[name]) for part in parts for name in part.secrets()}
        auth = self._runtime.auth
        token = auth.custody.load() if isinstance(auth, CustodyAuth) else None
        tokens = (token.access, token.refresh) if token else ()
        return given | {secret.reveal() for secret in tokens if secret}

    # --- the steps of a run ------------------------------------------------------------------------

    def listing(self, since: str | None = None) -> Generator[SourceAsset | Removed | Cursor]:
        """Yield the listing after a cursor's value."""
        return _raise_refused(self.connector.list_source_assets(self.context, since))

    def source_assets(self) -> Iterator[SourceAsset]:
        """Yield the complete listing without its cursors."""
        return (item for item in self.listing() if isinstance(item, SourceAsset))

    def on_event(
        self, asset_id: str, kind: str = "asset_bank.media.meta_updated"
    ) -> list[SourceAsset | Removed]:
        """Hand over an event of an asset, as it is in the portal now, and return what it makes due.

        Args:
            kind: Bynder's name of the event.
        """
        asset = self.context.bynder.assets.find(asset_id)
        event = Event(
            kind=kind,
            asset_id=asset_id,
            asset=asset.raw if asset else None,
            portal="sandbox",
            occurred_at=self.clock.now(),
            raw={"media_id": asset_id},
        )
        return _wait_while_not_yet(lambda: [*self.connector.on_event(self.context, event)])

    def checkpoint(self, source: SourceAsset) -> Checkpoint:
        """Read the checkpoint of a source asset from the database, as a run after a crash does."""
        return self._checkpoint(source)

    def _checkpoint(self, source: SourceAsset) -> LedgerCheckpoint:
        ledger = self._writable_ledger()
        if not (known := ledger.find([source.source_id])):
            ledger.record(Listed((source,)), self._runtime.selection)
            known = ledger.find([source.source_id])
        cipher = self._session.cipher
        return LedgerCheckpoint(ledger, known[source.source_id], cipher.seal, cipher.open)

    def list_noted(self, source: SourceAsset) -> tuple[str, ...]:
        """Return the names that the checkpoint of a source asset has a value for."""
        return self._checkpoint(source).names()

    def transform(self, source: SourceAsset) -> PreparedAsset | Removed | Skip:
        """Transform with the present checkpoint."""
        return _wait_while_not_yet(
            lambda: self.connector.transform(self.context, source, None, self.checkpoint(source))
        )

    def push(self, prepared: PreparedAsset | Removed, source: SourceAsset) -> PushResult | Removed:
        """Push with the present checkpoint; repeat it until the other side is ready."""
        progress = _Progress()

        def attempt() -> PushResult | Removed:
            effects, noted = self._effects(), self.list_noted(source)
            try:
                return self.connector.push(self.context, prepared, source, None, self.checkpoint(source))
            except NotYet:
                progress.note(self._effects() > effects, noted, self.list_noted(source))
                raise

        return _wait_while_not_yet(attempt)

    def _effects(self) -> int:
        """Return the number of requests so far, to any service, that may have an effect."""
        services = self.sandbox.origins
        return sum(self.asked(r"^(POST|PUT|PATCH|DELETE) ", service).total() for service in services)

    @property
    def token_url(self) -> str:
        """The address at which a token is asked for; empty if requests are signed otherwise."""
        auth = self._runtime.auth
        return auth.token_url if isinstance(auth, CustodyAuth) else ""

    def carry(self, source: SourceAsset) -> PushResult | Removed | Skip:
        """Transform and push; keep the checkpoint, as if the process had crashed right before the end."""
        prepared = self.transform(source)
        if isinstance(prepared, Skip):
            return prepared
        if isinstance(prepared, Removed):
            return self.push(prepared, source)
        with contextlib.closing(prepared.content):
            return self.push(prepared, source)

    def run(self) -> Outcomes:
        """Run the connector like `damlink run`, and return the number of assets by state, with the causes of
        failures.

        Raises:
            DamlinkError: the error that stopped the run.
        """
        self._release_lease()
        failures = self._session.listener = Failures()
        report = run_connector(self._session, self.plugin, RunOptions())
        if report.error:
            raise report.error
        return Outcomes(report.outcomes, failures.causes)

    # --- set-up ------------------------------------------------------------------------------------

    def _writable_ledger(self) -> Ledger:
        if self._ledger is None:
            lease = self._writing.enter_context(Lease(self._session.database, self.plugin))
            self._ledger = Ledger(self._session.database, self.plugin, lease.epoch)
        return self._ledger

    def _release_lease(self) -> None:
        self._ledger = None
        self._writing.close()

    def _write_config(self) -> Path:
        key = self.folder / KEY_FILE
        make_file(key)
        key.write_text(new_key(), encoding="ascii")
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
            name: self._store_secret(part, name, table[name])
            for name in secret.union(part.secrets()) & table.keys()
        }
        return table | kept

    def _store_secret(self, part: Part, name: str, value: str) -> dict[str, str]:
        file = f"{part.name}-{name}.secret"
        make_file(self.folder / file)
        # A line break at the end, as an editor writes it: it is no part of the secret.
        (self.folder / file).write_text(f"{value}\n", encoding="utf-8")
        return {"file": file}


@contextlib.contextmanager
def make_context(plugin: str, sandbox: Sandbox, folder: Path, **settings: Value) -> Iterator[Context]:
    """Open a real context, for tests that need nothing else; see `Trial`."""
    with Trial(plugin, sandbox, folder, settings) as trial:
        yield trial.context


def _wait_while_not_yet(call: Callable[[], T]) -> T:
    # The pauses count, not the clock: a busy machine tries as often.
    left = NOT_YET_TIMEOUT_SECONDS
    while True:
        try:
            return call()
        except NotYet as pause:
            if pause.retry_after is None or pause.retry_after > left:
                raise
            left -= max(pause.retry_after, SHORTEST_PAUSE_SECONDS)
            time.sleep(pause.retry_after)
