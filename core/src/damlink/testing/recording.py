"""Recorded exchanges with a partner and a portal, as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs
import cattrs

from damlink._system.whole_file import replacing
from damlink.errors import ConfigError

__all__ = ["Answer", "Exchange", "Recording", "Step"]

FORMAT: Final = 1


@attrs.frozen
class Answer:
    """One recorded answer.

    Attributes:
        body: as text, secrets out. The bytes of a file are not kept.
        bytes: the size of a body that is no text.
    """

    status: int
    headers: dict[str, str] = attrs.field(factory=dict)
    body: str = ""
    bytes: int = 0


@attrs.frozen
class Exchange:
    """One recorded request, and its answer."""

    method: str
    url: str
    answer: Answer
    body: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """The request, as a replay looks for it."""
        return self.method, self.url, self.body


@attrs.frozen
class Step:
    """Result of one call of a hook.

    Attributes:
        hook: `check`, `list_source_assets` or `transform`.
        outcome: `done`, `stopped` before a request that may have an effect, or `failed`.
        seen: one text for each finding, asset or result.
        error: why it stopped or failed.
    """

    hook: str
    outcome: str
    seen: tuple[str, ...] = ()
    error: str = ""


@attrs.frozen(kw_only=True)
class Recording:
    """Everything that a replay needs.

    Attributes:
        recorded_at: the time that the hooks were given, which a replay gives them again.
        assets: number of source assets that were listed at most.
        allowed: pattern of the requests that only read, whatever their method.
        connector: its name.
        settings: the plugin's own; a secret is a reference to nothing.
        portal: the address of the portal.
        steps: what the hooks did.
    """

    format: int = FORMAT
    plugin: str
    version: str
    recorded_at: str
    assets: int
    allowed: str
    connector: str
    settings: dict[str, Any]
    portal: str
    steps: tuple[Step, ...]
    exchanges: tuple[Exchange, ...]

    @classmethod
    def read(cls, path: Path, plugin: str) -> Recording:
        """Read a recording of a plugin.

        Raises:
            ConfigError: there is none, it is of another plugin, or of another version of Damlink.
        """
        hint = f"record it: damlink test {plugin} --record {path}"
        try:
            found = json.loads(path.read_text("utf-8"))
            if found["format"] != FORMAT:
                raise ConfigError(str(path), f"it has the format {found['format']}", hint=hint)
            recording = cattrs.Converter().structure(found, cls)
        except OSError as error:
            raise ConfigError(str(path), error.strerror or "cannot be read", hint=hint) from error
        except (ValueError, TypeError, LookupError, cattrs.BaseValidationError) as error:
            raise ConfigError(str(path), "it is no recording", hint=hint) from error
        if recording.plugin != plugin:
            raise ConfigError(str(path), f"it is a recording of the plugin {recording.plugin!r}")
        return recording

    def write(self, path: Path) -> None:
        """Write it, with one line for each field, so that a version control shows what changed.

        Raises:
            ConfigError: the file cannot be written.
        """
        try:
            with replacing(path) as file:
                file.write(f"{json.dumps(attrs.asdict(self), indent=1, ensure_ascii=False)}\n".encode())
        except OSError as error:
            raise ConfigError(str(path), error.strerror or "cannot be written") from error
