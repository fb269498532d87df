"""The folder for what this user's commands have in common, whatever the config."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["state_folder"]


def state_folder() -> Path:
    """Return `DAMLINK_STATE_DIR`, or the user's state folder; it may not exist yet."""
    folder = os.environ.get("DAMLINK_STATE_DIR")
    if not folder:
        import platformdirs

        folder = platformdirs.user_state_dir("damlink", appauthor=False)
    return Path(folder)
