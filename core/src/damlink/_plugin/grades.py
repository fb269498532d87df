"""The last grade of each plugin, in a file of its own in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from damlink._system.state_folder import state_folder
from damlink._version import __version__

if TYPE_CHECKING:
    from damlink._plugin.discovery import PluginInfo

__all__ = ["keep_grade", "last_grade"]


def keep_grade(info: PluginInfo, grade: str) -> None:
    """Keep the grade of a plugin in its present version.

    Raises:
        OSError: the state folder cannot be written.
    """
    from damlink._system.private_files import make_folder
    from damlink._system.whole_file import replacing

    path = _path(info)
    make_folder(path.parent)
    with replacing(path) as file:
        file.write(json.dumps(_versions(info) | {"grade": grade}).encode())


def last_grade(info: PluginInfo) -> str:
    """Return the grade that was kept for this version, by the rules of this core; empty if there is none."""
    try:
        kept = json.loads(_path(info).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    fits = isinstance(kept, dict) and _versions(info).items() <= kept.items()
    return str(kept.get("grade", "")) if fits else ""


def _versions(info: PluginInfo) -> dict[str, str]:
    return {"distribution": info.distribution, "version": info.version, "damlink": __version__}


def _path(info: PluginInfo) -> Path:
    # Any other character of a name could lead out of the folder.
    name = "".join(each if each.isalnum() or each in "-_" else f"%{ord(each):x}" for each in info.name)
    return state_folder() / "grades" / f"{name}.json"
