"""A stand-in for Amazon SQS on loopback, and queues as the person who made them sees them."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

__all__ = ["Filled", "standing_in"]

BATCH = 10
VISIBLE = "ApproximateNumberOfMessages"
HIDDEN = "ApproximateNumberOfMessagesNotVisible"


@contextlib.contextmanager
def standing_in() -> Iterator[str]:
    """Run the stand-in, with credentials for it in the environment; its address."""
    from moto.server import ThreadedMotoServer

    # It logs each request as information.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "sandbox")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        server.start()
        host, port = server.get_host_and_port()
        try:
            yield f"http://{host}:{port}"
        finally:
            server.stop()


class Filled:
    """A queue as the person who made it sees it.

    Args:
        amazon: the address of the stand-in.
        visibility: seconds that a message is hidden after it was received.
    """

    def __init__(self, amazon: str, name: str, *, visibility: int = 1) -> None:
        import boto3

        self._client = boto3.session.Session().client("sqs", endpoint_url=amazon)
        attributes = {"VisibilityTimeout": str(visibility)}
        self.url = self._client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def send(self, *bodies: Any) -> None:
        """Send messages; anything but text is written as JSON."""
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        for begin in range(0, len(texts), BATCH):
            part = texts[begin : begin + BATCH]
            entries = [{"Id": str(at), "MessageBody": text} for at, text in enumerate(part)]
            self._client.send_message_batch(QueueUrl=self.url, Entries=entries)

    @property
    def left(self) -> tuple[int, int]:
        """The messages that anyone may read, and those that are hidden."""
        names = [VISIBLE, HIDDEN]
        found = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return int(found[VISIBLE]), int(found[HIDDEN])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
