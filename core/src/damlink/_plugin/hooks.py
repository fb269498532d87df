"""Typed calls of one plugin's hooks. The only module that calls pluggy.

A fresh plugin manager holds exactly one plugin, so that a call is always addressed to it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import httpx
import pluggy

from damlink import hookspecs
from damlink._config.settings import fields_of
from damlink._config.tables import ConnectorConfig
from damlink._model import (
    About,
    Cursor,
    Estimate,
    Event,
    Finding,
    PreparedAsset,
    PushResult,
    Removed,
    Skip,
    SourceAsset,
)
from damlink._plugin.border import Border
from damlink._plugin.discovery import PluginInfo
from damlink._plugin.errors import PLUGIN_HINT, name_setting, translate
from damlink._plugin.shape import HOOKS, NoSettings
from damlink._plugin.traces import find_place, package_of
from damlink._plugin.under_way import Call
from damlink._plugin.values import (
    Refused,
    check_cursor,
    check_finding,
    check_prepared,
    check_removed,
    check_source_asset,
    keep_result,
    refuse,
)
from damlink._plugin.wrong_types import check_count, check_iterable, wrong_type
from damlink._system.keepable import NotKeepableError
from damlink.errors import (
    ConfigError,
    ConnectorError,
    DamlinkError,
    PluginBugError,
    UnclearError,
)

if TYPE_CHECKING:
    from damlink._checkpoint import Checkpoint
    from damlink._context import Context

__all__ = ["Plugin"]

T = TypeVar("T")

_END: Final = object()
_log = logging.getLogger("damlink.connector")


class Plugin:
    """Loaded plugin with typed hooks. An exception in a hook is translated into an error of Damlink that
    names the connector, the hook and the source asset.
    """

    def __init__(self, name: str, module: ModuleType, info: PluginInfo) -> None:
        self.name = name
        self.info = info
        self._package = package_of(module.__name__)
        self.settings_class: type[Any] = getattr(module, "settings_class", NoSettings)
        self.about: About = getattr(module, "about", None) or About(title=info.name, summary=info.summary)
        self._checks = [check] if (check := getattr(module, "check", None)) else []
        self._extensions: dict[str, str] = {}
        self._classify = getattr(module, "classify", None)
        self._estimate = getattr(module, "estimate", None)
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._manager.register(module, info.name)
        self._manager.check_pending()
        self.hooks = frozenset(hook for hook in HOOKS if getattr(self._manager.hook, hook).get_hookimpls())

    def extend(self, extensions: Mapping[str, object]) -> None:
        """Wrap `transform` and `push` by extensions. A result passes them in the order given."""
        for name, extension in extensions.items():
            self._manager.register(extension, f"extension {name}")
            self._extensions[package_of(type(extension).__module__)] = name
            self._checks += [check] if (check := getattr(extension, "check", None)) else []

    def authenticate(self, ctx: Context) -> httpx.Auth | None:
        """Return the authentication of the partner's requests."""
        with self._translate_errors("authenticate"):
            auth = self._manager.hook.authenticate(ctx=ctx)
            return cast("httpx.Auth | None", self._expect("authenticate", auth, (httpx.Auth, type(None))))

    def list_source_assets(
        self, ctx: Context, since: str | None
    ) -> Generator[SourceAsset | Removed | Cursor | Refused]:
        """Yield the listing item by item. An item that cannot be stored is refused; the others go on."""
        hook = "list_source_assets"
        if hook not in self.hooks:
            return
        items = self._walk(hook, lambda: self._manager.hook.list_source_assets(ctx=ctx, since=since))
        border = self._translate_errors(hook)
        with contextlib.closing(items):
            for item in items:
                with border:
                    received = self._verify_item(
                        hook, self._expect(hook, item, (SourceAsset, Cursor, Removed))
                    )
                yield received

    def transform(
        self, ctx: Context, source: SourceAsset, previous: PushResult | None, checkpoint: Checkpoint
    ) -> PreparedAsset | Removed | Skip:
        """Return name, metadata and content of one source asset, or why it is not carried."""
        with self._translate_errors("transform", source):
            prepared = self._manager.hook.transform(
                ctx=ctx, source=source, previous=previous, checkpoint=checkpoint
            )
            decided: PreparedAsset | Removed | Skip = self._expect(
                "transform", prepared, (PreparedAsset, Skip, Removed)
            )
            return self._verify("transform", check_prepared, decided)

    def push(
        self,
        ctx: Context,
        prepared: PreparedAsset | Removed,
        source: SourceAsset,
        previous: PushResult | None,
        checkpoint: Checkpoint,
    ) -> PushResult | Removed:
        """Deliver one prepared asset, or carry its removal.

        Raises:
            UnclearError: the result does not identify the asset at the target.
        """
        with self._translate_errors("push", source):
            result = self._manager.hook.push(
                ctx=ctx, prepared=prepared, source=source, previous=previous, checkpoint=checkpoint
            )
            try:
                if isinstance(prepared, Removed) and isinstance(result, Removed):
                    return self._verify("push", check_removed, result)
                given: PushResult = self._expect("push", result, (PushResult,))
                return self._verify("push", keep_result, given)
            except PluginBugError as bug:
                raise UnclearError(f"{bug.args[0]}; the asset may have been delivered") from bug

    def on_event(self, ctx: Context, event: Event) -> Iterator[SourceAsset | Removed]:
        """Yield the source assets that an event makes due, and those that it removes."""
        hook = "on_event"
        begin = functools.partial(self._manager.hook.on_event, ctx=ctx, event=event)
        for item in self._walk(hook, begin, getattr(event, "asset_id", None)):
            with self._translate_errors(hook):
                asset = self._check_item(hook, self._expect(hook, item, (SourceAsset, Removed)))
            yield asset

    def check(self, ctx: Context) -> Iterator[Finding]:
        """Yield the findings of the plugin's own `check`, if it has one, and of its extensions."""
        for check in self._checks:
            for item in self._walk("check", functools.partial(check, ctx)):
                with self._translate_errors("check"):
                    finding = self._verify("check", check_finding, self._expect("check", item, (Finding,)))
                yield finding

    def classify(self, response: httpx.Response) -> ConnectorError | None:
        """Return the error that the plugin makes of the partner's answer; `None` where it has no opinion."""
        with self._translate_errors("classify"):
            error = self._classify(response) if self._classify else None
            return cast(
                "ConnectorError | None", self._expect("classify", error, (ConnectorError, type(None)))
            )

    def estimate(self, ctx: Context, source: SourceAsset) -> Estimate:
        """Return the cost of carrying an asset, as far as the plugin says it."""
        with self._translate_errors("estimate", source):
            found = self._estimate(ctx, source) if self._estimate else Estimate()
            return cast("Estimate", self._expect("estimate", found, (Estimate,)))

    def check_exclusive(self, config: ConnectorConfig, connectors: Iterable[ConnectorConfig]) -> None:
        """Verify that no other connector of the plugin and portal has the same exclusive settings.

        Raises:
            ConfigError: another connector has the same value.
        """
        side = (config.plugin, config.portal)
        others = [each for each in connectors if (each.plugin, each.portal) == side and each is not config]
        for name, switch in self.about.exclusive.items():
            own = self._comparable_value(config, name, switch)
            sharing = [
                each.name for each in others if own == self._comparable_value(each, name, switch) is not None
            ]
            if sharing:
                value = self._value(config, name)
                what = f"{value!r} is that of {sharing[0]} too, and one would overwrite the other"
                raise ConfigError(f"{config.place}.{name}", what, hint="give each connector its own")

    def _comparable_value(self, config: ConnectorConfig, name: str, switch: str) -> Any:
        """Return a setting's value for the comparison of connectors; `None` if it is switched off.

        In a portal, names that differ only in case and blanks are the same.
        """
        value = self._value(config, name) if self._value(config, switch) else None
        return re.sub(r"\W+", "_", value).casefold() if isinstance(value, str) else value

    def _value(self, config: ConnectorConfig, name: str) -> Any:
        """Return a setting's value in the config, or its default."""
        defaults = {field.name: field.default for field in fields_of(self.settings_class)}
        return config.settings.get(name, defaults[name])

    # --- the border ---------------------------------------------------------------------------------

    def _walk(
        self, hook: str, begin: Callable[[], Iterable[Any] | None], source_id: str | None = None
    ) -> Generator[Any]:
        """Yield what a hook yields; translate the errors of its beginning, of each step and of its end."""
        border = self._translate_errors(hook, source_id=source_id)
        with border:
            items = iter(check_iterable(hook, self.info.distribution, begin()))
        try:
            for count in itertools.count(1):
                with border:
                    item = next(items, _END)
                    check_count(hook, self.info.distribution, count)
                if item is _END:
                    return
                yield item
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                with border:
                    close()

    def _verify_item(
        self, hook: str, item: SourceAsset | Removed | Cursor
    ) -> SourceAsset | Removed | Cursor | Refused:
        try:
            checked: SourceAsset | Removed | Cursor = self._check_item(hook, item)
            return checked
        except PluginBugError as bug:
            self._name(bug, hook, None)
            return refuse(item, bug) if isinstance(item, SourceAsset) else Refused(None, None, "", bug)

    def _check_item(self, hook: str, item: Any) -> Any:
        if isinstance(item, SourceAsset):
            return self._verify(hook, check_source_asset, item)
        if isinstance(item, Removed):
            return self._verify(hook, check_removed, item)
        return self._verify(hook, check_cursor, item)

    def _expect(self, hook: str, value: Any, kinds: tuple[type, ...]) -> Any:
        if isinstance(value, kinds):
            return value
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise wrong_type(hook, self.info.distribution, value, wanted)

    def _verify(self, hook: str, check: Callable[[T], T], value: T) -> T:
        try:
            return check(value)
        except NotKeepableError as error:
            gave = f"{hook} of {self.info.distribution} gave {error}"
            raise PluginBugError(gave, hint=PLUGIN_HINT) from error

    def _translate_errors(
        self, hook: str, source: SourceAsset | None = None, source_id: str | None = None
    ) -> Border:
        call = Call(self.name, hook, source.source_id if source else source_id)
        return Border(call, lambda error: self._translate(error, hook, source))

    def _translate(self, error: BaseException, hook: str, source: SourceAsset | None) -> DamlinkError:
        whose, place = self._origin(error)
        translated = translate(error, f"{hook} of {whose}", place)
        if isinstance(translated, PluginBugError):
            _log.debug("%s of %s", hook, whose, exc_info=error)
        name_setting(translated, self.name, self.settings_class)
        self._name(translated, hook, source)
        return translated

    def _origin(self, error: BaseException) -> tuple[str, str]:
        """Return whose code raised an error, and its place there."""
        own = f"{self.info.distribution} {self.info.version}"
        place = find_place(error, {self._package, *self._extensions})
        if place is None:
            return own, ""
        extension = self._extensions.get(package_of(place.module))
        return f"the extension {extension}" if extension else own, str(place)

    def _name(self, error: DamlinkError, hook: str, source: SourceAsset | None) -> None:
        if isinstance(error, ConnectorError):
            error.connector, error.hook = self.name, hook
            error.source_id = source.source_id if source else error.source_id
