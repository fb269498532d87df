"""A hot folder for the sandbox: a real folder with the partner's files, and a sidecar beside one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from damlink_sandbox import MediaFile, World

__all__ = ["FolderSandbox"]


class FolderSandbox:
    """The folder of one connector. It has no service, since a folder is no server."""

    name = "folder"
    trial_acts = ""
    trial_is_paged = False

    def __init__(self, world: World) -> None:
        self._path = world.folder / "hot"
        self._path.mkdir(parents=True)
        for media in world.media:
            self._put(media)

    def services(self) -> Mapping[str, Any]:
        """Return no service."""
        return {}

    def connector(self) -> Mapping[str, Any]:
        """Return the connector's table."""
        return {"plugin": "folder", "address": str(self._path), "settle": "0s"}

    def secrets(self) -> Iterable[str]:
        """Return no setting."""
        return ()

    def state(self) -> Any:
        """Return the names of the files."""
        return {"files": sorted(str(path.relative_to(self._path)) for path in self._path.rglob("*.*"))}

    def control(self, action: str, body: Mapping[str, Any]) -> Any:
        """Run an action: `put` writes a text file, `describe` a sidecar, `remove` deletes a file."""
        place = self._path / body["file"]
        if action == "put":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(body["text"], "utf-8")
        elif action == "describe":
            Path(f"{place}.json").write_text(json.dumps(body["metadata"]), "utf-8")
        elif action == "remove":
            place.unlink()
        else:
            raise KeyError(action)
        return {}

    def _put(self, media: MediaFile) -> None:
        with (self._path / media.filename).open("wb") as file:
            file.writelines(media.read())
