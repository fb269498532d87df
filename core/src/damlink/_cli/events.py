"""`damlink events`: manage the event address, subscriptions and topics of a portal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from damlink._cli._noted import note
from damlink._cli._options import as_json, load_config, portal_argument, with_config
from damlink._cli._output import echo, echo_text
from damlink._cli._refused import refused
from damlink._cli._values import ExistingFile, read_file
from damlink.errors import ConfigError, DamlinkError

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._run.session import Session
    from damlink._serve.subscriptions import Subscriptions


@click.group("events")
def command() -> None:
    """Manage the event address of a portal, its subscriptions and topics, and what its events became."""


command.add_command(refused)


@command.command("url")
@portal_argument
@with_config
def url(portal: str, config_path: Path | None) -> None:
    """Print the complete event address.

    Anyone who has this address can send requests to it; only correctly signed events are accepted.
    """
    from damlink._run.session import Session
    from damlink._serve.address import event_url

    with Session(_config(config_path, portal)) as session:
        address = event_url(session, portal)
        # Anyone who has the address can send requests to it.
        note(session, portal)
    echo(address)


@command.command("subscribe")
@portal_argument
@with_config
def subscribe(portal: str, config_path: Path | None) -> None:
    """Subscribe the event address to all events of the portal.

    A subscription that was never confirmed is confirmed, or replaced. If the portal offers no self-service
    for subscriptions, the command prints a request to send to your account manager at Bynder.
    """
    from damlink._run.session import Session
    from damlink._serve.address import event_url
    from damlink._serve.event_subscription import find_unreachable, subscribe_address

    with Session(_config(config_path, portal)) as session:
        address, opened = event_url(session, portal), session.open_portal(portal)
        if warning := find_unreachable(address):
            echo(f"damlink: {warning}", err=True)
        subscribed = subscribe_address(session, portal, opened, address)
        note(session, portal, {"outcome": subscribed.outcome})
    if subscribed.request:
        echo_text(f"{subscribed.outcome}; send this request:\n", err=True)
    echo_text(subscribed.request or subscribed.outcome)


@command.command("list")
@portal_argument
@as_json
@with_config
def list_(portal: str, json_: bool, config_path: Path | None) -> None:
    """List the topics that have sent messages with their approval, and the state of the subscription."""
    from damlink._cli._output import moment_text, print_json, print_table
    from damlink._run.session import Session

    with Session(_config(config_path, portal), keeps=False) as session:
        listed = session.config.portals[portal].unopened.event_topics
        topics = list(_topics(_subscriptions(session, portal))) if session.has_database else []
        _say_subscription(session, portal)
    met = {topic["arn"] for topic in topics}
    topics += [_unmet(arn) for arn in listed if arn not in met]
    if json_:
        print_json(topics)
        return
    rows = [
        (each["arn"], each["state"], moment_text(each["noted_at"]), moment_text(each["confirmed_at"]))
        for each in topics
    ]
    print_table(("topic", "state", "last noted", "confirmed"), rows)


def _say_subscription(session: Session, portal: str) -> None:
    """Print the state of the portal's subscription on stderr; an unreachable portal is no failure here."""
    from damlink._run.subscription import describe_subscription, get_event_address

    if not get_event_address(session, portal):
        return
    try:
        said, _ = describe_subscription(session, portal, session.open_portal(portal))
    except DamlinkError as error:
        said = f"the state of the subscription is unknown: {error}"
    echo(f"damlink: {said}", err=True)


def _topics(subscriptions: Subscriptions) -> Iterator[dict[str, Any]]:
    for topic in subscriptions.topics.listing(subscriptions.portal):
        state = "in the config" if topic.arn in subscriptions.listed else topic.state
        moments = {"noted_at": topic.noted_at, "confirmed_at": topic.confirmed_at}
        yield {"arn": topic.arn, "state": state, **moments}


def _unmet(arn: str) -> dict[str, Any]:
    return {"arn": arn, "state": "in the config", "noted_at": None, "confirmed_at": None}


@command.command("approve")
@portal_argument
@click.argument("arn")
@with_config
def approve(portal: str, arn: str, config_path: Path | None) -> None:
    """Approve a topic, and confirm its subscription.

    Events that it sent before the approval are not processed; the next listing finds their assets.
    """
    from damlink._run.session import Session
    from damlink._sns.envelope import MalformedError, parse_topic

    try:
        parse_topic(arn)
    except MalformedError as error:
        raise click.UsageError(f"{arn!r} is {error}") from error
    with Session(_config(config_path, portal)) as session:
        subscriptions = _subscriptions(session, portal)
        subscriptions.approve(arn)
        note(session, portal, {"topic": arn})
        is_confirmed = subscriptions.confirm_approved(arn)
    confirmed = "its subscription is confirmed" if is_confirmed else "no subscription waits to be confirmed"
    echo(f"{arn} is approved; {confirmed}", err=True)


@command.command("inbox")
@portal_argument
@click.option(
    "--limit", type=click.IntRange(1, 5000), default=50, show_default=True, help="How many to list."
)
@as_json
@with_config
def inbox(portal: str, limit: int, json_: bool, config_path: Path | None) -> None:
    """List the events of the last days, the newest first, with what became of each."""
    import attrs

    from damlink._cli._output import moment_text, print_json_lines, print_table
    from damlink._run.session import Session
    from damlink._state.inbox import Inbox

    with Session(_config(config_path, portal), keeps=False) as session:
        found = Inbox(session.database).latest(portal, limit=limit) if session.has_database else []
    if json_:
        print_json_lines({**attrs.asdict(each), "verdict": each.verdict} for each in found)
        return
    rows = [
        (str(each.number), moment_text(each.received_at), each.subject, each.asset_id, each.verdict)
        for each in found
    ]
    print_table(("number", "received", "event", "asset", "what became of it"), rows)


@command.command("replay")
@portal_argument
@click.argument("first", type=click.IntRange(min=1))
@click.argument("last", type=click.IntRange(min=1), required=False)
@with_config
def replay(portal: str, first: int, last: int | None, config_path: Path | None) -> None:
    """Process an event once more, or all from FIRST to LAST. `damlink events inbox` shows the numbers."""
    from damlink._run.session import Session
    from damlink._state.inbox import Inbox

    with Session(_config(config_path, portal)) as session:
        count = Inbox(session.database).replay(portal, first, last or first)
        if count:
            note(session, portal, {"first": first, "last": last or first, "count": count})
    if not count:
        hint = f"`damlink events inbox {portal}` lists them"
        raise ConfigError("", f"the inbox of {portal} has no such event", hint=hint)
    echo(f"{count} in the inbox once more; `damlink serve` processes them", err=True)


@command.command("send")
@portal_argument
@click.argument("file", type=ExistingFile())
@with_config
def send(portal: str, file: Path, config_path: Path | None) -> None:
    """Put an event from a file into the inbox, as if the portal had sent it.

    The file contains an SNS envelope, or a JSON object with "Subject" and "Message". The event is processed
    even if it was received before.
    """
    from damlink._run.session import Session
    from damlink._serve.sent_event import read_event
    from damlink._state.inbox import Inbox

    with Session(_config(config_path, portal)) as session:
        sent = read_event(portal, read_file(file), str(file))
        Inbox(session.database).put(sent)
        note(session, portal, {"event": sent.subject[:200], "message": sent.message_id})
    echo(f"{sent.subject} is in the inbox; `damlink serve` processes it", err=True)


def _config(given: Path | None, portal: str) -> Config:
    """Load the config, and verify that it has the portal."""
    config = load_config(given)
    config.portal(portal)
    return config


def _subscriptions(session: Session, portal: str) -> Subscriptions:
    from damlink._serve.subscriptions import subscriptions_of

    return subscriptions_of(session, portal)
