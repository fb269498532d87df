"""Events that a person puts into the inbox, as if the portal had sent them."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Final

from damlink._state.inbox import Notification
from damlink.errors import ConfigError

__all__ = ["USUAL_EVENT", "make_event", "read_event"]

USUAL_EVENT: Final = "asset_bank.media.meta_updated"


def make_event(portal: str, asset_id: str, subject: str) -> Notification:
    """Return an event of one asset."""
    return _notify(portal, subject, json.dumps({"media_id": asset_id}))


def read_event(portal: str, text: str | bytes, place: str) -> Notification:
    """Return the event of an SNS envelope, or of a JSON object with "Subject" and "Message".

    Raises:
        ConfigError: it is neither; `place` says where.
    """
    try:
        document = json.loads(text)
        subject, message = document["Subject"], document["Message"]
    except (ValueError, KeyError, TypeError) as error:
        hint = 'give an SNS envelope, or a JSON object with "Subject" and "Message"'
        raise ConfigError(place, "holds no event", hint=hint) from error
    content = message if isinstance(message, str) else json.dumps(message)
    return _notify(portal, str(subject), content, topic=str(document.get("TopicArn", "")))


def _notify(portal: str, subject: str, message: str, *, topic: str = "") -> Notification:
    return Notification(
        portal=portal,
        topic=topic,
        # A new one each time: the inbox would drop a known one as a duplicate.
        message_id=f"sent-{uuid.uuid4()}",
        subject=subject,
        message=message,
        occurred_at=datetime.now(UTC),
    )
