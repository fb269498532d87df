"""`damlink test` with a recording: write it, replay it, compare it with the partner of today."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from damlink._cli._options import load_config
from damlink._cli._output import echo, print_json

if TYPE_CHECKING:
    from damlink.testing.recording import Recording, Step

__all__ = ["drift", "record", "replay"]

MOST_NAMED = 5


def record(
    plugin: str,
    config_path: Path | None,
    *,
    record: Path,
    connector: str | None,
    assets: int,
    allow: str,
    json_: bool,
    **_: Any,
) -> int:
    """Write a recording of the connector."""
    recording = _record(plugin, config_path, connector, assets, allow, strict=True)
    recording.write(record)
    if json_:
        print_json({"plugin": plugin, "file": str(record), **_report(recording.steps)})
        return 0
    _show(recording.steps)
    echo(f"{record}: {len(recording.exchanges)} exchanges; read it before you pass it on", bold=True)
    return 0


def replay(plugin: str, _config_path: Path | None, *, replay: Path, json_: bool, **_: Any) -> int:
    """Call the hooks with the recorded answers, and compare what they do."""
    from damlink.testing.recording import Recording
    from damlink.testing.walk import replay as call_again

    recording = Recording.read(replay, plugin)
    steps, missing = call_again(recording)
    changed = [
        f"{now.hook}: {difference}"
        for now, before in zip(steps, recording.steps, strict=False)
        if (difference := _difference(now, before))
    ]
    if len(steps) != len(recording.steps):
        changed.append(f"{len(steps)} calls of hooks; recorded: {len(recording.steps)}")
    unknown = [f"not recorded: {line}" for line in dict.fromkeys(missing)]
    passed = not changed and not unknown
    if json_:
        print_json({"plugin": plugin, "passed": passed, "changes": [*changed, *unknown], **_report(steps)})
    else:
        _show(steps)
        for line in (*changed, *unknown):
            echo(f"CHANGED {line}")
        echo(f"{plugin}: {'as recorded' if passed else 'not as recorded'}", bold=True)
    return int(not passed)


def drift(
    plugin: str, config_path: Path | None, *, drift: Path, connector: str | None, json_: bool, **_: Any
) -> int:
    """Record once more, and name the fields that changed. The file stays as it is."""
    from damlink.testing.drift import compare
    from damlink.testing.recording import Recording

    before = Recording.read(drift, plugin)
    now = _record(plugin, config_path, connector, before.assets, before.allowed, strict=False)
    changes = compare(before.exchanges, now.exchanges)
    failed = [each for each in now.steps if each.outcome == "failed"]
    if json_:
        found = [attrs.asdict(each) for each in changes]
        print_json({"plugin": plugin, "changes": found, "failed": [attrs.asdict(each) for each in failed]})
        return int(bool(changes or failed))
    for change in changes:
        echo(f"{change.kind:5} {change.request}: {change.field or 'the answer'} ({change.detail})")
    for step in failed:
        echo(f"{step.hook} failed: {step.error}")
    echo(f"{plugin}: {len(changes) or 'no'} changed fields", bold=True)
    return int(bool(changes or failed))


def _record(
    plugin: str, config_path: Path | None, name: str | None, assets: int, allowed: str, *, strict: bool
) -> Recording:
    config = load_config(config_path)
    from damlink.testing.walk import find_connector, record

    return record(config, find_connector(config, plugin, name), assets=assets, allowed=allowed, strict=strict)


def _report(steps: Iterable[Step]) -> dict[str, Any]:
    return {"steps": [attrs.asdict(each) for each in steps]}


def _difference(now: Step, before: Step) -> str:
    """Return how a step differs from the recorded one, or nothing."""
    if now.outcome != before.outcome:
        return f"{now.outcome}, recorded as {before.outcome}; {now.error}".rstrip("; ")
    new = [f"{each} is new" for each in now.seen if each not in before.seen]
    gone = [f"{each} is gone" for each in before.seen if each not in now.seen]
    if new or gone:
        return ", ".join([*new[:MOST_NAMED], *gone[:MOST_NAMED]])
    return "" if now.seen == before.seen else "another order"


def _show(steps: Iterable[Step]) -> None:
    for step in steps:
        if step.hook == "transform":
            echo(f"{step.hook:20} {step.outcome:8} {' '.join(step.seen)} {step.error}".rstrip())
        else:
            echo(f"{step.hook:20} {step.outcome:8} {len(step.seen)} seen {step.error}".rstrip())
