"""Open what a config names: database, portals, clients, contexts. The only module that connects them."""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from damlink._config.duration import Duration
from damlink._config.load import Config, opener
from damlink._config.parse import SecretOpener, parse
from damlink._http.lanes import Lanes
from damlink._http.pace import Pace, default_path
from damlink._http.rate_limiter import RateLimiter
from damlink._run.report import RunListener
from damlink._system.waiting import Verify, verify_nothing
from damlink.errors import ArgumentError, ConfigError, StateError

# A command that does not use a part does not import its libraries either.
if TYPE_CHECKING:
    import httpx

    from damlink._config.tables import ConnectorConfig, PortalConfig
    from damlink._context import ReadOnlyLedger, State
    from damlink._http.client import Client
    from damlink._http.connection import Connection
    from damlink._http.redact import SentRequest
    from damlink._plugin.hooks import Plugin
    from damlink._run.notify import Notifier
    from damlink._run.runtime import ConnectorRuntime, ParsedConnector
    from damlink._secrets.crypto import Cipher
    from damlink._secrets.store import SecretStore
    from damlink._state.credentials import Credentials
    from damlink._state.database import Database
    from damlink.bynder import Portal

__all__ = ["Session"]

# Values of portals are stored as those of a connector with this name, which no connector can have.
PORTALS: Final = "damlink.portals"
KEY_CHECK = "key"  # a credential that only the right key can decrypt


class Session:
    """Context manager of everything that a config names; each part is opened at its first use.

    Args:
        keeps: whether the database may be created; `plan` and `check` leave no trace.
        keeps_tokens: whether the database may be created for an access token, so that the next command
            needs no other one.
        now: the clock.
        database: of another session, to share it; that session closes it.
        pace: of another session, to share it; that session closes it.
        urgent: its requests to Bynder are for events or checks; see `Pace`.
        worker: the number of the worker whose requests these are.
        on_request: called with every request to a portal or a partner, secrets redacted.
    """

    def __init__(
        self,
        config: Config,
        *,
        keeps: bool = True,
        keeps_tokens: bool = False,
        listener: RunListener | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        database: Database | None = None,
        pace: RateLimiter | None = None,
        urgent: bool = False,
        worker: int | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
    ) -> None:
        self.config = config
        self._on_request = on_request
        self.now = now
        self.listener = listener or RunListener()
        self._keeps = self._creates = keeps
        self._shared_database, self._shared_pace = database, pace
        self._keeps_tokens = keeps_tokens
        self._urgent, self._worker = urgent, worker
        self._closing = contextlib.ExitStack()

    @property
    def keeps(self) -> bool:
        """True if the session may write."""
        return self._keeps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def follow(self, config: Config) -> None:
        """Use another version of the config from now on. The database stays open."""
        self.config = config
        for name in ("pace", "notifier", "connection"):
            # To delete the attribute clears a cached property; it raises if nothing is cached.
            with contextlib.suppress(AttributeError):
                delattr(self, name)

    # --- shared by all connectors ------------------------------------------------------------------

    @functools.cached_property
    def database(self) -> Database:
        """The database.

        Raises:
            StateError: it cannot be used, or there is none and none may be created.
        """
        from damlink._state.database import Database

        if self._shared_database is not None:
            return self._shared_database
        database = Database(self.config.state.url, self.config.folder, create=self._creates, now=self.now)
        self._closing.callback(database.close)
        return database

    @property
    def has_database(self) -> bool:
        """True if there is a database, or one may be created."""
        from damlink._state.database import UnpreparedError

        try:
            return bool(self.database)
        except UnpreparedError:
            return False

    @functools.cached_property
    def pace(self) -> RateLimiter:
        """The rate limiter of all requests to Bynder: of this machine, or of all behind one address."""
        if self._shared_pace is not None:
            return self._shared_pace
        pace = self._open_pace()
        self._closing.callback(pace.close)
        return pace

    def _open_pace(self) -> RateLimiter:
        from damlink._state.database import is_sqlite

        given, on_hold = self.config.pace, self.listener.on_rate_limit
        limits = (given.requests, given.seconds, given.share)
        if is_sqlite(self.config.state.url) or not self.has_database:
            return Pace(default_path(), *limits, on_hold, urgent=self._urgent)
        if self._urgent and self._worker is not None:
            # A worker carries what events have made due beside what listings have.
            return Lanes(self._open_shared_pace(urgent=True), self._open_shared_pace(urgent=False))
        return self._open_shared_pace(urgent=self._urgent)

    def _open_shared_pace(self, *, urgent: bool) -> RateLimiter:
        from damlink._state.shared_pace import SharedPace

        given = self.config.pace
        limits = (given.requests, given.seconds, given.share)
        return SharedPace(
            self.database,
            given.address,
            *limits,
            self.listener.on_rate_limit,
            urgent=urgent,
            worker=self._worker,
            count_earlier=lambda: _count_sent(*limits),
        )

    @functools.cached_property
    def connection(self) -> Connection:
        """The connection of requests to portals and partners.

        Raises:
            ConfigError: they cannot leave from the address of the config.
        """
        from damlink._http.connection import Connection

        try:
            return Connection(local_address=self.config.http.local_address or None)
        except ArgumentError as error:
            place = f"{self.config.path}: http.local_address"
            raise ConfigError(place, str(error.args[0]), hint=error.hint) from error

    @functools.cached_property
    def cipher(self) -> Cipher:
        """The cipher of what the database encrypts.

        Raises:
            StateError: its key is not the key of the database.
        """
        from damlink._secrets.crypto import Cipher, new_key
        from damlink._secrets.key import find_key
        from damlink._state.key_lock import using_key
        from damlink._state.sealed import credential_name

        if self._keeps or self.has_database:
            self._closing.enter_context(using_key(self.database))
        sealed = self.credentials.load(KEY_CHECK) if self._keeps or self.has_database else None
        cipher = Cipher(*find_key(self.config.folder, new_key if sealed is None else _no_new_key))
        if sealed is not None:
            cipher.open(sealed, credential_name(KEY_CHECK))
        elif self._keeps or self.has_database:
            self.credentials.save(KEY_CHECK, cipher.seal(KEY_CHECK.encode(), credential_name(KEY_CHECK)))
        return cipher

    @functools.cached_property
    def credentials(self) -> Credentials:
        """The encrypted credentials."""
        from damlink._state.credentials import Credentials

        return Credentials(self.database)

    @property
    def secrets(self) -> SecretStore:
        """The secrets in the database."""
        from damlink._secrets.store import SecretStore

        return SecretStore(self.credentials, lambda: self.cipher)

    @property
    def opener(self) -> SecretOpener:
        """The function that opens the secret references of the config."""
        return opener(self.config.path, lambda name: self.secrets.get(name))

    @functools.cached_property
    def notifier(self) -> Notifier:
        """The sender of the notifications of `[notify]`.

        Raises:
            ConfigError: an address is not supported, or cannot be opened.
        """
        from damlink._run.notify import Notifier

        config = self.config.notify
        return Notifier(config.open(self.opener).urls, f"{config.place}.urls")

    # --- one portal, one connector -----------------------------------------------------------------

    def open_portal(
        self,
        name: str,
        verify_before_send: Callable[[], None] | None = None,
        listener: RunListener | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
        settings: PortalConfig | None = None,
    ) -> Portal:
        """Open a portal of the config.

        Args:
            settings: of the portal, if they are parsed already.
        """
        from damlink.bynder import Portal

        config = self.config.portal(name)
        settings = settings or config.open(self.opener)
        auth = self.portal_auth(name, verify_before_send or verify_nothing, settings)
        portal = Portal(
            settings.url,
            auth,
            pace=self.pace,
            brand=settings.brand,
            index_lag=settings.index_lag,
            uploads=settings.uploads,
            place=config.place,
            on_bytes=(listener or self.listener).on_bytes,
            verify_before_send=verify_before_send,
            on_request=on_request or self._on_request,
            open_memory=lambda: self._values(PORTALS),
            local_address=self.connection.local_address,
        )
        self._closing.callback(portal.close)
        return portal

    def portal_auth(
        self, name: str, verify: Verify = verify_nothing, settings: PortalConfig | None = None
    ) -> httpx.Auth:
        """Return the authentication of a portal; its tokens are stored."""
        from damlink._secrets.portal_auth import portal_auth

        auth = portal_auth(settings or self.config.portals[name].open(self.opener))
        self._take_custody(auth, verify, name)
        return auth

    def load_plugin(self, name: str) -> Plugin:
        """Load the plugin behind a connector."""
        from damlink._plugin.discovery import find
        from damlink._plugin.loader import load

        config = self.config.connector(name)
        return load(find(config.plugin, f"{config.place}.plugin"), name)

    def parse_settings(self, name: str, plugin: Plugin) -> Any:
        """Parse the plugin's own settings of a connector."""
        config = self.config.connector(name)
        plugin.check_exclusive(config, self.config.connectors.values())
        return parse(plugin.settings_class, config.settings, config.place, self.opener)

    def check(self, name: str) -> ParsedConnector:
        """Parse all settings that a run of a connector uses; open nothing else.

        Raises:
            ConfigError: a setting is wrong, or a secret cannot be opened.
            PluginLoadError: the plugin cannot be used.
        """
        _ = self.notifier
        return self._parse(name)

    def _parse(self, name: str) -> ParsedConnector:
        from damlink._run.runtime import ParsedConnector

        config = self.config.connector(name)
        plugin = self.load_plugin(name)
        settings = self.parse_settings(name, plugin)
        if config.metadata or config.extensions:
            from damlink._plugin.extensions import load_extensions

            plugin.extend(load_extensions(config, plugin.about, self.opener))
        return ParsedConnector(config, plugin, settings, self.config.portals[config.portal].open(self.opener))

    def open_connector(
        self,
        name: str,
        verify_before_send: Callable[[], None] | None = None,
        listener: RunListener | None = None,
        parsed: ParsedConnector | None = None,
    ) -> ConnectorRuntime:
        """Open everything that one connector needs.

        Args:
            verify_before_send: called before every request of this connector; raises to stop it.
            listener: receives the progress of its uploads.
            parsed: the result of `check`, so that nothing is parsed a second time.

        Raises:
            ConfigError: a setting is wrong, or a secret cannot be opened.
            PluginLoadError: the plugin cannot be used.
        """
        from damlink._context import Context
        from damlink._run.progress import ProgressMeter
        from damlink._run.runtime import ConnectorLog, ConnectorRuntime

        parsed = parsed or self._parse(name)
        config, plugin, settings = parsed.config, parsed.plugin, parsed.settings
        portal = self.open_portal(config.portal, verify_before_send, listener, settings=parsed.portal)
        context = Context(
            connector=name,
            settings=settings,
            http=self._partner_client(settings, verify_before_send),
            bynder=portal,
            state=self._values(name),
            ledger=self._deliveries(name),
            log=ConnectorLog(logging.getLogger("damlink.connector"), {"connector": name}),
            now=self.now,
            progress=ProgressMeter(listener or self.listener),
        )
        auth = plugin.authenticate(context)
        self._take_custody(auth, verify_before_send or verify_nothing, name)
        context.http.sign_with(auth)
        context.http.classify_with(plugin.classify)
        every = plugin.about.every
        return ConnectorRuntime(
            config=config,
            plugin=plugin,
            auth=auth,
            context=context,
            portal=portal,
            siblings=self._siblings(config) if plugin.about.once_per_portal else (),
            interval=config.every or (Duration.parse(every) if every else None),
        )

    def _partner_client(self, settings: Any, verify_before_send: Callable[[], None] | None) -> Client:
        from damlink._http.client import open_client

        client = open_client(
            getattr(settings, "api_url", ""),
            requests_per_second=getattr(settings, "requests_per_second", None),
            verify_before_send=verify_before_send,
            connection=self.connection,
        )
        if self._on_request:
            client.tell(self._on_request)
        self._closing.callback(client.close)
        return client

    def _deliveries(self, name: str) -> ReadOnlyLedger:
        from damlink._context import EmptyLedger
        from damlink._state.deliveries import Deliveries

        return Deliveries(self.database, name) if self.has_database else EmptyLedger()

    def _values(self, name: str) -> State:
        from damlink._state.values import ReadOnlyValues, Values

        if self._keeps:
            return Values(self.database, name)
        return ReadOnlyValues(Values(self.database, name) if self.has_database else None)

    def _take_custody(self, auth: object, verify: Verify, name: str) -> None:
        """Store tokens for the next command; rotating refresh tokens even in read-only commands."""
        from damlink._http.token_auth import CustodyAuth
        from damlink._secrets.store import give_custody

        if not isinstance(auth, CustodyAuth):
            return
        auth.name = name
        if (auth.rotates or self._keeps_tokens) and not self._keeps and not self.has_database:
            # A rotated refresh token that is lost cannot be replaced without a person.
            self._creates = True
        if self._keeps or self.has_database:
            give_custody(auth, self.credentials, lambda: self.cipher, verify)

    def _siblings(self, config: ConnectorConfig) -> tuple[str, ...]:
        others: Iterable[ConnectorConfig] = self.config.connectors.values()
        same = (each for each in others if (each.plugin, each.portal) == (config.plugin, config.portal))
        return tuple(each.name for each in same if each.name != config.name)


def _count_sent(*limits: Any) -> int:
    """Return how many requests of the window were sent by the machine's own count."""
    with contextlib.closing(Pace(default_path(), *limits)) as pace:
        return pace.budget().used


def _no_new_key() -> str:
    hint = "put damlink.key back, or set DAMLINK_KEY"
    raise StateError("the key of the database is missing", hint=hint)
