"""A deprecated name warns at the plugin's own line, and says since when and until when it works."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from damlink._system.deprecation import Deprecation

OLD: Final = Deprecation("damlink.Old", "damlink.New", "0.3", date(2026, 11, 25))
# What stands in the core for a deprecated function and a deprecated name.
CORE: Final = """
def old():
    OLD.warn()

def call(function):
    return function()

def take_hook(function):
    OLD.warn(function)

def __getattr__(name):
    if name != "Old":
        raise AttributeError(name)
    OLD.warn()
    return old
"""
# The line with the comment is the one that a warning points at.
PLUGINS: Final = {
    "call": "from damlink._old import old\n\nold()  # here\n",
    "call-behind-the-core": "from damlink._old import call, old\n\ncall(\n    lambda: old()  # here\n)\n",
    "import": "import damlink\nfrom damlink._old import Old  # here\n",
    "attribute": "import damlink._old\n\nx = damlink._old.Old  # here\n",
    "hook": "from damlink._old import take_hook\n\ndef hook(ctx):  # here\n    pass\n\ntake_hook(hook)\n",
}


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[tuple[str, int]]]:
    """Import a plugin, and return the places of the warnings."""
    core: Any = types.ModuleType("damlink._old")
    core.OLD = OLD
    exec(CORE, vars(core))
    monkeypatch.setitem(sys.modules, "damlink._old", core)
    monkeypatch.setattr(sys.modules["damlink"], "_old", core, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))

    def import_plugin(source: str) -> list[tuple[str, int]]:
        (tmp_path / "damlink_oldie.py").write_text(source)
        monkeypatch.delitem(sys.modules, "damlink_oldie", raising=False)
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("default")
            importlib.import_module("damlink_oldie")
        assert {each.category for each in found} == {DeprecationWarning}
        return [(Path(each.filename).name, each.lineno) for each in found]

    return import_plugin


@pytest.mark.parametrize("source", PLUGINS.values(), ids=[*PLUGINS])
def test_warning_when_a_plugin_uses_an_old_name_points_at_its_line(
    warned: Callable[[str], list[tuple[str, int]]], source: str
) -> None:
    line = next(number for number, text in enumerate(source.splitlines(), 1) if text.endswith("# here"))
    assert {*warned(source)} == {("damlink_oldie.py", line)}


def test_message_when_written_says_since_until_and_what_to_write() -> None:
    assert OLD.message == (
        "damlink.Old is deprecated since damlink 0.3: write damlink.New. It works until damlink 0.5, and not "
        "less than until 2027-11-25"
    )


@pytest.mark.parametrize(
    ("day", "until"),
    [(date(2028, 2, 29), date(2029, 2, 28)), (date(2026, 12, 31), date(2027, 12, 31))],
)
def test_day_when_a_year_has_passed_is_there(day: date, until: date) -> None:
    assert Deprecation("a", "b", "1.9", day).until_day == until
    assert Deprecation("a", "b", "1.9", day).until == "1.11"
