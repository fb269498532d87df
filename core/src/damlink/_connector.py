"""Load one plugin, check it, and give its hooks types: the only caller of pluggy.

A fresh plugin manager holds exactly one plugin, so that a call is always addressed to it.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import re
from collections.abc import Generator, Iterable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import httpx
import pluggy

from damlink import hookspecs
from damlink._config import ConnectorConfig
from damlink._config_tables import CONNECTOR_KEYS
from damlink._duration import Duration
from damlink._model import About, Cursor, Event, Finding, PreparedAsset, PushResult, Skip, SourceAsset
from damlink._plugins import PluginInfo
from damlink._settings import fields_of
from damlink.errors import (
    ConfigError,
    ConnectorError,
    DamlinkError,
    PluginBugError,
    PluginLoadError,
    TransientError,
)

if TYPE_CHECKING:
    from damlink._context import Checkpoint, Context

__all__ = ["RAW_BYTES", "Connector", "load"]

RAW_BYTES: Final = 64 * 1024
_REQUIRED: Final = ("transform", "push")
_SOURCES: Final = ("list_source_assets", "on_event")
HOOKS: Final = ("authenticate", *_SOURCES, *_REQUIRED)


@attrs.frozen
class _NoSettings:
    """The settings of a plugin that has none."""


class Connector:
    """The typed face of one plugin's hooks. Whatever they raise comes out as one of our errors,
    naming the connector, the hook and the source asset.
    """

    def __init__(self, name: str, module: ModuleType, info: PluginInfo) -> None:
        self.name = name
        self.info = info
        self.settings_class: type[Any] = getattr(module, "settings_class", _NoSettings)
        self.about: About = getattr(module, "about", None) or About(title=info.name, summary=info.summary)
        self._check = getattr(module, "check", None)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(module, info.name)
        self.hooks = frozenset(hook for hook in HOOKS if getattr(self._manager.hook, hook).get_hookimpls())

    def authenticate(self, ctx: Context) -> httpx.Auth | None:
        """How the partner's requests are signed."""
        with self._translated("authenticate"):
            auth = self._manager.hook.authenticate(ctx=ctx)
            return cast("httpx.Auth | None", self._expect("authenticate", auth, (httpx.Auth, type(None))))

    def list_source_assets(self, ctx: Context, since: str | None) -> Generator[SourceAsset | Cursor]:
        """The listing, item by item; errors on any page are translated."""
        with self._translated("list_source_assets"):
            items = self._manager.hook.list_source_assets(ctx=ctx, since=since)
            if items is None:
                return
            with contextlib.closing(_closable(items)) as closable:
                for item in closable:
                    yield self._expect("list_source_assets", _checked(item), (SourceAsset, Cursor))

    def transform(
        self, ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
    ) -> PreparedAsset | Skip:
        """Name, metadata and content of one source asset."""
        with self._translated("transform", source):
            prepared = self._manager.hook.transform(
                ctx=ctx, source=source, previous=previous, checkpoint=checkpoint
            )
            return cast("PreparedAsset | Skip", self._expect("transform", prepared, (PreparedAsset, Skip)))

    def push(
        self,
        ctx: Context,
        prepared: PreparedAsset,
        source: SourceAsset,
        previous: PushResult | None,
        checkpoint: Checkpoint,
    ) -> PushResult:
        """Deliver one prepared asset."""
        with self._translated("push", source):
            result = self._manager.hook.push(
                ctx=ctx, prepared=prepared, source=source, previous=previous, checkpoint=checkpoint
            )
            return cast("PushResult", self._expect("push", result, (PushResult,)))

    def on_event(self, ctx: Context, event: Event) -> Iterator[SourceAsset]:
        """The source assets that an event makes due."""
        with self._translated("on_event"):
            for item in self._manager.hook.on_event(ctx=ctx, event=event) or ():
                yield self._expect("on_event", _checked(item), (SourceAsset,))

    def check(self, ctx: Context) -> Iterator[Finding]:
        """What the plugin itself looks at for `damlink check`; nothing where it has no `check`."""
        with self._translated("check"):
            for finding in self._check(ctx) if self._check else ():
                yield self._expect("check", finding, (Finding,))

    def check_exclusive(self, config: ConnectorConfig, connectors: Iterable[ConnectorConfig]) -> None:
        """Make sure that no other connector of the plugin and portal shares what must be one's own.

        Raises:
            ConfigError: one does.
        """
        side = (config.plugin, config.portal)
        others = [each for each in connectors if (each.plugin, each.portal) == side and each is not config]
        for name, switch in self.about.exclusive.items():
            own = self._in_use(config, name, switch)
            sharing = [each.name for each in others if own == self._in_use(each, name, switch) is not None]
            if sharing:
                value = self._value(config, name)
                what = f"{value!r} is that of {sharing[0]} too, and one would overwrite the other"
                raise ConfigError(f"{config.place}.{name}", what, hint="give each connector its own")

    def _in_use(self, config: ConnectorConfig, name: str, switch: str) -> Any:
        """A setting's value as two connectors' are compared; `None` where it is switched off.

        A name and a label that differ in case and blanks only mean one thing in a portal.
        """
        value = self._value(config, name) if self._value(config, switch) else None
        return re.sub(r"\W+", "_", value).casefold() if isinstance(value, str) else value

    def _value(self, config: ConnectorConfig, name: str) -> Any:
        """A setting's value as the config has it."""
        defaults = {field.name: field.default for field in fields_of(self.settings_class)}
        return config.settings.get(name, defaults[name])

    def _expect(self, hook: str, value: Any, kinds: tuple[type, ...]) -> Any:
        if isinstance(value, kinds):
            return value
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise PluginBugError(f"{hook} of {self.info.distribution} gave {value!r:.80} instead of {wanted}")

    @contextlib.contextmanager
    def _translated(self, hook: str, source: SourceAsset | None = None) -> Iterator[None]:
        try:
            yield
        except (DamlinkError, httpx.HTTPError, json.JSONDecodeError) as error:
            translated = error if isinstance(error, DamlinkError) else _as_transient(error)
            self._name(translated, hook, source)
            if translated is error:
                raise
            raise translated from error
        except Exception as error:
            message = f"{hook} of {self.info.distribution} {self.info.version} raised {type(error).__name__}"
            bug = PluginBugError(f"{message}: {error}", hint="report it to the plugin's author")
            self._name(bug, hook, source)
            raise bug from error

    def _name(self, error: DamlinkError, hook: str, source: SourceAsset | None) -> None:
        if isinstance(error, ConnectorError):
            error.connector, error.hook = self.name, hook
            error.source_id = source.source_id if source else error.source_id


def _as_transient(error: Exception) -> TransientError:
    if isinstance(error, json.JSONDecodeError):
        return TransientError(f"the partner's answer is not JSON: {error}")
    return TransientError(f"the connection broke: {str(error) or type(error).__name__}")


def _closable(items: Any) -> Generator[Any]:
    yield from items


def _checked(item: Any) -> Any:
    """Refuse what the ledger could not keep."""
    if isinstance(item, SourceAsset):
        texts: tuple[object, ...] = (item.source_id, item.fingerprint)
        if not all(isinstance(text, str) and text for text in texts):
            raise TypeError(f"source_id and fingerprint must be text, got {item!r:.200}")
        size = len(json.dumps(dict(item.raw)))
        if size > RAW_BYTES:
            raise ValueError(f"raw of {item.source_id} is {size} bytes of JSON, at most {RAW_BYTES} are kept")
    return item


# --- loading ---------------------------------------------------------------------------------------


def load(info: PluginInfo, name: str | None = None) -> Connector:
    """Import a plugin and check that it keeps the contract.

    Args:
        name: of the connector; the plugin's if not given.

    Raises:
        PluginLoadError: it cannot be imported, or what is wrong with which hook.
    """
    whose = f"plugin {info.name!r} ({info.distribution} {info.version})"
    try:
        module = importlib.import_module(info.module)
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        hint = "reinstall it, or report it to its author"
        raise PluginLoadError(f"{whose} cannot be imported: {cause}", hint=hint) from error
    problem = _hook_problem(module) or _declaration_problem(module)
    if problem:
        raise PluginLoadError(f"{whose}: {problem}")
    try:
        connector = Connector(name or info.name, module, info)
        connector._manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginLoadError(f"{whose}: {error}", hint=f"the hooks are {', '.join(HOOKS)}") from error
    missing = [hook for hook in _REQUIRED if hook not in connector.hooks]
    if missing:
        raise PluginLoadError(
            f"{whose}: it has no hook {missing[0]}", hint=f"define {missing[0]} with @hookimpl"
        )
    if not connector.hooks & set(_SOURCES):
        hint = "define list_source_assets or on_event with @hookimpl"
        raise PluginLoadError(f"{whose}: nothing brings it assets", hint=hint)
    return connector


def _hook_problem(module: ModuleType) -> str:
    marker = f"{hookspecs.PROJECT}_impl"
    for name, member in vars(module).items():
        if not hasattr(member, marker):
            continue
        if name not in HOOKS:
            return f"there is no hook {name!r}; the hooks are {', '.join(HOOKS)}"
        if inspect.isclass(member):
            return f"{name} is a class; write a function"
        if inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member):
            return f"{name} is async; write a plain function"
        if problem := _argument_problem(name, member):
            return problem
    return ""


def _argument_problem(hook: str, function: Any) -> str:
    offered = inspect.signature(getattr(hookspecs, hook)).parameters
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is not parameter.empty:
            return f"{hook} gives {name} a default; remove it, it is always passed"
        if name not in offered:
            return f"{hook} asks for {name!r}; on offer are {', '.join(offered)}"
    return ""


def _declaration_problem(module: ModuleType) -> str:
    settings_class = getattr(module, "settings_class", _NoSettings)
    if not inspect.isclass(settings_class) or not attrs.has(settings_class):
        return "settings_class is no attrs class; decorate it with @attrs.frozen"
    for field in fields_of(settings_class):
        if field.name in CONNECTOR_KEYS:
            return f"the setting {field.name!r} is the core's; give it another name"
    about = getattr(module, "about", None)
    if about is None:
        return ""
    if not isinstance(about, About):
        return "about is no damlink.About"
    return _duration_problem(about.every)


def _duration_problem(text: str | None) -> str:
    try:
        if text is not None:
            Duration.parse(text)
    except ValueError as error:
        return f"about.every: {error}"
    return ""
