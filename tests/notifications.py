"""Signed notifications, as SNS sends them, for tests that deliver them themselves."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from loopback import Site

__all__ = ["notification"]


def notification(site: Site, asset: str) -> str:
    """Return the notification of a change of an asset's metadata, signed by the sandbox's topic."""
    sns: Any = site.sandbox.part("sns")
    fields = {
        "Type": "Notification",
        "MessageId": str(uuid.uuid4()),
        "TopicArn": sns.state()["topic"],
        "Subject": "asset_bank.media.meta_updated",
        "Message": json.dumps({"media_id": asset}),
        "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
    }
    certificate = f"{site.sandbox.origins['sns']}{sns.topic.certificate_path}"
    signed = {"SignatureVersion": "1", "Signature": sns.topic.signer.sign(fields, "1")}
    return json.dumps(fields | signed | {"SigningCertURL": certificate})
