"""Webhook configurations: endpoints that receive events.

Source: Bynder's published definition of webhooks, `/v7/webhooks/public/api/subscriptions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._listing import Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import omit_none, patch, remove, segment
from damlink.bynder.records.account import Webhook
from damlink.bynder.resources.resource import Resource

__all__ = ["Webhooks"]

PATH: Final = "/v7/webhooks/public/api/subscriptions"


class Webhooks(Resource):
    """Webhook configurations: endpoints that receive events.

    Example:
        for webhook in portal.webhooks.list():
            print(webhook.name, webhook.endpoint)
    """

    @action()
    def list(self) -> Records[Webhook]:
        """List the webhook configurations.

        Raises:
            BynderError: status 404: the portal has no self-service for webhooks.
        """
        answer = get_body(self._client, PATH, expect_webhooks)
        return Records(map(Webhook.read, answer))

    @action()
    def get(self, id: str) -> Webhook:
        """Get a webhook configuration.

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
        """Subscribe an endpoint to events. The portal sends nothing until the endpoint has confirmed.

        Args:
            name: of the configuration.
            endpoint: receiver of the events: an address, an ARN, or an e-mail address.
            protocol: `https`, `sqs`, `email` or `email-json`.
            events: names of events, such as `asset_bank.media.create`.
            pre_archived_notification_days: days between a notification and the archiving of an asset.
            extra: more fields, by Bynder's own names.

        Raises:
            BynderError: the portal refuses the configuration; by default it allows 10.
            UnclearError: it is not known whether the configuration was created.
        """
        body = omit_none(
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
            events: new list of all events.
            pre_archived_notification_days: days between a notification and the archiving of an asset.
            extra: more fields, by Bynder's own names.
        """
        body = omit_none(events=[*events], preArchivedNotificationDays=pre_archived_notification_days) | dict(
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
        """Rename, activate or deactivate a configuration.

        Args:
            id: of the configuration.
            name: new name.
            active: whether events are sent.
            extra: more fields, by Bynder's own names.
        """
        # The portal reads the state as 0 or 1.
        status = None if active is None else int(active)
        patch(self._client, f"{PATH}/{segment(id)}", omit_none(name=name, status=status) | dict(extra or {}))

    @action()
    def delete(self, id: str) -> None:
        """Delete a configuration, so that its endpoint receives no more events.

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
