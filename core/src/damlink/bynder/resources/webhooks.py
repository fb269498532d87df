"""Webhook configurations: which endpoint is told of which events.

Source: Bynder's published definition of webhooks, `/v7/webhooks/public/api/subscriptions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import given, patch, remove, segment
from damlink.bynder.records.account import Webhook

__all__ = ["Webhooks"]

PATH: Final = "/v7/webhooks/public/api/subscriptions"


class Webhooks:
    """Webhook configurations: which endpoint is told of which events."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action()
    def list(self) -> tuple[Webhook, ...]:
        """Every webhook configuration.

        Raises:
            BynderError: status 404: the portal has no self-service for webhooks.
        """
        answer = get_body(self._client, PATH, expect_webhooks)
        return tuple(map(Webhook.read, answer))

    @action()
    def get(self, id: str) -> Webhook:
        """One webhook configuration.

        Args:
            id: of the configuration.
        """
        return Webhook.read({"id": id, **get_body(self._client, f"{PATH}/{segment(id)}", expect_object)})

    @action()
    def create(
        self,
        *,
        name: str,
        endpoint: str,
        protocol: str = "https",
        events: Sequence[str],
        pre_archived_notification_days: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Webhook:
        """Subscribe an endpoint to events. Nothing is sent to it before it has confirmed.

        Args:
            name: of the configuration.
            endpoint: where the notifications go: an address, an ARN, or an e-mail address.
            protocol: how they go: `https`, `sqs`, `email` or `email-json`.
            events: their names, such as `asset_bank.media.create`.
            pre_archived_notification_days: days before an asset is archived to be told of it.
            extra: further fields, in Bynder's own names.

        Raises:
            BynderError: the portal refuses it; by default it takes 10 configurations.
            UnclearError: it may or may not have been created.
        """
        body = given(
            name=name,
            endpoint=endpoint,
            protocol=protocol,
            events=[*events],
            preArchivedNotificationDays=pre_archived_notification_days,
        )

        def read(answer: Mapping[str, Any]) -> Webhook:
            return Webhook.read({**body, **answer, "id": id_of(answer, "id")})

        return post_once(self._client, PATH, read, json=body | dict(extra or {}))

    @action()
    def update(
        self,
        id: str,
        *,
        events: Sequence[str],
        pre_archived_notification_days: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Replace the events of a configuration.

        Args:
            id: of the configuration.
            events: all that it is to be told of from now on.
            pre_archived_notification_days: days before an asset is archived to be told of it.
            extra: further fields, in Bynder's own names.
        """
        body = given(events=[*events], preArchivedNotificationDays=pre_archived_notification_days) | dict(
            extra or {}
        )
        self._client.put(f"{PATH}/{segment(id)}", json=body)

    @action()
    def patch(
        self,
        id: str,
        *,
        name: str | None = None,
        active: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Rename a configuration, or switch it on or off.

        Args:
            id: of the configuration.
            name: the new one.
            active: whether notifications are sent.
            extra: further fields, in Bynder's own names.
        """
        status = None if active is None else int(active)
        patch(self._client, f"{PATH}/{segment(id)}", given(name=name, status=status) | dict(extra or {}))

    @action()
    def delete(self, id: str) -> None:
        """Delete a configuration: its endpoint is told nothing any more.

        Args:
            id: of the configuration.
        """
        remove(self._client, f"{PATH}/{segment(id)}")


def expect_webhooks(body: Any) -> Sequence[Mapping[str, Any]]:
    """Return the records of a list, bare or within an object.

    Source: assumed: only the fields of a record are published.
    """
    if isinstance(body, Mapping):
        body = next((each for each in body.values() if isinstance(each, list)), None)
    return expect_records(body)
