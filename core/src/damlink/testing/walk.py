"""The hooks of one connector that only read, called against the real partner or with recorded answers."""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs

from damlink._checkpoint import FileCheckpoint
from damlink._config.edit import document
from damlink._config.load import Config, load
from damlink._config.location import FILENAME
from damlink._config.references import is_reference
from damlink._config.settings import fields_of, plain
from damlink._context import Context, EmptyLedger
from damlink._http.network import exchanging_by
from damlink._http.pace import Pace
from damlink._http.retry import no_waiting
from damlink._model import PreparedAsset, Removed, Skip, SourceAsset
from damlink._plugin.hooks import Plugin
from damlink._plugin.values import Refused
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._secrets.crypto import new_key
from damlink._secrets.key import KEY_FILE
from damlink._state.values import ReadOnlyValues
from damlink.errors import AssetRejectedError, ConfigError, DamlinkError, NotYet
from damlink.testing.exchanges import EffectRefusedError, NotRecordedError, Recorder, Replayer
from damlink.testing.offline import forbid_connections
from damlink.testing.recording import Recording, Step
from damlink.testing.redaction import Redactor, is_secret_name

__all__ = ["find_connector", "record", "replay"]

# So many of the listed assets are transformed.
TRANSFORMED: Final = 3
_NO_LIMIT: Final = 1_000_000
_PLACEHOLDER: Final = "recorded.secret"


def find_connector(config: Config, plugin: str, name: str | None) -> str:
    """Return the connector of a plugin.

    Args:
        name: of the connector, if the plugin has several.

    Raises:
        ConfigError: there is none, or several, or the named one has another plugin.
    """
    if name is not None:
        found = config.connector(name)
        if found.plugin != plugin:
            raise ConfigError(found.place, f"its plugin is {found.plugin!r}, not {plugin!r}")
        return found.name
    names = [each.name for each in config.connectors.values() if each.plugin == plugin]
    if len(names) == 1:
        return names[0]
    what = (
        f"several connectors have the plugin {plugin!r}"
        if names
        else f"no connector has the plugin {plugin!r}"
    )
    hint = f"choose one: --connector {names[0]}" if names else f"add one: damlink add {plugin}"
    raise ConfigError(str(config.path), what, hint=hint)


def record(config: Config, name: str, *, assets: int, allowed: str, strict: bool) -> Recording:
    """Call the hooks against the real partner, and return all that was exchanged, secrets out.

    Args:
        name: of the connector.
        assets: list so many source assets at most.
        allowed: pattern of "METHOD /path" of requests that only read, whatever their method.
        strict: raise the error of a hook that fails; otherwise the recording tells of it.

    Raises:
        DamlinkError: a hook failed, or the connector cannot be opened.
    """
    now = datetime.now(UTC)
    with Session(config, keeps=False, now=lambda: now) as session, contextlib.ExitStack() as closing:
        portal = config.portal(config.connector(name).portal).open(session.opener)
        parsed = session.check(name)
        redactor = Redactor(_own_addresses(parsed.settings, portal.url))
        _note_secrets(redactor, parsed.settings, config.connector(name).settings)
        _note_secrets(redactor, portal, {})
        recorder = Recorder(redactor, _pattern(allowed))
        closing.enter_context(exchanging_by(recorder))
        runtime = session.open_connector(name, parsed=parsed)
        steps = tuple(_walk(runtime, assets, redactor, strict=strict))
    return Recording(
        plugin=runtime.config.plugin,
        version=runtime.plugin.info.version,
        recorded_at=now.isoformat(),
        assets=assets,
        allowed=allowed,
        connector=name,
        settings=_settings_without_secrets(parsed.settings, runtime.config.settings, redactor),
        portal=portal.url,
        steps=steps,
        exchanges=recorder.exchanges(),
    )


def replay(recording: Recording) -> tuple[tuple[Step, ...], list[str]]:
    """Call the hooks with the recorded answers, and without a network.

    Returns:
        What the hooks did, and the requests that the recording has no answer to.
    """
    now = datetime.fromisoformat(recording.recorded_at)
    with tempfile.TemporaryDirectory(prefix="damlink-replay-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        config = load(_write_config(folder, recording))
        pace = Pace(folder / "pace.db", _NO_LIMIT, share=1.0)
        with (
            contextlib.closing(pace),
            Session(config, keeps=False, now=lambda: now, pace=pace) as session,
            forbid_connections(),
            no_waiting(),
        ):
            parsed = session.check(recording.connector)
            redactor = Redactor(_own_addresses(parsed.settings, recording.portal))
            replayer = Replayer(recording.exchanges, redactor, _pattern(recording.allowed))
            with exchanging_by(replayer):
                runtime = session.open_connector(recording.connector, parsed=parsed)
                runtime.context.http.sign_with(None)
                steps = _walk(runtime, recording.assets, redactor, strict=False)
                return tuple(steps), replayer.missing


def _pattern(allowed: str) -> re.Pattern[str]:
    try:
        return re.compile(allowed or "(?!)")
    except re.error as error:
        raise ConfigError("--allow", f"{allowed!r} is no regular expression: {error}") from error


# --- the hooks -------------------------------------------------------------------------------------


def _walk(runtime: ConnectorRuntime, assets: int, redactor: Redactor, *, strict: bool) -> Iterator[Step]:
    """Call each hook that only reads. The connector's state is empty, as at its first run."""
    plugin = runtime.plugin
    context = attrs.evolve(runtime.context, state=ReadOnlyValues(None), ledger=EmptyLedger())
    call = functools.partial(_call, redactor, strict)
    yield call("check", lambda: _check(plugin, context))
    listed: list[SourceAsset] = []
    if "list_source_assets" in plugin.hooks:
        yield call("list_source_assets", lambda: _list(plugin, context, assets, listed))
    for source in listed[:TRANSFORMED]:
        yield call("transform", functools.partial(_transform, plugin, context, source))


def _call(redactor: Redactor, strict: bool, hook: str, call: Callable[[], Iterator[str]]) -> Step:
    seen, outcome, error = [], "done", ""
    try:
        # One after the other: what was seen before an error counts.
        for each in call():
            seen.append(each)  # noqa: PERF402
    except EffectRefusedError as refused:
        outcome, error = "stopped", refused.args[0]
    except DamlinkError as failed:
        if strict:
            raise
        outcome, error = "failed", str(failed)
    return Step(hook, outcome, tuple(map(redactor.text, seen)), redactor.text(error))


def _check(plugin: Plugin, context: Context) -> Iterator[str]:
    for finding in plugin.check(context):
        if isinstance(finding.error, NotRecordedError | EffectRefusedError):
            raise finding.error
        yield f"{finding.what}: {'ok' if finding.ok else 'wrong'}"


def _list(plugin: Plugin, context: Context, assets: int, listed: list[SourceAsset]) -> Iterator[str]:
    with contextlib.closing(plugin.list_source_assets(context, None)) as items:
        found = (item for item in items if isinstance(item, SourceAsset | Removed | Refused))
        for item in itertools.islice(found, assets):
            if isinstance(item, Refused):
                raise item.error
            if isinstance(item, SourceAsset):
                listed.append(item)
            yield item.source_id if isinstance(item, SourceAsset) else f"{item.source_id} removed"


def _transform(plugin: Plugin, context: Context, source: SourceAsset) -> Iterator[str]:
    yield source.source_id
    try:
        prepared = plugin.transform(context, source, None, FileCheckpoint(None))
    except (AssetRejectedError, NotYet) as error:
        yield type(error).__name__
        return
    # By the public class: a plugin may return one of its own.
    yield next(kind.__name__ for kind in (PreparedAsset, Skip, Removed) if isinstance(prepared, kind))
    if isinstance(prepared, PreparedAsset):
        prepared.content.close()
        yield prepared.name
    else:
        yield prepared.reason


# --- settings --------------------------------------------------------------------------------------


def _own_addresses(settings: Any, portal: str) -> list[str]:
    """Return the addresses that the config names, whose paths open nothing by themselves."""
    values = [getattr(settings, field.name) for field in fields_of(type(settings))]
    return [portal, *(each for each in values if isinstance(each, str) and each.startswith("http"))]


def _note_secrets(redactor: Redactor, settings: Any, table: Mapping[str, Any]) -> None:
    """Show the redactor every secret of a connector, used or not."""
    for field in fields_of(type(settings)):
        value = getattr(settings, field.name)
        for each in value if isinstance(value, tuple | list) else (value,):
            if isinstance(each, Secret):
                redactor.note(each.reveal())
            elif isinstance(each, str) and (
                is_reference(table.get(field.name)) or is_secret_name(field.name)
            ):
                redactor.note(each)


def _settings_without_secrets(settings: Any, table: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the settings of the config, with nothing in place of each secret."""
    return {
        name: _without_references(value, plain(getattr(settings, name)), redactor)
        for name, value in table.items()
    }


def _without_references(value: Any, parsed: Any, redactor: Redactor) -> Any:
    if is_reference(value):
        return {"file": _PLACEHOLDER}
    if isinstance(value, list) and any(is_reference(each) for each in value):
        return [{"file": _PLACEHOLDER} for _ in value]
    return redactor.value(parsed)


def _write_config(folder: Path, recording: Recording) -> Path:
    (folder / KEY_FILE).write_text(new_key(), encoding="ascii")
    (folder / _PLACEHOLDER).write_text("in-place-of-a-secret", encoding="ascii")
    tables = {
        "portals": {"recorded": {"url": recording.portal, "token": {"file": _PLACEHOLDER}}},
        "connectors": {recording.connector: {"plugin": recording.plugin, **recording.settings}},
    }
    path = folder / FILENAME
    path.write_text(document(tables), encoding="utf-8")
    return path
