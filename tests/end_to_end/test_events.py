"""The event address and its topics: the commands, and a server that a portal's events reach."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from loopback import SECRET_VALUES, Site, is_reserved, until
from ports import free_port
from queues import Filled, standing_in

from damlink._state.database import Database
from damlink._state.inbox import Inbox
from damlink._state.refused import RefusedMessages
from damlink_gelato.sandbox import ACCOUNT
from damlink_sandbox import Fault

WEBHOOKS = "/v7/webhooks/public/api/subscriptions"


@pytest.fixture
def reached(site: Site) -> Site:
    """The site, whose portal's events come from the sandbox's SNS to an address of this machine."""
    port = free_port()
    site.tables["serve"] = {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    host = site.sandbox.origins["sns"].removeprefix("http://")
    site.tables["portals"]["brand"] |= {"event_hosts": [host]}
    site.tables["connectors"]["stock"]["enabled"] = False
    site.write()
    site.sandbox.part("sns").control("retry", {"seconds": 0.1})
    return site


@contextlib.contextmanager
def serving(site: Site) -> Iterator[subprocess.Popen[str]]:
    child = site.start("--log-level", "debug", "serve")
    try:
        assert child.stderr is not None
        until(lambda: "listening on" in child.stderr.readline())
        yield child
    finally:
        child.kill()
        child.communicate()


def topics(site: Site) -> list[dict[str, Any]]:
    return list(json.loads(site.run("events", "list", "brand", "--json").stdout))


def test_events_when_subscribed_and_approved_reach_the_inbox(reached: Site) -> None:
    url = reached.run("events", "url", "brand").stdout.strip()
    with serving(reached) as child:
        assert "subscribed (" in reached.run("events", "subscribe", "brand").stdout
        (topic,) = until(lambda: topics(reached))
        assert (topic["state"], topic["confirmed_at"]) == ("pending", None)
        reached.sandbox.world.faults.add(Fault("sns", "GET /$", status=503))
        failed = reached.run("events", "approve", "brand", topic["arn"], expect=1).stderr
        assert "is approved, but not confirmed: 127.0.0.1 answered 503" in failed
        said = reached.run("events", "approve", "brand", topic["arn"]).stderr
        assert said == f"{topic['arn']} is approved; its subscription is confirmed\n"
        assert topics(reached)[0]["confirmed_at"]
        reached.portal.control("add_asset", {"name": "a.jpg"})
        sns = reached.sandbox.part("sns")
        sent = until(lambda: [e for e in sns.state()["deliveries"] if e["type"] == "Notification"])
        assert {each["status"] for each in sent} == {200}
        assert "subscribes" not in reached.run("events", "subscribe", "brand").stderr
        metrics = httpx.get(f"{reached.tables['serve']['public_url']}/metrics", trust_env=False).text
        assert 'damlink_messages_total{outcome="stored",portal="brand"}' in metrics
        child.send_signal(signal.SIGTERM)
        _, log = child.communicate(timeout=60)
        assert child.returncode == 0
    assert url.rpartition("/")[2] not in log
    assert url.rpartition("/")[2].encode() not in (reached.folder / "damlink.db").read_bytes()


def test_serve_when_idle_reserves_a_tenth_of_the_pace_for_events(reached: Site) -> None:
    with serving(reached):
        assert until(lambda: is_reserved(reached))


ARN = "arn:aws:sns:eu-west-1:111122223333:sandbox-portal-events"


@pytest.fixture
def hearing(reached: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same, whose topic is listed, with a connector that hears events."""
    gelato = reached.sandbox.part("gelato").connector()
    monkeypatch.setitem(SECRET_VALUES, "GELATO_KEY", ACCOUNT.key)
    reached.tables["portals"]["brand"] |= {"event_topics": [ARN]}
    reached.tables["connectors"] = {"print": {**gelato, "api_key": {"env": "GELATO_KEY"}}}
    reached.write()
    return reached


def webhooks(site: Site) -> list[dict[str, Any]]:
    lines = site.run("bynder", "brand", "webhooks", "list", "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_subscribe_when_the_topic_is_listed_says_that_events_come(reached: Site) -> None:
    reached.tables["portals"]["brand"] |= {"event_topics": [ARN]}
    reached.write()
    with serving(reached):
        assert "its confirmation is complete" in reached.run("events", "subscribe", "brand").stdout
        said = reached.run("events", "subscribe", "brand").stdout
        assert said.startswith("the portal sends its events here already (")
        assert "is confirmed" in reached.run("events", "list", "brand").stderr


def test_subscription_when_nobody_confirmed_it_is_said_everywhere_and_made_anew(hearing: Site) -> None:
    assert "pending: no request to confirm it has come" in hearing.run("events", "subscribe", "brand").stdout
    (unconfirmed,) = webhooks(hearing)
    assert "is not confirmed, and no event comes" in hearing.run("events", "list", "brand").stderr
    with serving(hearing):
        checked = hearing.run("check", "print", expect=1)
        assert "is not confirmed, and no event comes; damlink events subscribe brand" in checked.stdout
        said = hearing.run("events", "subscribe", "brand").stdout
        assert f"in place of {unconfirmed['configId']}, which was never confirmed" in said
        assert "its confirmation is complete, and events come" in said
        assert "is confirmed" in hearing.run("check", "print").stdout
    assert len(webhooks(hearing)) == 1


def test_subscription_when_its_topic_waits_for_approval_is_not_made_anew(reached: Site) -> None:
    with serving(reached):
        first = reached.run("events", "subscribe", "brand").stdout
        again = reached.run("events", "subscribe", "brand").stdout
        approve = f"approve its topic: damlink events approve brand {ARN}"
        assert approve in first
        assert approve in again
        assert len(webhooks(reached)) == 1
        reached.run("events", "approve", "brand", ARN)
        assert "already (" in reached.run("events", "subscribe", "brand").stdout


def test_url_when_asked_twice_is_the_same_and_without_a_public_url_says_what_to_set(reached: Site) -> None:
    first, second = (reached.run("events", "url", "brand").stdout for _ in range(2))
    assert first == second
    assert first.startswith(f"{reached.tables['serve']['public_url']}/events/brand/")
    assert len(first.strip().rpartition("/")[2]) >= 43
    del reached.tables["serve"]
    reached.tables["portals"]["brand"]["url"] = "https://brand.bynder.com"
    reached.write()
    failed = reached.run("events", "url", "brand", expect=3)
    assert failed.stderr.endswith(
        'set [serve] public_url = "https://…", the public address of `damlink serve`\n'
    )
    assert "no portal 'brnad'" in reached.run("events", "url", "brnad", expect=3).stderr


@pytest.mark.parametrize("status", [403, 404])
def test_subscribe_when_the_portal_has_no_self_service_prints_the_request(reached: Site, status: int) -> None:
    reached.sandbox.world.faults.add(Fault("portal", WEBHOOKS, status=status, times=0))
    said = reached.run("events", "subscribe", "brand")
    assert f"({status}); send this request" in said.stderr
    assert "`damlink serve` should run before" in said.stderr
    words = " ".join(said.stdout.split())
    for needed in (
        "all SNS notifications",
        "API channel",
        "right after",
        "asset_bank.media.meta_updated",
        "One",
    ):
        assert needed in words
    assert reached.run("events", "url", "brand").stdout.strip() in words


def test_subscribe_when_the_token_is_refused_is_an_error(reached: Site) -> None:
    reached.sandbox.world.faults.add(Fault("portal", WEBHOOKS, status=401, times=0))
    reached.run("events", "subscribe", "brand", expect=4)


def test_topics_when_listed_in_the_config_are_shown(reached: Site) -> None:
    arn = "arn:aws:sns:eu-west-1:111122223333:a"
    reached.tables["portals"]["brand"] |= {"event_topics": [arn]}
    reached.write()
    assert topics(reached) == [{"arn": arn, "state": "in the config", "noted_at": None, "confirmed_at": None}]
    said = reached.run("events", "approve", "brand", "arn:aws:sns:eu-west-1:111122223333:b").stderr
    assert said.endswith("is approved; no subscription waits to be confirmed\n")
    assert [each["state"] for each in topics(reached)] == ["approved", "in the config"]
    assert "in the config" in reached.run("events", "list", "brand").stdout
    assert "not the ARN" in reached.run("events", "approve", "brand", "arn:x", expect=2).stderr


@pytest.mark.parametrize(
    "event",
    [
        {"Subject": "asset_bank.media.create", "Message": {"media_id": "A"}},
        {"Subject": "asset_bank.media.create", "Message": '{"media_id": "A"}', "Type": "Notification"},
    ],
    ids=["short", "envelope"],
)
def test_send_when_it_is_an_event_is_kept_each_time(reached: Site, event: dict[str, Any]) -> None:
    path = reached.folder / "event.json"
    path.write_text(json.dumps(event))
    for _ in range(2):
        reached.run("events", "send", "brand", str(path))
    with contextlib.closing(Database("sqlite:///damlink.db", reached.folder)) as database:
        assert Inbox(database).open_count("brand") == 2


def test_queue_when_set_on_the_command_line_is_asked_before_it_is_written(reached: Site) -> None:
    config = reached.folder / "damlink.toml"
    with standing_in() as amazon, contextlib.closing(Filled(amazon, "events")) as queue:
        before = config.read_text()
        gone = reached.run("portal", "edit", "brand", "--set", f"event_queue={queue.url}x", expect=1)
        assert ("correct event_queue" in gone.stderr, config.read_text()) == (True, before)
        reached.run("portal", "edit", "brand", "--set", f"event_queue={queue.url}")
        assert queue.url in config.read_text()
        assert "queue: " in reached.run("portal", "check").stdout


def test_serve_when_told_to_end_does_not_wait_for_the_poll_of_a_queue(
    reached: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/123456789012/events"
        reached.tables["portals"]["brand"]["event_queue"] = url
        reached.write()
        with serving(reached) as child, silent.accept()[0] as connection:
            assert connection.recv(1)
            child.send_signal(signal.SIGTERM)
            # Were the poll waited for, the process would end later, and say that something has not ended.
            _, err = child.communicate(timeout=60)
    assert (child.returncode, "goes on" in err) == (0, False)


def test_refused_messages_of_a_queue_are_shown_by_status_and_listed(reached: Site) -> None:
    with contextlib.closing(Database("sqlite:///damlink.db", reached.folder)) as database:
        RefusedMessages(database).note("brand", "7e1a", "not an SNS message: not JSON", "sand")
    assert "brand: 1 refused in its queue; damlink events refused brand" in reached.run("status").stdout
    assert json.loads(reached.run("status", "--json").stdout)["refused_messages"] == {"brand": 1}
    assert "7e1a" in reached.run("events", "refused", "brand").stdout
    (found,) = reached.run("events", "refused", "brand", "--json").stdout.splitlines()
    assert (json.loads(found)["reason"], json.loads(found)["message"]) == (
        "not an SNS message: not JSON",
        "sand",
    )


def test_send_when_it_is_none_is_refused(reached: Site) -> None:
    path = reached.folder / "event.json"
    for text in ("", "[]", '{"Subject": "a"}'):
        path.write_text(text)
        assert "holds no event" in reached.run("events", "send", "brand", str(path), expect=3).stderr
