"""A config becomes open things: the database, portals, clients, contexts. The only place that joins them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import attrs
import httpx

from damlink._config.duration import Duration
from damlink._config.load import Config
from damlink._config.settings import SecretOpener, parse, selection_of
from damlink._config.tables import ConnectorConfig
from damlink._context import Context, State
from damlink._http.client import Client, open_client
from damlink._http.oauth2 import OAuth2
from damlink._http.pace import Pace, default_path
from damlink._http.redact import SentRequest
from damlink._plugin.discovery import find
from damlink._plugin.hooks import Plugin
from damlink._plugin.loader import load
from damlink._run.notify import Notifier
from damlink._run.report import RunListener
from damlink._secrets.crypto import Cipher, new_key
from damlink._secrets.key import find_key
from damlink._secrets.portal_auth import portal_auth
from damlink._secrets.store import SecretStore, give_custody, secret_opener
from damlink._state.credentials import Credentials
from damlink._state.database import Database, UnpreparedError
from damlink._state.key_lock import using_key
from damlink._state.sealed import credential_name
from damlink._state.values import ReadOnlyValues, Values
from damlink._system.waiting import Verify, verify_nothing
from damlink.bynder import Portal
from damlink.errors import StateError

__all__ = ["ConnectorRuntime", "Session"]

KEY_CHECK = "key"  # a credential that only the right key opens


@attrs.frozen(kw_only=True)
class ConnectorRuntime:
    """One connector with everything that it works with, for one run."""

    config: ConnectorConfig
    plugin: Plugin
    auth: httpx.Auth | None
    context: Context
    portal: Portal
    siblings: tuple[str, ...]
    interval: Duration | None

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.config.name

    @property
    def selection(self) -> str:
        """A digest of the settings that decide what is listed."""
        chosen = json.dumps(selection_of(self.context.settings), sort_keys=True, default=str)
        return hashlib.sha256(chosen.encode()).hexdigest()[:16]


class Session:
    """Everything that a config names, opened when it is first needed; a context manager.

    Args:
        keeps: whether the database may be made; without, `plan` and `check` leave no trace.
        keeps_tokens: whether the database may be made for an access token, so that the next command need
            not ask for another.
        now: the clock.
    """

    def __init__(
        self,
        config: Config,
        *,
        keeps: bool = True,
        keeps_tokens: bool = False,
        listener: RunListener | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.config = config
        self.now = now
        self.listener = listener or RunListener()
        self._keeps = keeps
        self._keeps_tokens = keeps_tokens
        self._closing = contextlib.ExitStack()

    @property
    def keeps(self) -> bool:
        """Whether anything may be written."""
        return self._keeps

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def follow(self, config: Config) -> None:
        """Work with another version of the config from now on. The database stays."""
        self.config = config
        for opened in ("pace", "notifier"):
            self.__dict__.pop(opened, None)

    # --- what all connectors share -----------------------------------------------------------------

    @functools.cached_property
    def database(self) -> Database:
        """The database.

        Raises:
            StateError: it cannot be used, or there is none and none may be made.
        """
        database = Database(self.config.state.url, self.config.folder, create=self._keeps)
        self._closing.callback(database.close)
        return database

    @property
    def has_database(self) -> bool:
        """Whether there is a database to work with."""
        try:
            return bool(self.database)
        except UnpreparedError:
            return False

    @functools.cached_property
    def pace(self) -> Pace:
        """How fast requests may leave for Bynder."""
        given = self.config.pace
        pace = Pace(default_path(), given.requests, given.seconds, given.share, self.listener.on_rate_limit)
        self._closing.callback(pace.close)
        return pace

    @functools.cached_property
    def cipher(self) -> Cipher:
        """What encrypts at rest.

        Raises:
            StateError: it is not the key that the database was used with.
        """
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
        return Credentials(self.database)

    @property
    def secrets(self) -> SecretStore:
        """The secrets kept in the database."""
        return SecretStore(self.credentials, lambda: self.cipher)

    @property
    def opener(self) -> SecretOpener:
        """Opens the config's references."""
        return secret_opener(self.config.path, lambda: self.secrets)

    @functools.cached_property
    def notifier(self) -> Notifier:
        """Tells people what `[notify]` says they want to know.

        Raises:
            ConfigError: an address is none, or cannot be opened.
        """
        config = self.config.notify
        return Notifier(config.open(self.opener).urls, f"{config.place}.urls")

    # --- one portal, one connector -----------------------------------------------------------------

    def open_portal(
        self,
        name: str,
        verify_before_send: Callable[[], None] | None = None,
        listener: RunListener | None = None,
        on_request: Callable[[SentRequest], None] | None = None,
    ) -> Portal:
        """Open a portal of the config."""
        config = self.config.portal(name)
        settings = config.open(self.opener)
        auth = self.portal_auth(name, verify_before_send or verify_nothing)
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
            on_request=on_request,
        )
        self._closing.callback(portal.close)
        return portal

    def portal_auth(self, name: str, verify: Verify = verify_nothing) -> httpx.Auth:
        """How requests to a portal are signed, with its tokens in custody."""
        auth = portal_auth(self.config.portals[name].open(self.opener))
        self._take_custody(auth, verify, name)
        return auth

    def load_plugin(self, name: str) -> Plugin:
        """Load the plugin behind a connector."""
        config = self.config.connector(name)
        return load(find(config.plugin, f"{config.place}.plugin"), name)

    def parse_settings(self, name: str, plugin: Plugin) -> Any:
        """The plugin's own settings of a connector."""
        config = self.config.connector(name)
        plugin.check_exclusive(config, self.config.connectors.values())
        return parse(plugin.settings_class, config.settings, config.place, self.opener)

    def check(self, name: str) -> None:
        """Open everything that a connector's config says, and nothing else.

        Raises:
            ConfigError: a setting is wrong, or a secret cannot be opened.
            PluginLoadError: the plugin cannot be used.
        """
        _ = self.notifier
        self.parse_settings(name, self.load_plugin(name))
        self.config.portals[self.config.connector(name).portal].open(self.opener)

    def open_connector(
        self,
        name: str,
        verify_before_send: Callable[[], None] | None = None,
        listener: RunListener | None = None,
    ) -> ConnectorRuntime:
        """Everything one connector works with.

        Args:
            verify_before_send: called before every request of this connector; raises to stop it.
            listener: watches its uploads.

        Raises:
            ConfigError: a setting is wrong, or a secret cannot be opened.
            PluginLoadError: the plugin cannot be used.
        """
        config = self.config.connector(name)
        plugin = self.load_plugin(name)
        settings = self.parse_settings(name, plugin)
        portal = self.open_portal(config.portal, verify_before_send, listener)
        context = Context(
            connector=name,
            settings=settings,
            http=self._partner_client(settings, verify_before_send),
            bynder=portal,
            state=self._values(name),
            log=ConnectorLog(logging.getLogger("damlink.connector"), {"connector": name}),
            now=self.now,
            progress=(listener or self.listener).on_bytes,
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
        client = open_client(
            getattr(settings, "api_url", ""),
            requests_per_second=getattr(settings, "requests_per_second", None),
            verify_before_send=verify_before_send,
        )
        self._closing.callback(client.close)
        return client

    def _values(self, name: str) -> State:
        if self._keeps:
            return Values(self.database, name)
        return ReadOnlyValues(Values(self.database, name) if self.has_database else None)

    def _take_custody(self, auth: object, verify: Verify, name: str) -> None:
        """Keep tokens for the next command, and those that change with each use in any case."""
        if not isinstance(auth, OAuth2):
            return
        auth.name = name
        if (auth.rotates or self._keeps_tokens) and not self._keeps and not self.has_database:
            self.__dict__["database"] = Database(self.config.state.url, self.config.folder)
        if self._keeps or self.has_database:
            give_custody(auth, self.credentials, lambda: self.cipher, verify)

    def _siblings(self, config: ConnectorConfig) -> tuple[str, ...]:
        others: Iterable[ConnectorConfig] = self.config.connectors.values()
        same = (each for each in others if (each.plugin, each.portal) == (config.plugin, config.portal))
        return tuple(each.name for each in same if each.name != config.name)


def _no_new_key() -> str:
    hint = "put damlink.key back, or set DAMLINK_KEY"
    raise StateError("the key of the database is missing", hint=hint)


class ConnectorLog(logging.LoggerAdapter[logging.Logger]):
    """Begins every line with the connector's name."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the name."""
        extra: Mapping[str, object] = self.extra or {}
        return f"{extra['connector']}: {msg}", kwargs
