"""Installed plugins, found by their metadata alone: no plugin is imported."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Iterable
from typing import Final

import attrs

from damlink._system.suggest import suggest
from damlink._version import __version__
from damlink.errors import PluginLoadError

__all__ = ["GROUP", "PluginInfo", "find", "list_plugins"]

GROUP: Final = "damlink"


@attrs.frozen
class PluginInfo:
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
    found = [_info(point) for point in importlib.metadata.entry_points(group=group)]
    # A folder that stands twice on the path is searched twice.
    unique = {(info.name, info.distribution): info for info in found}
    plugins = sorted(unique.values(), key=lambda info: (info.name, info.distribution))
    return [_with_rivals(info, plugins) for info in plugins]


def find(name: str, place: str = "") -> PluginInfo:
    """Return the plugin of a name.

    Args:
        place: where the name stands, for the error.

    Raises:
        PluginLoadError: there is none, two have the name, or it cannot be used.
    """
    plugins = list_plugins()
    for info in plugins:
        if info.name == name:
            if info.problem:
                raise PluginLoadError(f"plugin {name!r} ({info.distribution}): {info.problem}")
            return info
    hint = suggest(name, (info.name for info in plugins)) or f"pip install damlink-{name}"
    said = f"{place}: no plugin {name!r} is installed" if place else f"no plugin {name!r} is installed"
    raise PluginLoadError(said, hint=hint)


def _info(point: importlib.metadata.EntryPoint) -> PluginInfo:
    distribution = point.dist
    name, version = (distribution.name, distribution.version) if distribution else ("unknown", "")
    summary = _summary(distribution) if distribution else ""
    # `point.module` raises if the value is malformed.
    module = point.value.partition(":")[0].strip()
    problem = _missing(module) or _range(distribution.requires if distribution else None)
    return PluginInfo(point.name, name, version, point.value, summary, problem)


def _summary(distribution: importlib.metadata.Distribution) -> str:
    return distribution.metadata["Summary"] or "" if "Summary" in distribution.metadata else ""


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


def _range(requires: Iterable[str] | None) -> str:
    # Imported here, because `--help` must start fast and does not need it.
    from packaging.requirements import InvalidRequirement, Requirement

    for text in requires or ():
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
    rivals = [other.distribution for other in plugins if other.name == info.name]
    if len(rivals) == 1:
        return info
    return attrs.evolve(info, problem=f"{' and '.join(rivals)} share the name; uninstall one of them")
