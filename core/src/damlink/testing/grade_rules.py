"""Rules of the grade on a plugin's distribution and code, beside those of the kit."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import inspect
import re
import typing
from collections.abc import Callable
from importlib.metadata import PackageMetadata
from pathlib import Path
from typing import Final

from damlink._config.settings import fields_of
from damlink._plugin.discovery import find
from damlink._plugin.loader import load
from damlink._plugin.shape import HOOKS
from damlink._secret import Secret
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, Rule, rule
from damlink.testing.watch import Seen, changes_of, globals_of, watch

__all__ = ["GRADE_RULES"]

GRADE_RULES: Final[dict[str, Rule]] = {}
"""Every rule by its id that only the grade tries."""

SHORTEST_README: Final = 200
_SECRET_WORDS: Final = re.compile(r"(^|_)(password|secret|token|api_key|private_key|passphrase)$")
_CORE: Final = re.compile(r"damlink\s*(\[[^]]*\])?\s*\(?[<>=~!]")


_grade_rule: Final = functools.partial(rule, among=GRADE_RULES)
_static_rule: Final = functools.partial(_grade_rule, is_static=True)


def _facts(case: Case) -> PackageMetadata:
    return importlib.metadata.metadata(find(case.plugin).distribution)


def _package(case: Case) -> str:
    return find(case.plugin).module.partition(".")[0]


# --- the distribution ------------------------------------------------------------------------------


@_static_rule(
    "distribution.summary",
    proves="The distribution says in one sentence what it does, as `damlink plugins` shows.",
    cure="set `description` in pyproject.toml",
)
def require_summary(case: Case) -> None:
    """Read the summary."""
    if not (_facts(case)["Summary"] or "").strip():
        raise BrokenRuleError("it has no summary")


@_static_rule(
    "distribution.readme",
    proves="The distribution has a README.",
    cure='write README.md, and set `readme = "README.md"` in pyproject.toml',
)
def require_readme(case: Case) -> None:
    """Read the description, which is the README."""
    facts = _facts(case)
    text = facts["Description"] or str(facts.get_payload() or "")  # type: ignore[attr-defined]
    if len(text.strip()) < SHORTEST_README:
        raise BrokenRuleError(f"its README has fewer than {SHORTEST_README} characters")


@_static_rule(
    "distribution.python",
    proves="An installer knows which Python the plugin needs.",
    cure='set `requires-python = ">=3.11"` in pyproject.toml',
)
def require_python(case: Case) -> None:
    """Read the versions of Python."""
    if not _facts(case)["Requires-Python"]:
        raise BrokenRuleError("it names no version of Python")


@_static_rule(
    "distribution.core-range",
    proves="An installer knows which versions of Damlink the plugin fits.",
    cure='write a range in the dependencies, such as "damlink>=0.1,<1"',
)
def require_core_range(case: Case) -> None:
    """Read the dependencies."""
    needs = _facts(case).get_all("Requires-Dist") or []
    if not any(_CORE.match(each) for each in needs):
        raise BrokenRuleError("no dependency names a range of damlink")


@_static_rule(
    "distribution.licence",
    proves="Everyone knows under which licence the plugin may be used.",
    cure="set `license` in pyproject.toml, and install the plugin again",
)
def require_licence(case: Case) -> None:
    """Read the licence."""
    facts = _facts(case)
    classifiers = facts.get_all("Classifier") or []
    named = facts["License-Expression"] or facts["License"] or facts["License-File"]
    if not named and not any(each.startswith("License ::") for each in classifiers):
        raise BrokenRuleError("it names no licence")


@_static_rule(
    "distribution.typed",
    proves="A type checker reads the types of the plugin.",
    cure="put an empty file py.typed into the package",
)
def require_types_mark(case: Case) -> None:
    """Look for the file py.typed."""
    spec = importlib.util.find_spec(_package(case))
    origin = Path(spec.origin or "") if spec else Path()
    if not origin.with_name("py.typed").exists():
        raise BrokenRuleError(f"{_package(case)} has no py.typed")


# --- the code --------------------------------------------------------------------------------------


@_static_rule(
    "settings.secret",
    proves="What must not be seen is a `Secret`, so that no log and no form shows it.",
    cure="give the setting the type Secret",
)
def keep_secrets_as_such(case: Case) -> None:
    """Read the types of the settings."""
    fields = fields_of(load(find(case.plugin)).settings_class)
    plain = [each.name for each in fields if _SECRET_WORDS.search(each.name) and not _is_secret(each.type)]
    if plain:
        raise BrokenRuleError(f"no Secret: {', '.join(plain)}")


def _is_secret(hint: object) -> bool:
    return hint is Secret or Secret in typing.get_args(hint)


@_grade_rule(
    "code.own-http",
    proves="Every connection goes by `ctx.http`: limits, repetitions, redaction and stops hold for it.",
    cure="send the request by ctx.http",
)
def connect_by_the_core(case: Case) -> None:
    """Carry everything, and watch connections."""
    _require_none(_carry_all(case), "socket.connect")


@_grade_rule(
    "code.own-sleep",
    proves="No hook blocks its thread by a pause, which no stop could end.",
    cure="wait by ctx.http.pause(seconds), or raise NotYet with the seconds to wait",
)
def pause_by_the_core(case: Case) -> None:
    """Carry everything, and watch pauses."""
    _require_none(_carry_all(case), "time.sleep")


def _require_none(seen: Seen, event: str) -> None:
    if places := seen.places[event]:
        raise BrokenRuleError(places[0])


@_grade_rule(
    "code.no-globals",
    proves="Nothing is kept in variables of a module: several connectors and threads do not meet there.",
    cure="keep it in ctx.state, which is durable and separate for each connector",
)
def change_no_global(case: Case) -> None:
    """Compare the variables of the modules before and after a run."""
    before = globals_of(_package(case))
    _carry_all(case)
    if changed := changes_of(before, globals_of(_package(case))):
        raise BrokenRuleError(f"a run changes {', '.join(changed)}")


@_static_rule(
    "code.annotated",
    proves="Every hook names the types of its arguments and of its result, so that a checker finds mistakes.",
    cure="write the types as docs/reference/hooks.md shows them",
)
def annotate_hooks(case: Case) -> None:
    """Read the signatures of the hooks."""
    module = importlib.import_module(find(case.plugin).module)
    bare = [name for name in HOOKS if (hook := getattr(module, name, None)) and not _has_types(hook)]
    if bare:
        raise BrokenRuleError(f"no types: {', '.join(bare)}")


def _has_types(hook: Callable[..., object]) -> bool:
    signature = inspect.signature(hook)
    given = [each.annotation for each in signature.parameters.values()]
    return inspect.Signature.empty not in (*given, signature.return_annotation)


def _carry_all(case: Case) -> Seen:
    """List and carry everything, and return what the plugin's code has done meanwhile."""
    with watch(_package(case)) as seen:
        case.trial.run()
    return seen
