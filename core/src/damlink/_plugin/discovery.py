"""Installed plugins, found by their metadata alone: no plugin is imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Final, NamedTuple

from damlink._plugin.installed import EntryPoint, entry_points
from damlink._version import __version__
from damlink.errors import PluginLoadError

__all__ = ["EXTENSION_GROUP", "GROUP", "PluginInfo", "find", "list_plugins"]

GROUP: Final = "damlink"
EXTENSION_GROUP: Final = "damlink.extensions"


class PluginInfo(NamedTuple):
    """One installed plugin.

    Attributes:
        problem: why it cannot be used, or empty.
    """

    name: str
    distribution: str
    version: str
    module: str
    summary: str = ""
    problem: str = ""


def list_plugins(group: str = GROUP) -> list[PluginInfo]:
    """Return every plugin that is installed, by name; a broken one with its problem.

    Args:
        group: the entry-point group to read.
    """
    found = {_info(point) for point in entry_points(group)}
    return [_with_rivals(info, found) for info in sorted(found)]


def find(name: str, place: str = "", group: str = GROUP) -> PluginInfo:
    """Return the plugin, or the extension, of a name.

    Args:
        place: where the name stands, for the error.
        group: the entry-point group to search.

    Raises:
        PluginLoadError: there is none, two have the name, or it cannot be used.
    """
    from damlink._system.suggest import suggest

    kind = "plugin" if group == GROUP else "extension"
    plugins = list_plugins(group)
    for info in plugins:
        if info.name == name:
            if info.problem:
                raise PluginLoadError(f"{kind} {name!r} ({info.distribution}): {info.problem}")
            return info
    hint = suggest(name, (info.name for info in plugins)) or f"pip install damlink-{name}"
    said = f"{place}: no {kind} {name!r} is installed" if place else f"no {kind} {name!r} is installed"
    raise PluginLoadError(said, hint=hint)


def _info(point: EntryPoint) -> PluginInfo:
    facts = point.facts()
    name, version, summary = (facts.get(field, [""])[0] for field in ("Name", "Version", "Summary"))
    problem = _missing(point.value.partition(":")[0].strip()) or _range(facts.get("Requires-Dist", ()))
    return PluginInfo(point.name, name, version, point.value, summary, problem)


def _missing(module: str) -> str:
    """Look for the file; importing a parent package is as far as this goes."""
    top, _, rest = module.partition(".")
    spec = importlib.util.find_spec(top) if top else None
    if spec is None:
        return f"its module {module} is missing; reinstall it"
    locations = spec.submodule_search_locations
    if rest and locations is not None and not _exists(rest, list(locations)):
        return f"its module {module} is missing; reinstall it"
    return ""


def _exists(dotted: str, locations: Iterable[str]) -> bool:
    from importlib.machinery import PathFinder

    found = None
    for part in dotted.split("."):
        found = PathFinder.find_spec(part, list(locations))
        if found is None:
            return False
        locations = found.submodule_search_locations or ()
    return found is not None


def _range(requires: Iterable[str]) -> str:
    # Without the marker: CPython 3.11 cannot parse its quoted texts in two threads at a time.
    own = {text.partition(";")[0].strip() for text in requires if text.startswith("damlink")} - {"damlink"}
    if not own:
        return ""
    # Imported here, because `--help` must start fast and does not need it.
    from packaging.requirements import InvalidRequirement, Requirement

    for text in sorted(own):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.name == "damlink" and not requirement.specifier.contains(
            __version__, prereleases=True
        ):
            return (
                f"it needs damlink {requirement.specifier}, and this is {__version__}; update one of the two"
            )
    return ""


def _with_rivals(info: PluginInfo, plugins: Iterable[PluginInfo]) -> PluginInfo:
    rivals = sorted(other.distribution for other in plugins if other.name == info.name)
    if len(rivals) == 1:
        return info
    return info._replace(problem=f"{' and '.join(rivals)} share the name; uninstall one of them")
