"""Every exception of Damlink, grouped by what the run does next.

DamlinkError                   a person sees str(error): one line, then a hint if there is one
ConfigError                  stop before starting; carries the place
PluginLoadError              stop this connector
StateError                   stop before starting: the database cannot be used
RunActiveError               stop before starting: another run of this connector holds the lease
LeaseLostError               stop before the next effect; write nothing more
StoppedError                 the run has been asked to end; the next one goes on
NotYet                       nothing is wrong, it is too early: the row waits
ConnectorError               carries connector, hook and source_id, filled in by the core
AuthError                  stop this connector
TransientError             repeat; then the row is failed and due again later
UnavailableError         the same, but not worth another try at once
UnclearError               it may or may not have happened: settle, else the row is uncertain
AssetRejectedError         the row is rejected, go on
PluginBugError             raised by the core alone; the traceback goes to the log
BynderError                the portal refused; carries its status and words
ArgumentError            the call is written wrongly; nothing was sent
BynderAuthError          an AuthError too
UploadError              an upload that the portal gave up; the row is failed
"""

from __future__ import annotations

from typing import ClassVar

from damlink._secret import redact

__all__ = [
    "ArgumentError",
    "AssetRejectedError",
    "AuthError",
    "BynderAuthError",
    "BynderError",
    "ConfigError",
    "ConnectorError",
    "DamlinkError",
    "LeaseLostError",
    "NotYet",
    "PluginBugError",
    "PluginLoadError",
    "RunActiveError",
    "StateError",
    "StoppedError",
    "TransientError",
    "UnavailableError",
    "UnclearError",
    "UploadError",
]


def _plain(text: object) -> str:
    """Return a text without secrets; what a plugin passes may be none, or nothing."""
    return "" if text is None else redact(str(text))


class DamlinkError(Exception):
    """Anything that a person is told in one line. No text of it holds a secret: see `redact`.

    Attributes:
        hint: what to do about it, or empty.
        exit_code: what the process ends with when this stops it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_plain(message))
        self.hint = _plain(hint)

    def __str__(self) -> str:
        message = " ".join(redact(str(self.args[0])).split())
        return f"{message}; {self.hint}" if self.hint else message


class ConfigError(DamlinkError):
    """The config is wrong at a place, such as `damlink.toml: connectors.stock.every`."""

    exit_code = 3

    def __init__(self, place: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.place = place


class PluginLoadError(DamlinkError):
    """A plugin is missing, cannot be imported, or does not keep the contract of the hooks."""

    exit_code = 3


class StateError(DamlinkError):
    """The database cannot be used: newer than the code, locked, full, gone."""

    exit_code = 3


class RunActiveError(DamlinkError):
    """Another run of this connector holds the lease."""

    exit_code = 5


class LeaseLostError(DamlinkError):
    """Another run has taken this connector over while this one was away."""

    exit_code = 5


class StoppedError(DamlinkError):
    """The run has been asked to end; what is under way goes on in the next one."""

    exit_code = 130


class NotYet(DamlinkError):  # noqa: N818 - not an error: nothing is wrong
    """Nothing is wrong, but it is too early.

    Args:
        reason: what is being waited for.
        retry_after: seconds until it is worth trying again; `None`: in the next run. Up to 120 it is
            waited for within the run, for 15 minutes in all; more than 30 days are 30 days.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = str(self.args[0])
        self.retry_after = retry_after


class ConnectorError(DamlinkError):
    """Something went wrong between a connector and the other side.

    Attributes:
        status: the HTTP status that said so, or `None`.
        body: what the other side wrote, shortened; never a secret of ours.
        answer: the whole answer, where a raw request was refused.
        connector: the connector's name; filled in by the core.
        hook: the hook that raised; filled in by the core.
        source_id: the source asset; filled in by the core.
    """

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, body: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = _plain(body)
        self.answer: object | None = None
        self.connector: str | None = None
        self.hook: str | None = None
        self.source_id: str | None = None


class AuthError(ConnectorError):
    """The credentials were refused, or lack a right. Stops the connector."""

    exit_code = 4


class TransientError(ConnectorError):
    """It may work later.

    Args:
        retry_after: seconds that the other side asked to wait, or `None`.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        hint: str = "",
        status: int | None = None,
        body: str = "",
    ) -> None:
        super().__init__(message, hint=hint, status=status, body=body)
        self.retry_after = retry_after


class UnavailableError(TransientError):
    """It may work in another run, and certainly not at once: an address that has expired."""


class UnclearError(ConnectorError):
    """A request that may not be repeated blindly got no clear answer."""


class AssetRejectedError(ConnectorError):
    """The asset itself is at fault, or the other side will not have it."""


class PluginBugError(ConnectorError):
    """A hook raised something that is none of ours, or returned the wrong type."""

    exit_code = 3


class BynderError(ConnectorError):
    """The portal refused a request."""


class ArgumentError(BynderError):
    """The arguments of a call do not fit, or do not fit together; nothing was sent."""

    exit_code = 2


class BynderAuthError(BynderError, AuthError):
    """The portal refused the credentials, or they lack a scope or role."""


class UploadError(BynderError):
    """The portal gave an upload up: the conversion failed."""
