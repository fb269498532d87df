"""Rules on the plugin itself and on its settings."""

from __future__ import annotations

import json

from damlink._config.schema import json_schema
from damlink._config.tables import CONNECTOR_KEYS
from damlink._plugin.discovery import find
from damlink._plugin.loader import load
from damlink.errors import ConfigError
from damlink.testing.case import Case
from damlink.testing.rule import BrokenRuleError, rule
from damlink.testing.trial import Trial


@rule(
    "plugin.loads",
    proves="The plugin is installed, its name unique, and its hooks have the right signatures.",
    cure="write the hook as the message says; docs/reference/hooks.md has them all",
    is_static=True,
)
def load_plugin(case: Case) -> None:
    """Load the plugin by its entry point."""
    if problem := load(find(case.plugin)).info.problem:
        raise BrokenRuleError(problem)


@rule(
    "settings.described",
    proves="Every setting has a help text, and the JSON Schema fits a working connector.",
    cure="give each setting a help text, and let the stand-in's connector() set what is required",
)
def describe_settings(case: Case) -> None:
    """Compare the schema with the stand-in's connector."""
    schema = json.loads(json.dumps(json_schema(case.trial.connector.settings_class, case.plugin)))
    properties = schema["properties"]
    given = case.part.connector().keys() - set(CONNECTOR_KEYS)
    if silent := [name for name, each in properties.items() if not each["description"]]:
        raise BrokenRuleError(f"no help text: {', '.join(silent)}")
    if unset := set(schema["required"]) - given:
        raise BrokenRuleError(f"required, but not in the stand-in's connector(): {', '.join(sorted(unset))}")
    if unknown := given - properties.keys():
        raise BrokenRuleError(f"in the stand-in's connector(), but no setting: {', '.join(sorted(unknown))}")


@rule(
    "settings.unknown-key",
    proves="A misspelt setting is an error that names its place.",
    cure="declare the settings as an attrs class with setting(), and take no others",
)
def refuse_unknown_setting(case: Case) -> None:
    """Open a connector with an unknown key."""
    folder = case.trial.folder / "unknown-key"
    folder.mkdir()
    try:
        with Trial(case.plugin, case.sandbox, folder, {"no_such_setting": True}):
            pass
    except ConfigError as error:
        if f"connectors.{case.plugin}.no_such_setting: unknown" in str(error):
            return
        raise BrokenRuleError(f"the error does not name it: {error}") from error
    raise BrokenRuleError("a misspelt setting is ignored")
