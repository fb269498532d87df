"""Tries one defect: installs the plugin with it, and lets the kit or the grade find it."""

from __future__ import annotations

import contextlib
import importlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import attrs
from defects.larkspur import install
from defects.table import Defect

from damlink._cli.test import result_line
from damlink.errors import PluginLoadError
from damlink.testing.grade import list_graded_rules
from damlink.testing.rules import all_rules
from damlink.testing.runner import try_rules

__all__ = ["Caught", "catch"]

PLUGIN: Final = "larkspur"
RULES: Final = {rule.id: rule for _, rule in list_graded_rules()}
OF_THE_KIT: Final = frozenset(rule.id for rule in all_rules())


@attrs.frozen
class Caught:
    """What catches a defect, and the line that a person reads; empty if nothing does."""

    by: str
    line: str


def catch(defect: Defect) -> Caught:
    """Install the plugin with a defect, and return what has caught it."""
    with _installed(defect):
        if defect.caught != "load" and defect.caught not in RULES:
            return Caught("", "")
        rules = [RULES[defect.caught]] if defect.caught in RULES else []
        try:
            results = list(try_rules(PLUGIN, rules))
        except PluginLoadError as error:
            return Caught("load", str(error))
    broken = [result for result in results if result.outcome == "broken"]
    command = "damlink test" if defect.caught in OF_THE_KIT else "damlink grade"
    return Caught(command, " ".join(result_line(broken[0]).split())) if broken else Caught("", "")


@contextlib.contextmanager
def _installed(defect: Defect) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="damlink-defect-") as name:
        folder = Path(name)
        install(folder, defect.plugin, metadata=defect.metadata, entry_points=defect.entry_points)
        if not defect.is_typed:
            (folder / "damlink_larkspur/py.typed").unlink()
        if defect.rival:
            rival = defect.metadata.replace("damlink-larkspur", "damlink-larkspur-too")
            install(folder, metadata=rival, distribution="damlink_larkspur_too")
        sys.path.insert(0, name)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(name)
            for module in [each for each in sys.modules if each.partition(".")[0] == "damlink_larkspur"]:
                del sys.modules[module]
