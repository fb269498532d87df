"""Verify that a connector works: plugin, settings, portal, brand, partner and events, in this order."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

from damlink._http.fetch import fetch
from damlink._model import Finding
from damlink._plugin.values import Refused
from damlink._run.runtime import ConnectorRuntime
from damlink._run.session import Session
from damlink._run.subscription import describe_subscription
from damlink._sns.queue import open_queue
from damlink.bynder import Portal
from damlink.errors import ConnectorError, DamlinkError, TransientError

__all__ = ["Finding", "check_connector", "check_portal", "check_queue"]

ANSWER_BYTES: Final = 64 * 1024
ANSWER_SECONDS: Final = 10.0
WRONG_METHOD: Final = 405


def check_connector(session: Session, name: str) -> Iterator[Finding]:
    """Check one connector, and yield `connected` last if nothing is wrong. Changes and spends nothing."""
    is_fine = True
    for finding in _findings(session, name):
        is_fine = is_fine and finding.ok
        yield finding
    if is_fine:
        yield Finding("result", "connected")


def check_portal(session: Session, name: str) -> Iterator[Finding]:
    """Check the settings, credentials and brands of one portal. Changes nothing."""
    what = "settings"
    try:
        portal = session.open_portal(name)
        yield Finding(what, f"auth {session.config.portal(name).unopened.auth}")
        what = "portal"
        yield Finding(what, _check_portal_user(portal))
        what = "brand"
        yield Finding(what, _check_brand(portal))
        queues = tuple(check_queue(session, name))
        yield from queues
        if not all(each.ok for each in queues):
            return
    except DamlinkError as error:
        yield Finding.from_error(what, error)
    else:
        yield Finding("result", "connected")


def _findings(session: Session, name: str) -> Iterator[Finding]:
    """Yield a finding for each step, and the plugin's own last. A step that fails is the last one."""
    what = "plugin"
    try:
        info = session.load_plugin(name).info
        yield Finding(what, f"{info.distribution} {info.version}")
        what = "settings"
        runtime = session.open_connector(name)
        yield Finding(what, f"plugin {runtime.config.plugin}, portal {runtime.config.portal}")
        for what, check in _steps(runtime):
            yield Finding(what, check())
        what = "plugin"
        if "on_event" in runtime.plugin.hooks:
            yield from _check_events(session, runtime)
        yield from runtime.plugin.check(runtime.context)
    except DamlinkError as error:
        yield Finding.from_error(what, error)


def _steps(runtime: ConnectorRuntime) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield the checks of both sides, each with the word that its finding begins with."""
    yield "portal", lambda: _check_portal_user(runtime.portal)
    if runtime.plugin.about.uploads:
        yield "brand", lambda: _check_brand(runtime.portal)
    yield "partner", lambda: _check_partner(runtime)


def _check_portal_user(portal: Portal) -> str:
    profile = portal.profiles.own()
    if profile is None:
        return f"{portal.url} lets us in; its user may not read the roles of its own profile"
    uploads = sorted(role for role in profile.roles if role.startswith("MEDIAUPLOAD"))
    return f"{portal.url} lets us in as {profile.name!r} with {', '.join(uploads) or 'no upload role'}"


def _check_brand(portal: Portal) -> str:
    chosen = portal.brand_id()
    if not chosen:
        return "the portal has none, and needs none"
    names = {brand.id: brand.name for brand in portal.brands.read_once()}
    return f"new assets go to {names.get(chosen, chosen)!r}"


def _check_partner(runtime: ConnectorRuntime) -> str:
    if "list_source_assets" not in runtime.plugin.hooks:
        return "nothing to list; it waits for events"
    with contextlib.closing(runtime.plugin.list_source_assets(runtime.context, None)) as items:
        found = next(iter(items), None)
    if isinstance(found, Refused):
        raise found.error
    return "the listing answers" if found is not None else "the listing answers; there is nothing in it"


def _check_events(session: Session, runtime: ConnectorRuntime) -> Iterator[Finding]:
    """Verify that the events of a connector's portal arrive, at its address, in its queue, or both."""
    portal = runtime.config.portal
    queues = tuple(check_queue(session, portal))
    yield from queues
    if session.config.serve.public_url or not queues:
        yield _check_event_address(session, runtime)
        yield from _check_subscription(session, runtime)


def check_queue(session: Session, portal: str) -> Iterator[Finding]:
    """Verify that a portal's queue answers, if it has one. Receives nothing."""
    if url := session.config.portals[portal].unopened.event_queue:
        place = f"{session.config.path}: portals.{portal}.event_queue"
        try:
            with contextlib.closing(open_queue(url, place=place)) as queue:
                yield Finding("queue", queue.describe())
        except DamlinkError as error:
            yield Finding.from_error("queue", error)


def _check_event_address(session: Session, runtime: ConnectorRuntime) -> Finding:
    """Verify that the event address answers. It accepts POST alone, so that a GET is refused with 405."""
    public_url, portal = session.config.serve.public_url.rstrip("/"), runtime.config.portal
    if not public_url:
        return Finding("events", "[serve] public_url is not set: changes are found by the listing alone")
    try:
        fetch(f"{public_url}/events/{portal}/check", most_bytes=ANSWER_BYTES, seconds=ANSWER_SECONDS)
        said = "something else answers there"
    except ConnectorError as error:
        if error.status == WRONG_METHOD:
            return Finding("events", f"{public_url} answers; `damlink events url {portal}` has it whole")
        said = str(error)
    hint = "start `damlink serve`, or correct [serve] public_url"
    missing = TransientError(f"the event address does not answer as it should: {said}", hint=hint)
    return Finding.from_error("events", missing)


def _check_subscription(session: Session, runtime: ConnectorRuntime) -> Iterator[Finding]:
    """Yield whether the portal's subscription to the event address is confirmed."""
    if not session.config.serve.public_url:
        return
    said, is_fine = describe_subscription(session, runtime.config.portal, runtime.portal)
    yield Finding("subscription", said, None if is_fine else TransientError(said))
