"""Rules on one asset: how it is prepared and pushed, once and after a crash."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import attrs

from damlink._content import Content
from damlink._model import PreparedAsset, PushResult
from damlink._system.json_record import JsonRecord
from damlink.errors import PluginBugError, UnclearError
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, NotApplicableError, rule
from damlink.testing.trial import IgnoredCheckpointError
from damlink_sandbox import Fault

__all__ = ["facts_of"]


@rule(
    "transform.pure",
    proves="transform leaves the partner's record as it was listed.",
    cure="copy source.raw before you change it: dict(source.raw)",
)
def leave_record(case: Case) -> None:
    """Compare the record before and after."""
    try:
        before = copy.deepcopy(dict(case.source.raw))
        case.prepare().content.close()
    except PluginBugError as error:
        if JsonRecord.__name__ in str(error):
            raise BrokenRuleError(f"transform changes source.raw: {error.args[0]}") from error
        raise
    changed = [name for name in {*before, *case.source.raw} if before.get(name) != case.source.raw.get(name)]
    if changed:
        raise BrokenRuleError(f"transform changes source.raw: {', '.join(sorted(changed))}")


@rule(
    "transform.repeatable",
    proves="A second call, as after a crash, prepares the same and repeats no request that acts.",
    cure="note in the checkpoint what was requested, before it is; and prepare from the record alone",
)
def transform_again(case: Case) -> None:
    """Transform twice."""
    first = facts_of(case.prepare())
    acted = case.count_acts()
    second = facts_of(case.prepare())
    if other := [name for name, value in first.items() if second[name] != value]:
        raise BrokenRuleError(f"a second transform prepares another {', '.join(other)}")
    if case.count_acts() != acted:
        raise BrokenRuleError(f"a second transform requests again: {_more(acted, case.count_acts())}")


@rule(
    "content.reopens",
    proves="The content opens again, with the same bytes, at any offset: an interrupted upload resumes.",
    cure="use Content.from_url, from_path or from_bytes; an open(offset) of your own starts at the offset",
)
def reopen_content(case: Case) -> None:
    """Open the content at the edges and in the middle."""
    with contextlib.closing(case.prepare().content) as content:
        whole = _bytes(content)
        for offset in (0, 1, len(whole) // 2, len(whole) - 1, len(whole)):
            if _bytes(content, max(0, offset)) != whole[max(0, offset) :]:
                raise BrokenRuleError(f"opened again at byte {offset}, the content is another")
        if content.size not in (None, len(whole)):
            raise BrokenRuleError(f"the content says it has {content.size} bytes, and has {len(whole)}")


@rule(
    "content.named",
    proves="The asset has a name, and its file an extension, by which Bynder recognises the type.",
    cure="name the file with its extension: Content.from_url(ctx.http, url, 'photo.jpg')",
)
def name_content(case: Case) -> None:
    """Look at both names."""
    prepared = case.prepare()
    with contextlib.closing(prepared.content) as content:
        if not PurePath(content.filename).suffix:
            raise BrokenRuleError(f"the file {content.filename!r} has no extension")
    if not prepared.name:
        raise BrokenRuleError("the asset has no name")


@rule(
    "push.once",
    proves="A crash right after the delivery causes no second asset.",
    cure="hand `checkpoint` on to ctx.bynder.upload; or note in it what you send, and look there before",
)
def push_once(case: Case) -> None:
    """Transform and push twice, with the checkpoint of the first time."""
    trial, before = case.trial, len(case.targets())
    first = _carry(case)
    noted, acted = trial.list_noted(case.source), case.count_acts()
    second = trial.carry(case.source)
    if not (isinstance(first, PushResult) and isinstance(second, PushResult)):
        raise BrokenRuleError("the source asset of the test is skipped; choose one that is carried")
    made = len(case.targets()) - before
    if case.count_acts() != acted:
        raise BrokenRuleError(f"a second push requests again: {_more(acted, case.count_acts())}")
    if made > 1 and not noted:
        raise BrokenRuleError(f"push ignores its checkpoint: it noted nothing there, and made {made} assets")
    if made > 1:
        raise BrokenRuleError(
            f"push notes {', '.join(noted)} in its checkpoint, but made {made} assets all the same"
        )
    if first.target_id != second.target_id:
        raise BrokenRuleError(f"two pushes of one asset return {first.target_id} and {second.target_id}")
    if made < 1:
        raise BrokenRuleError("nothing arrived at the target; let the stand-in's trial_targets() show it")


@rule(
    "push.findable",
    proves="A save whose answer is lost is looked up in the portal: no asset is doubled or left uncertain.",
    cure="let the source id be one of the tags, or name what marks the asset: ctx.bynder.upload(…, marker=…)",
)
def find_saved(case: Case) -> None:
    """Let the portal save an asset, and lose its answer."""
    source, before = case.source, len(case.targets())
    lost = Fault("portal", "^POST /api/v4/media/(.*/)?save/", kind="cut-after")
    case.sandbox.world.faults.add(lost)
    try:
        case.trial.carry(source)
    except UnclearError as error:
        raise BrokenRuleError(f"after a lost answer {error.args[0].rpartition('; ')[2]}") from error
    if not lost.struck:
        raise NotApplicableError("it saves nothing in the portal")
    if (made := len(case.targets()) - before) != 1:
        raise BrokenRuleError(f"after a save without an answer there are {made} assets")


def _carry(case: Case) -> object:
    try:
        return case.trial.carry(case.source)
    except IgnoredCheckpointError as error:
        raise BrokenRuleError(f"push ignores its checkpoint: {error}") from error


@rule(
    "run.once",
    proves="A run delivers every asset, and a second run none.",
    cure="see the causes; an asset that can never be carried is a Skip or an AssetRejectedError",
)
def run_twice(case: Case) -> None:
    """Run like `damlink run`, twice."""
    due = {source.source_id for source in case.trial.source_assets()}
    outcomes = case.trial.run()
    if bad := set(outcomes) - {"pushed", "skipped", "removed"}:
        raise BrokenRuleError(f"a run leaves assets {', '.join(sorted(bad))}: {outcomes!r}")
    if sum(outcomes.values()) != len(due):
        raise BrokenRuleError(f"{len(due)} assets are listed, and a run ends with {outcomes!r}")
    if again := case.trial.run():
        raise BrokenRuleError(f"a second run carries again: {again!r}")


def facts_of(prepared: PreparedAsset) -> dict[str, Any]:
    """Return all fields of a prepared asset, with the bytes in place of the content."""
    facts = attrs.asdict(prepared, recurse=False)
    with contextlib.closing(prepared.content) as content:
        return facts | {"content": (content.filename, _bytes(content))}


def _bytes(content: Content, offset: int = 0) -> bytes:
    return b"".join(content.open(offset))


def _more(before: Mapping[str, int], after: Mapping[str, int]) -> str:
    return ", ".join(line for line, number in after.items() if number > before.get(line, 0))
