"""Tells people wherever they read: mail, chat, a webhook. The only importer of Apprise."""

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
        self._addresses = _opened(urls, place) if urls else ()

    def send(self, title: str, body: str) -> bool:
        """Send a message; whether anybody has it. Never raises: it is only a message.

        An address that is dead must not make the others hear the same again and again.
        """
        sent = [_sent(address, redact(title), redact(body)) for address in self._addresses]
        if not all(sent):
            _log.warning("%s: the notification could not be sent to every address of [notify]", title)
        return any(sent) or not sent


def _sent(address: apprise.Apprise, title: str, body: str) -> bool:
    try:
        return bool(address.notify(title=title, body=body))
    except Exception as error:  # noqa: BLE001 - of a hundred services, who knows what one raises
        _log.debug("notify: %s", type(error).__name__)
        return False


def _opened(urls: Sequence[Secret], place: str) -> Sequence[apprise.Apprise]:
    """One sender for each address."""
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
        opened = [apprise.Apprise(asset=asset) for _ in urls]
        for number, (address, url) in enumerate(zip(opened, urls, strict=True), 1):
            if not address.add(url.reveal()):
                hint = "write it as Apprise does: json://host, mailto://user:password@host, …"
                raise ConfigError(place, f"address {number} is none that Apprise knows", hint=hint)
    return opened
