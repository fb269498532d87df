"""Notifications by mail, chat or webhook. The only module that imports Apprise."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from damlink._secret import Secret, redact
from damlink.errors import ConfigError

if TYPE_CHECKING:
    import apprise

__all__ = ["Notifier"]

# These loggers write whole addresses, which hold secrets.
_LEAKING_LOGGERS: Final = ("apprise", "urllib3.connectionpool")

_log = logging.getLogger("damlink.notify")


class Notifier:
    """Sender of short messages to a list of addresses.

    Args:
        urls: addresses in Apprise's form, such as `mailto://…`, `slack://…`, `json://…`.
        place: where they stand in the config.

    Raises:
        ConfigError: Apprise is not installed, or does not support an address.
    """

    def __init__(self, urls: Sequence[Secret], place: str) -> None:
        self._addresses = _open_addresses(urls, place) if urls else ()

    def send(self, title: str, body: str) -> bool:
        """Send a message, and return whether at least one address accepted it. Never raises."""
        # One accepted message is enough: otherwise a dead address repeats it at all the others.
        sent = [_send(address, redact(title), redact(body)) for address in self._addresses]
        if not all(sent):
            _log.warning("%s: the notification could not be sent to every address of [notify]", title)
        return any(sent) or not sent


def _send(address: apprise.Apprise, title: str, body: str) -> bool:
    try:
        return bool(address.notify(title=title, body=body))
    except Exception as error:  # noqa: BLE001 - a service may raise any exception
        _log.debug("notify: %s", type(error).__name__)
        return False


def _open_addresses(urls: Sequence[Secret], place: str) -> Sequence[apprise.Apprise]:
    """Return one Apprise object for each address."""
    with warnings.catch_warnings():
        # Apprise loads a hundred services, and some of them use deprecated names.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            import apprise
        except ImportError as error:
            hint = "pip install 'damlink[notify]'"
            raise ConfigError(
                place, "notifications need Apprise, which is not installed", hint=hint
            ) from error
        for name in _LEAKING_LOGGERS:
            logging.getLogger(name).disabled = True
        asset = apprise.AppriseAsset(app_id="Damlink", app_desc="Damlink", app_url="")
        opened = [apprise.Apprise(asset=asset) for _ in urls]
        for number, (address, url) in enumerate(zip(opened, urls, strict=True), 1):
            if not address.add(url.reveal()):
                hint = "write it as Apprise does: json://host, mailto://user:password@host, …"
                raise ConfigError(place, f"Apprise does not support address {number}", hint=hint)
    return opened
