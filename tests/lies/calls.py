"""Requests that a person makes by hand: each is sent once, and its effects are counted in the portal."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from lies.kinds import fault
from lies.told import Told, plain, short_limits

from damlink import Portal, Secret
from damlink._http.bearer import BearerAuth
from damlink.errors import DamlinkError, UnclearError
from damlink_sandbox import Sandbox

__all__ = ["CALLS", "Desk", "desk", "tell"]

_numbers = itertools.count(1)


@attrs.frozen
class Desk:
    """A portal, and one of each thing that the calls need."""

    sandbox: Sandbox
    portal: Portal
    things: Mapping[str, Any]

    def control(self, action: str, **body: Any) -> Any:
        """Change the portal from outside."""
        return self.sandbox.part("bynder").control(action, body)


@attrs.frozen
class Call:
    """A call that acts, and a count of its effects.

    Attributes:
        route: a regular expression for its request.
        prepare: returns what the call and the count are about.
    """

    route: str
    act: Callable[[Desk, Any], Any]
    count: Callable[[Desk, Any], int]
    prepare: Callable[[Desk], Any] = lambda desk: f"name-{next(_numbers)}"


def _named(records: Any, name: str) -> int:
    return sum(record.name == name for record in records)


def _key() -> str:
    number = next(_numbers)
    return "".join(chr(ord("A") + number // 26**place % 26) for place in range(4))


def _new_job(desk: Desk) -> str:
    return str(desk.control("add_job", preset=desk.things["preset"])["id"])


def _free_webhook(desk: Desk) -> str:
    """A portal has ten at most."""
    for each in desk.portal.webhooks.list():
        desk.portal.webhooks.delete(each.id)
    return f"name-{next(_numbers)}"


def _collection(desk: Desk) -> str:
    return desk.portal.collections.create(name=f"name-{next(_numbers)}")


def _shares(desk: Desk, key: str) -> int:
    return len(desk.sandbox.part("bynder")._portal.library.collections[key].shares)


def _groups(desk: Desk, _: Any) -> int:
    shade = desk.sandbox.part("bynder")._portal.metaproperties[desk.things["shade"]]
    return len(shade.options[desk.things["red"]].dependencies)


def _metaproperty(desk: Desk) -> str:
    made = desk.control("metaproperty", name=f"Own{next(_numbers)}", type="select", options=["one"])
    return str(made["id"])


def _job_and_file(desk: Desk) -> tuple[str, str]:
    """A job without a file, and a file of one byte that the files service has received."""
    files = desk.portal.files
    file = files.prepare()
    files.chunk(file, chunk=0, file=desk.things["file"])
    files.finalise(file, filename="a.jpg", size=1, chunks=1)
    return _new_job(desk), file


CALLS: Final[Mapping[str, Call]] = {
    "Access.add": Call(
        "POST /api/content_access/",
        lambda desk, key: desk.portal.access.add(key, users=[desk.things["me"]]),
        lambda desk, key: len(desk.portal.access.metaproperty(key)),
        prepare=_metaproperty,
    ),
    "Automation.create": Call(
        "POST /api/1/automation-workflow/rules",
        lambda desk, name: desk.portal.automation.create(name=name),
        lambda desk, name: _named(desk.portal.automation.list(), name),
    ),
    "Campaigns.create": Call(
        "POST /api/workflow/campaigns",
        lambda desk, name: desk.portal.campaigns.create(name=name, key=_key()),
        lambda desk, name: _named(desk.portal.campaigns.list(), name),
    ),
    "Collections.create": Call(
        "POST /api/v4/collections/?$",
        lambda desk, name: desk.portal.collections.create(name=name),
        lambda desk, name: _named(desk.portal.collections.list(), name),
    ),
    "Collections.share": Call(
        "POST /api/v4/collections/.*/share",
        lambda desk, key: desk.portal.collections.share(
            key, collection_options="view", recipients=["a@b.example"]
        ),
        _shares,
        prepare=_collection,
    ),
    "Dependencies.create_group": Call(
        "POST .*/group/?$",
        lambda desk, _: desk.portal.dependencies.create_group(
            desk.things["shade"], option_id=desk.things["red"], dependency_ids=[desk.things["blue"]]
        ),
        _groups,
    ),
    "Jobs.create": Call(
        "POST /api/workflow/jobs",
        lambda desk, name: desk.portal.jobs.create(
            name=name,
            campaign_id=desk.things["campaign"],
            accountable_id=desk.things["me"],
            preset_id=desk.things["preset"],
        ),
        lambda desk, name: _named(desk.portal.jobs.list(), name),
    ),
    "Jobs.finish": Call(
        "PATCH .*/finish",
        lambda desk, key: desk.portal.jobs.finish(key),
        lambda desk, key: int(desk.portal.jobs.get(key).finished is not None),
        prepare=_new_job,
    ),
    "Jobs.upload": Call(
        "POST /workflow-jobs/",
        lambda desk, about: desk.portal.jobs.upload(about[0], file_id=about[1], name="a.jpg", size=1),
        lambda desk, about: len(desk.portal.jobs.media(about[0])),
        prepare=_job_and_file,
    ),
    "Metaproperties.create": Call(
        "POST /api/v4/metaproperties/?$",
        lambda desk, name: desk.portal.metaproperties.create(name=name.replace("-", "_")),
        lambda desk, name: _named(desk.portal.metaproperties.list(), name.replace("-", "_")),
    ),
    "Usages.create": Call(
        "POST /api/media/usage",
        lambda desk, name: desk.portal.usage.create(
            integration_id=desk.things["integration"], asset_id=desk.things["asset"], uri=f"/{name}"
        ),
        lambda desk, name: len(desk.portal.usage.list(asset_id=desk.things["asset"], uri=f"/{name}")),
    ),
    "Users.create": Call(
        "POST /api/v4/users",
        lambda desk, name: desk.portal.users.create(
            email=f"{name}@b.example",
            password=Secret("p4ssw0rd"),
            first_name="A",
            last_name="B",
            profile_id=desk.things["profile"],
        ),
        lambda desk, name: sum(user.email == f"{name}@b.example" for user in desk.portal.users.list()),
    ),
    "Webhooks.create": Call(
        "POST /v7/webhooks",
        lambda desk, name: desk.portal.webhooks.create(
            name=name, endpoint="https://us.example/events", events=["asset_bank.media.create"]
        ),
        lambda desk, name: _named(desk.portal.webhooks.list(), name),
        prepare=_free_webhook,
    ),
    "Workflow.create_group": Call(
        "POST /api/workflow/groups",
        lambda desk, name: desk.portal.workflow.create_group(name=name, user_ids=[desk.things["me"]]),
        lambda desk, name: _named(desk.portal.workflow.groups(), name),
    ),
}


@contextlib.contextmanager
def desk() -> Iterator[Desk]:
    """Open a portal of the sandbox."""
    with contextlib.ExitStack() as closing:
        sandbox = closing.enter_context(Sandbox([]))
        closing.enter_context(short_limits())
        part: Any = sandbox.part("bynder")
        part.control("lag", {"index": 0})
        auth = BearerAuth(Secret(part.token))
        portal = closing.enter_context(Portal(sandbox.origins["portal"], auth, pace=None))
        shade = part.control("metaproperty", {"name": "Shade", "type": "select2", "options": ["red", "blue"]})
        red, blue = (each.id for each in portal.metaproperties.read(shade["id"]).options)
        things = {
            "shade": shade["id"],
            "red": red,
            "blue": blue,
            "campaign": part.control("add_campaign", {})["id"],
            "preset": part.control("add_preset", {"stages": ["Only"]})["id"],
            "me": portal.users.current().id,
            "asset": part.control("add_asset", {"name": "Beach"})["id"],
            "integration": "0191e303-9d99-433e-ada4-d244d37e1d6d",
            "profile": part.control("add_profile", {"name": "Press"})["id"],
        }
        file = Path(closing.enter_context(tempfile.TemporaryDirectory())) / "a.jpg"
        file.write_bytes(b"x")
        yield Desk(sandbox, portal, {**things, "file": file})


def tell(at: Desk, name: str, lie: str) -> Told:
    """Make a call of which the answer is a lie, and compare what it says with what has been done."""
    call = CALLS[name]
    about = call.prepare(at)
    before = call.count(at, about)
    elsewhere = f"{at.sandbox.origins['control']}/elsewhere"
    at.sandbox.world.faults.add(fault(lie, "portal", call.route, elsewhere))
    try:
        call.act(at, about)
        said, error = "done", ""
    except UnclearError as unclear:
        said, error = "unclear", str(unclear)
    except DamlinkError as failed:
        said, error = "not done", str(failed)
    struck = at.sandbox.world.faults.listing()[-1]["struck"]
    at.sandbox.world.faults.clear()
    if struck != 1:
        return Told(name, lie, "lost", (f"the lie was told {struck} times: {error}",))
    return _compare(at, name, lie, about, before, said, error)


def _compare(at: Desk, name: str, lie: str, about: Any, before: int, said: str, error: str) -> Told:
    call, done = CALLS[name], CALLS[name].count(at, about) - before
    if done > 1 or (said == "not done" and done):
        return Told(name, lie, "twice", (f"{said}, and done {done} times: {error}",))
    if said == "unclear":
        return Told(name, lie, "uncertain", (plain(error),))
    if said == "not done":
        call.act(at, about)
        done = call.count(at, about) - before
        return Told(name, lie, "retried" if done == 1 else "lost", (error,))
    return Told(name, lie, "once" if done == 1 else "lost", (said,))
