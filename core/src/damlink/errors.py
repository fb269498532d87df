"""Every exception of Damlink. The class says what it stops; the run, the service and the CLI ask it.

DamlinkError                 base class; str(error) is one line, with a hint if there is one
    ConfigError              the config is wrong; carries the place
    PluginLoadError          a plugin is missing or breaks the contract of the hooks
    StateError               the database cannot be used
    RunActiveError           another run of this connector holds the lease
    LeaseLostError           another run took the lease: write nothing more
    StoppedError             a person or the system ended the run; the next run continues
    NotYet                   no error, but too early: the row waits
    ConnectorError           carries connector, hook and source_id, filled in by the core
        AuthError            credentials or permissions are missing
        TransientError       repeated; then the row is failed and due again later
            UnavailableError the same, but not repeated within the run
        UnclearError         the effect may have happened: look it up, else the row is uncertain
        AssetRejectedError   the row is rejected
        PluginBugError       raised by the core alone; the traceback goes to the log
        BynderError          the portal refused; carries its status and answer
            ArgumentError    the call is written wrongly; nothing was sent
            BynderAuthError  an AuthError as well
            UploadError      the portal gave up an upload; the row is failed
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

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
    """Return a text without secrets. A plugin may pass a value that is no text, or `None`."""
    return "" if text is None else redact(str(text))


class DamlinkError(Exception):
    """Base class of all errors that are shown in one line. No text of it holds a secret: see `redact`.

    Attributes:
        hint: what to do about it, or empty.
        stops: what it stops: the `asset` alone, the run of the `connector`, or the whole `run`.
        fails_run: whether a run that it stops counts as failed, so that people are notified.
        exit_code: of the process that it stops.
    """

    stops: ClassVar[Literal["asset", "connector", "run"]] = "asset"
    fails_run: ClassVar[bool] = True
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_plain(message))
        self.hint = _plain(hint)

    def __str__(self) -> str:
        message = " ".join(redact(str(self.args[0])).split())
        return f"{message}; {self.hint}" if self.hint else message


class ConfigError(DamlinkError):
    """The config is wrong at a place, such as `damlink.toml: connectors.stock.every`.

    A hook names its own setting, such as `ConfigError("album", "there is no such album")`; the core puts
    `connectors.NAME.` before it.
    """

    stops = "connector"
    exit_code = 3

    def __init__(self, place: str, message: str, *, hint: str = "") -> None:
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.place = place


class PluginLoadError(DamlinkError):
    """A plugin is missing, cannot be imported, or breaks the contract of the hooks."""

    stops = "connector"
    exit_code = 3


class StateError(DamlinkError):
    """The database cannot be used: newer than the code, locked, full, gone.

    Attributes:
        is_away: it has not answered, or not in time, so that the same may succeed later.
    """

    stops = "connector"
    exit_code = 3
    is_away = False


class RunActiveError(DamlinkError):
    """Another run of this connector holds the lease."""

    stops = "connector"
    fails_run = False
    exit_code = 5


class LeaseLostError(DamlinkError):
    """Another run took over this connector while this process was suspended."""

    stops = "connector"
    fails_run = False
    exit_code = 5


class StoppedError(DamlinkError):
    """The run was stopped; the next run continues the unfinished transfers."""

    stops = "run"
    fails_run = False
    exit_code = 130


class NotYet(DamlinkError):  # noqa: N818 - not an error: nothing is wrong
    """Nothing is wrong, but it is too early.

    Args:
        reason: what is being waited for.
        retry_after: seconds until the next attempt; `None`: in the next run. Up to 120 seconds the run
            waits itself, for 15 minutes in all; more than 30 days are 30 days.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = str(self.args[0])
        self.retry_after = retry_after


class ConnectorError(DamlinkError):
    """A connector and the other side could not complete a request.

    Attributes:
        status: the HTTP status of the answer; `None`, as the others, if no answer is the cause.
        request_id: by which the other side's support finds the request.
        body: of the answer, shortened and without secrets.
        headers: of the answer, without secrets; names in lower case.
        answer: the whole answer, where a raw request was refused.
        request: method, route, status and request id of the request that failed; filled in by the core.
        connector: the connector's name; filled in by the core.
        hook: the hook that raised; filled in by the core.
        source_id: the source asset; filled in by the core.
    """

    # Of the class, because an error of a plugin may have a constructor of its own.
    request_id: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, body: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = _plain(body)
        self.answer: object | None = None
        self.request: Mapping[str, Any] | None = None
        self.connector: str | None = None
        self.hook: str | None = None
        self.source_id: str | None = None

    def about(self, earlier: ConnectorError) -> Self:
        """Take over which answer an earlier error is about; return this error."""
        self.status = earlier.status if self.status is None else self.status
        self.body = self.body or earlier.body
        self.request_id, self.headers = earlier.request_id, earlier.headers
        self.request = self.request or earlier.request
        return self


class AuthError(ConnectorError):
    """The credentials were refused, or lack a permission. Stops the connector."""

    stops = "connector"
    exit_code = 4


class TransientError(ConnectorError):
    """A request that may succeed later.

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
    """A request that may succeed in another run, but not at once, such as an expired address."""


class UnclearError(ConnectorError):
    """A request that must not be repeated blindly got no clear answer."""


class AssetRejectedError(ConnectorError):
    """The asset itself is at fault, or the other side refuses it."""


class PluginBugError(ConnectorError):
    """A hook raised an exception that is not of Damlink, or returned the wrong type."""

    exit_code = 3


class BynderError(ConnectorError):
    """The portal refused a request."""


class ArgumentError(BynderError):
    """The arguments of a call are wrong, or exclude each other; nothing was sent."""

    exit_code = 2


class BynderAuthError(BynderError, AuthError):
    """The portal refused the credentials, or they lack a scope or role."""


class UploadError(BynderError):
    """The portal gave up an upload: the conversion failed."""
