"""The extension `clamav`: what a plugin's `transform` returns is scanned before `push` gets it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import attrs

from damlink import Context, Finding, PreparedAsset, Skip, hookimpl, setting
from damlink.errors import AssetRejectedError, DamlinkError
from damlink_clamav.daemon import Daemon

__all__ = ["ClamAV"]


@attrs.frozen
class ClamAV:
    """Settings of the extension, with the hook that it wraps."""

    address: str = setting(
        default="/run/clamav/clamd.ctl",
        help="Where clamd listens: the path of its socket, or `host:port`.",
    )
    timeout: float = setting(default=120.0, help="Seconds to wait for each answer of clamd.")

    def __attrs_post_init__(self) -> None:
        if self.timeout <= 0:
            raise ValueError("timeout must be more than 0 seconds")

    @hookimpl(wrapper=True)
    def transform(self, ctx: Context) -> Generator[None, PreparedAsset | Skip, PreparedAsset | Skip]:
        """Scan the content of an asset; reject it if clamd finds something."""
        prepared = yield
        if isinstance(prepared, PreparedAsset):
            filename = prepared.content.filename
            if found := self._daemon.scan(prepared.content.open(), filename):
                raise AssetRejectedError(f"clamd found {found} in {filename}", hint="have the file looked at")
            ctx.log.debug("%s: clamd found nothing", filename)
        return prepared

    def check(self, _ctx: Context) -> Iterator[Finding]:
        """Yield whether clamd answers, and its version."""
        try:
            yield Finding("ClamAV", self._daemon.version())
        except DamlinkError as error:
            yield Finding.from_error("ClamAV", error)

    @property
    def _daemon(self) -> Daemon:
        return Daemon(self.address, self.timeout)
