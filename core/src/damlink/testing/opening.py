"""Opening of a plugin for tests: a sandbox with its stand-in, and a connector on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from damlink._http.retry import no_waiting
from damlink.errors import ConfigError
from damlink.testing.trial import Trial
from damlink_sandbox import MediaFile, Sandbox, Synthetic

__all__ = ["find_stand_in", "open_sandbox", "open_trial", "trial_settings"]


def default_media() -> Sequence[MediaFile]:
    """Return the files that a partner has in a test, if its stand-in does not choose others."""
    photographs = [Synthetic(f"photo-{seed}.jpg", 40_000, "image", seed, 600, 400) for seed in range(6)]
    return [*photographs, Synthetic("drawing.eps", 30_000, "vector", 6), Synthetic("film.mov", 90_000)]


def find_stand_in(plugin: str) -> list[Any]:
    """Return the classes of the plugin's stand-in.

    Raises:
        ConfigError: the plugin has none.
    """
    found = [point.load() for point in entry_points(group="damlink.sandbox", name=plugin)]
    if not found:
        hint = 'name its class in [project.entry-points."damlink.sandbox"], and install it again'
        raise ConfigError("", f"the plugin {plugin!r} has no stand-in to be tested with", hint=hint)
    return found


@contextlib.contextmanager
def open_sandbox(plugin: str, folder: Path, media: Sequence[MediaFile] | None = None) -> Iterator[Sandbox]:
    """Start a portal and the plugin's stand-in, found by its entry point in `damlink.sandbox`.

    Args:
        folder: an empty one for the bytes of both.
        media: the files that the partner has; by default those that its stand-in chooses.

    Raises:
        ConfigError: the plugin has no stand-in.
    """
    found = find_stand_in(plugin)
    files = media if media is not None else getattr(found[0], "trial_media", default_media)()
    with Sandbox(found, folder=folder, media=files) as running:
        part = running.part(plugin)
        prepare = getattr(part, "trial_setup", None) or getattr(part, "furnish", None)
        if prepare:
            prepare(running.parts)
        yield running


def trial_settings(plugin: str, sandbox: Sandbox) -> Mapping[str, Any]:
    """Return the settings that the stand-in wants for a test, in place of those of its connector."""
    chosen: Mapping[str, Any] = getattr(sandbox.part(plugin), "trial_settings", dict)()
    return chosen


@contextlib.contextmanager
def open_trial(
    plugin: str, sandbox: Sandbox, folder: Path, settings: Mapping[str, Any] | None = None
) -> Iterator[Trial]:
    """Open a connector on a database of its own; it repeats requests without waiting.

    Args:
        folder: an empty one.
        settings: by default those that the stand-in wants.
    """
    chosen = trial_settings(plugin, sandbox) if settings is None else settings
    with no_waiting(), Trial(plugin, sandbox, folder, chosen) as trial:
        yield trial
