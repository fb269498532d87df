"""Test kit for plugins: rules that each plugin must keep, as a test class and as a command, and a connector
to test step by step.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from damlink.errors import ConfigError

try:
    import damlink_sandbox  # noqa: F401
except ModuleNotFoundError as error:
    message = f"the tests of plugins need {error.name}"
    raise ConfigError("", message, hint="install damlink-sandbox") from error

if TYPE_CHECKING:
    from damlink._http.retry import no_waiting
    from damlink.testing.case import Case, Subject
    from damlink.testing.contract import ConnectorContract
    from damlink.testing.rule import BrokenRuleError, NotApplicableError, Rule, rule
    from damlink.testing.rules import all_rules
    from damlink.testing.trial import Trial, make_context

__all__ = [
    "BrokenRuleError",
    "Case",
    "ConnectorContract",
    "NotApplicableError",
    "Rule",
    "Subject",
    "Trial",
    "all_rules",
    "make_context",
    "no_waiting",
    "rule",
]

# Imported at their first use: only the test class needs pytest.
_MODULES: Final = {
    "damlink._http.retry": ("no_waiting",),
    "damlink.testing.case": ("Case", "Subject"),
    "damlink.testing.contract": ("ConnectorContract",),
    "damlink.testing.rule": ("BrokenRuleError", "NotApplicableError", "Rule", "rule"),
    "damlink.testing.rules": ("all_rules",),
    "damlink.testing.trial": ("Trial", "make_context"),
}
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}


class _Package(ModuleType):
    """Package whose public names are not hidden by a submodule of the same name, such as `rule`."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import of a submodule sets it as an attribute of its package.
        if not (name in _MODULE_OF and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'damlink.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
