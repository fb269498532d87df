"""Queues of Amazon SQS: messages are received, hidden for a while, and deleted. Owns boto3.

Source: Amazon SQS developer guide, "Short and long polling", "Visibility timeout" and "Batch actions".
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from damlink.errors import AuthError, ConfigError, ConnectorError, DamlinkError, TransientError

__all__ = ["Message", "Queue", "load_boto3", "open_queue"]

BATCH: Final = 10  # the most that SQS gives and deletes at once
POLL_SECONDS: Final = 20  # the longest that SQS waits for a message
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = POLL_SECONDS + 10
ATTEMPTS: Final = 2
_WAITING: Final = "ApproximateNumberOfMessages"
_HIDDEN: Final = "ApproximateNumberOfMessagesNotVisible"
_REGION: Final = re.compile(
    r"sqs[.-](?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?|(?P<old>[a-z0-9-]+)\.queue\."
)
_DENIED: Final = re.compile("AccessDenied|Forbidden|Token|Signature|Unauthorized|Credential|OptIn")
_MISSING: Final = re.compile("NonExistentQueue|QueueDoesNotExist|InvalidAddress")
_CREDENTIALS: Final = (
    "give this process Amazon's credentials: "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role of the machine"
)
_RIGHTS: Final = (
    "allow them sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes"
)


@attrs.frozen
class Message:
    """One message of a queue, hidden from other readers until its visibility timeout is over.

    Attributes:
        id: stays the same when the message is received again.
        receipt: by which this receipt of it is deleted or hidden.
        sent_at: seconds since 1970 at which the queue received it; 0 if unknown.
        times: how often it has been received, this time included.
    """

    id: str
    receipt: str = attrs.field(repr=False)
    body: str = attrs.field(repr=False)
    sent_at: float
    times: int = 1


class Queue:
    """One queue.

    Args:
        client: of boto3.
        seconds: the longest wait for a message.
    """

    def __init__(self, url: str, client: Any, seconds: int = POLL_SECONDS) -> None:
        self.url, self._client, self._seconds = url, client, seconds

    def receive(self) -> list[Message]:
        """Receive some messages; wait for the first one.

        Raises:
            ConnectorError: the queue does not answer, or refuses.
        """
        with _as_our_errors(self.url):
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=self._seconds,
                AttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
            )
            return [_message(each) for each in answer.get("Messages", ())]

    def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages that were received together. One that cannot be deleted is received again.

        Raises:
            ConnectorError: the queue does not answer, or refuses.
        """
        if messages:
            entries = [{"Id": str(at), "ReceiptHandle": each.receipt} for at, each in enumerate(messages)]
            with _as_our_errors(self.url):
                self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hide(self, message: Message, seconds: int) -> None:
        """Hide a message from all readers so long.

        Raises:
            ConnectorError: the queue does not answer, or refuses.
        """
        with _as_our_errors(self.url):
            self._client.change_message_visibility(
                QueueUrl=self.url, ReceiptHandle=message.receipt, VisibilityTimeout=seconds
            )

    def describe(self) -> str:
        """Describe the queue by its attributes; receives nothing.

        Raises:
            ConnectorError: the queue does not answer, or refuses.
        """
        with _as_our_errors(self.url):
            asked = self._client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[_WAITING, _HIDDEN])
        found = asked["Attributes"]
        return f"{self.url} answers; {found[_WAITING]} messages wait in it, {found[_HIDDEN]} are hidden"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _message(found: Any) -> Message:
    told = found.get("Attributes", {})
    sent_at, times = int(told.get("SentTimestamp", 0)) / 1000, int(told.get("ApproximateReceiveCount", 1))
    return Message(found["MessageId"], found["ReceiptHandle"], found["Body"], sent_at, times)


def load_boto3(place: str) -> Any:
    """Import boto3.

    Args:
        place: the setting that needs it.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import boto3
    except ModuleNotFoundError as error:
        raise ConfigError(place, f"needs {error.name}", hint="pip install 'damlink[sqs]'") from error
    return boto3


def open_queue(url: str, seconds: int = POLL_SECONDS, *, place: str = "event_queue") -> Queue:
    """Return a queue; the credentials are those that Amazon's tools find.

    Args:
        seconds: the longest wait for a message.
        place: the setting that names it.

    Raises:
        ConfigError: boto3 is not installed.
        ConnectorError: boto3 cannot be set up.
    """
    boto3 = load_boto3(place)
    from botocore.config import Config

    parts = urlsplit(url)
    found = _REGION.search(parts.netloc)
    settings = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )
    with _as_our_errors(url):
        session = boto3.session.Session()
        # Without a region of its own, such as that of a stand-in, the one of the environment counts.
        region = (found["region"] or found["old"]) if found else session.region_name or "us-east-1"
        endpoint = f"{parts.scheme}://{parts.netloc}"
        client = session.client("sqs", region_name=region, endpoint_url=endpoint, config=settings)
        return Queue(url, client, seconds)


@contextlib.contextmanager
def _as_our_errors(url: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise _as_ours(url, error) from error


def _as_ours(url: str, error: Any) -> DamlinkError:
    """Return an error of boto3 as ours, with the cure."""
    from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

    said = f"the queue {url} cannot be read: {error}"
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return AuthError(said, hint=_CREDENTIALS)
    code = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    if _DENIED.search(code):
        return AuthError(said, hint=f"correct the credentials, and {_RIGHTS}")
    if _MISSING.search(code):
        return ConnectorError(said, hint="correct event_queue: it is the address that Amazon calls QueueUrl")
    return TransientError(said, hint="verify event_queue and the network, or try again later")
