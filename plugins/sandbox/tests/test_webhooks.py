from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

PATH = "/v7/webhooks/public/api/subscriptions"
CREATED, META, UPDATED = (f"asset_bank.media.{name}" for name in ("create", "meta_updated", "updated"))
BODY = {
    "name": "Ours",
    "endpoint": "http://127.0.0.1:9/events",
    "protocol": "https",
    "events": [CREATED, META],
    "preArchivedNotificationDays": 5,
}


class Recorder:
    """A notification service that only notes what it is asked."""

    def __init__(self) -> None:
        self.published: list[tuple[str, Mapping[str, Any]]] = []
        self.subscriptions: dict[str, tuple[str, list[str]]] = {}
        self.confirmed: set[str] = set()
        self.made = 0

    @property
    def subjects(self) -> list[str]:
        return [subject.rpartition(".")[2] for subject, _ in self.published]

    def subscribe(self, endpoint: str, subjects: Sequence[str]) -> str:
        self.made += 1
        self.subscriptions[f"s{self.made}"] = (endpoint, list(subjects))
        return f"s{self.made}"

    def unsubscribe(self, subscription: str) -> None:
        del self.subscriptions[subscription]

    def is_confirmed(self, subscription: str) -> bool:
        return subscription in self.confirmed

    def publish(self, subject: str, message: Mapping[str, Any]) -> None:
        self.published.append((subject, message))


@pytest.fixture
def broker(client: Any) -> Recorder:
    client.sandbox.world.broker = Recorder()
    return client.sandbox.world.broker  # type: ignore[no-any-return]


def test_webhook_when_created_subscribes_and_is_confirmed_by_the_broker(
    client: Any, broker: Recorder
) -> None:
    made = client.portal.post(PATH, json=BODY)
    path = f"{PATH}/{made.json()['id']}"
    before = client.portal.get(path).json()
    broker.confirmed.add("s1")
    (after,) = client.portal.get(f"{PATH}/").json()
    assert (made.status_code, list(made.json())) == (201, ["id"])
    assert broker.subscriptions == {"s1": ("http://127.0.0.1:9/events", [CREATED, META])}
    assert (before["confirmed"], after["confirmed"], after["configId"]) == (False, True, made.json()["id"])
    assert (after["events"], after["preArchivedNotificationDays"]) == ([CREATED, META], 5)


def test_webhook_when_changed_and_deleted_changes_its_subscription(client: Any, broker: Recorder) -> None:
    path = f"{PATH}/{client.portal.post(f'{PATH}/any', json=BODY).json()['id']}"
    updated = client.portal.put(path, json={"events": [UPDATED]})
    assert (updated.status_code, next(iter(broker.subscriptions.values()))[1]) == (200, [UPDATED])
    assert client.portal.patch(path, json={"name": "Other", "status": 0}).status_code == 200
    assert (broker.subscriptions, client.portal.get(path).json()["name"]) == ({}, "Other")
    client.portal.patch(path, json={"status": 1})
    assert len(broker.subscriptions) == 1
    assert (client.portal.delete(path).status_code, broker.subscriptions) == (204, {})
    codes = [client.portal.get(path).status_code, client.portal.delete(path).status_code]
    assert codes == [400, 404]


def test_webhooks_when_there_are_ten_are_enough(client: Any) -> None:
    codes = [client.portal.post(PATH, json=BODY).status_code for _ in range(11)]
    assert codes == [201] * 10 + [400]


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"endpoint": "http://example.com/x"},
        {"protocol": "pigeon"},
        {"events": []},
        {"events": ["asset.created"]},
        {"preArchivedNotificationDays": "5"},
    ],
)
def test_webhook_when_a_field_is_wrong_is_refused(client: Any, change: dict[str, Any]) -> None:
    assert client.portal.post(PATH, json={**BODY, **change}).status_code == 400


def test_webhooks_when_a_right_is_missing_are_denied(client: Any) -> None:
    client.control("roles", roles=["View Webhooks configurations"])
    assert [client.portal.get(PATH).status_code, client.portal.post(PATH, json=BODY).status_code] == [
        200,
        403,
    ]
    client.control("scopes", scopes=["webhooks.config:write"])
    assert client.portal.get(PATH).status_code == 403


def test_asset_when_saved_changed_and_deleted_is_told_of(client: Any, broker: Recorder) -> None:
    media_id = client.saved()
    path = f"/api/v4/media/{media_id}"
    for fields in ({"name": "New"}, {"tags": "a"}, {"copyright": "me"}, {"archive": "1"}, {"archive": "0"}):
        client.portal.post(path, data=fields)
    client.portal.post(f"{path}/save/{client.imported()}")
    client.portal.delete(path)
    told = [
        "create",
        "meta_updated",
        "meta_updated",
        "meta_updated",
        "archived",
        "meta_updated",
        "updated",
        "deleted",
    ]
    assert broker.subjects == told
    assert {tuple(message.items()) for _, message in broker.published} == {(("media_id", media_id),)}


def test_asset_when_a_metaproperty_changes_is_told_of_once(client: Any, broker: Recorder) -> None:
    source_id = client.state()["metaproperties"]["Source_Id"]
    media_id = client.saved()
    for _ in range(2):
        client.portal.post(f"/api/v4/media/{media_id}", data={f"metaproperty.{source_id}": "S-1"})
    assert broker.subjects == ["create", "meta_updated"]


def test_asset_when_in_the_waiting_room_is_told_of_at_its_approval(client: Any, broker: Recorder) -> None:
    client.control("roles", roles=["MEDIAUPLOADFORAPPROVAL"])
    client.saved()
    assert broker.published == []
    client.control("approve")
    assert broker.subjects == ["create"]


def test_event_when_it_lags_comes_later(client: Any, broker: Recorder, eventually: Any) -> None:
    client.control("settings", event_lag=0.05)
    client.control("add_asset")
    assert broker.published == []
    assert eventually(lambda: broker.subjects == ["create"])


def test_job_when_created_is_told_of(client: Any, broker: Recorder) -> None:
    job = client.control("add_job")["id"]
    client.control("notify", subject="antivirus.scan.failed", message={"x": 1})
    assert broker.published == [("workflow.job.create", {"job_id": job}), ("antivirus.scan.failed", {"x": 1})]
