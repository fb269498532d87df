"""Allowed addresses of SNS: certificates and confirmations at Amazon, or at a stand-in on loopback."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import attrs

from damlink._sns.envelope import Topic

__all__ = ["Hosts"]

_PATH: Final = r"/SimpleNotificationService-[0-9a-f]{32}\.pem"
_AMAZON: Final = re.compile(
    rf"https://sns\.(?P<region>[a-z]{{2,4}}(?:-[a-z]+)+-[0-9])\.amazonaws\.com(?:\.cn)?(?::443)?{_PATH}"
)
_LOCAL: Final = re.compile(rf"https?://(?P<host>[A-Za-z0-9.:\[\]]+){_PATH}")


@attrs.frozen
class Hosts:
    """The hosts of Amazon SNS, and those of a stand-in on loopback.

    Attributes:
        local: such as `127.0.0.1:9007`; the config accepts loopback addresses only.
    """

    local: Sequence[str] = ()

    def allows_certificate(self, url: str, topic: Topic) -> bool:
        """Return whether a certificate at this address may sign messages of this topic.

        Matches the whole address: parsing it here and again in the HTTP client could give two results.
        Source: assumed, from the addresses in all of Amazon's examples.
        """
        local = _LOCAL.fullmatch(url)
        if local is not None and local["host"] in self.local:
            return True
        amazon = _AMAZON.fullmatch(url)
        return amazon is not None and amazon["region"] == topic.region

    def confirmation_url(self, topic: Topic, token: str) -> str:
        """Return the address that confirms a subscription, built from the ARN and the token alone.

        The `SubscribeURL` of the message is ignored, so that a message cannot choose the host. If a stand-in
        is configured, the address is the stand-in's.
        Source: Amazon SNS API reference, `ConfirmSubscription`.
        """
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic.arn, "Token": token})
        if self.local:
            return f"http://{self.local[0]}/?{query}"
        suffix = ".cn" if topic.partition == "aws-cn" else ""
        return f"https://sns.{topic.region}.amazonaws.com{suffix}/?{query}"
