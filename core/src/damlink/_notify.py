"""Tells people wherever they read: mail, chat, a webhook. The only importer of Apprise."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from damlink._secret import Secret
from damlink.errors import ConfigError

if TYPE_CHECKING:
    import apprise

__all__ = ["Notifier"]

_TALKATIVE: Final = ("apprise", "urllib3.connectionpool")  # they write addresses, and these are secrets

_log = logging.getLogger("damlink.notify")


class Notifier:
    """Sends short messages to a list of addresses.

    Args:
        urls: addresses in Apprise's form, such as `mailto://…`, `slack://…`, `json://…`.
        place: where they stand in the config.

    Raises:
        ConfigError: Apprise is not installed, or knows no such address.
    """

    def __init__(self, urls: Sequence[Secret], place: str) -> None:
        self._apprise = _opened(urls, place) if urls else None

    def send(self, title: str, body: str) -> bool:
        """Send a message; whether every address took it. Never raises: it is only a message."""
        if self._apprise is None:
            return True
        try:
            sent = bool(self._apprise.notify(title=title, body=body))
        except Exception as error:  # noqa: BLE001 - of a hundred services, who knows what one raises
            _log.debug("notify: %s", type(error).__name__)
            sent = False
        if not sent:
            _log.warning("%s: the notification could not be sent to every address of [notify]", title)
        return sent


def _opened(urls: Sequence[Secret], place: str) -> apprise.Apprise:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a hundred services, some are old
        try:
            import apprise
        except ImportError as error:
            hint = "pip install 'damlink[notify]'"
            raise ConfigError(place, "notifications need Apprise, which is not there", hint=hint) from error
        for name in _TALKATIVE:
            logging.getLogger(name).disabled = True
        asset = apprise.AppriseAsset(app_id="Damlink", app_desc="Damlink", app_url="")
        opened = apprise.Apprise(asset=asset)
        for number, url in enumerate(urls, 1):
            if not opened.add(url.reveal()):
                hint = "write it as Apprise does: json://host, mailto://user:password@host, …"
                raise ConfigError(place, f"address {number} is none that Apprise knows", hint=hint)
    return opened
