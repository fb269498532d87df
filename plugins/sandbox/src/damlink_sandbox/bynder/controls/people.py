"""Control actions on people, tokens, workflow, orders and notifications."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder import campaigns, events, jobs
from damlink_sandbox.bynder.access import Group, Profile, User
from damlink_sandbox.bynder.actions import Actions, Body
from damlink_sandbox.bynder.portal import Portal, moment
from damlink_sandbox.bynder.presets import add_metaproperty
from damlink_sandbox.bynder.records import Line, Order
from damlink_sandbox.bynder.rights import SCOPES
from damlink_sandbox.bynder.workflow import Preset, find_record, format_date, workflow_id
from damlink_sandbox.bynder.workflow_fields import date

ACTIONS = Actions()


@ACTIONS.add
def add_profile(portal: Portal, body: Body) -> Any:
    """Add a security profile: `{"name", "roles": […]}`."""
    made = Profile(portal.ids.new(), body.get("name", "Profile"), set(body.get("roles", ())))
    portal.access.profiles[made.id] = made
    return {"id": made.id}


@ACTIONS.add
def add_group(portal: Portal, body: Body) -> Any:
    """Add a group of the asset bank: `{"name"}`."""
    made = Group(portal.ids.new(), body["name"])
    portal.access.groups[made.id] = made
    return {"id": made.id}


@ACTIONS.add
def add_user(portal: Portal, body: Body) -> Any:
    """Add users: `{"username", "first_name", "last_name", "profile_id", "active": bool, "times": n}`, all
    optional.
    """
    made = [_user(portal, body, number) for number in range(1, int(body.get("times", 1)) + 1)]
    return {"id": made[0].id, "username": made[0].username, "ids": [user.id for user in made]}


def _user(portal: Portal, body: Body, number: int) -> User:
    name = body.get("username", f"user{len(portal.access.users)}@portal.example")
    username = f"{number}.{name}" if "times" in body else name
    profile = body.get("profile_id", portal.access.own_profile.id)
    first, last = body.get("first_name", "Una"), body.get("last_name", "User")
    user = User(portal.ids.new(), username, first, last, profile, is_active=bool(body.get("active", True)))
    portal.access.users[user.id] = user
    return user


@ACTIONS.add
def remove_user(portal: Portal, body: Body) -> Any:
    """Delete the user behind the tokens, or `{"id": …}`."""
    gone = portal.access.users.pop(body.get("id", portal.access.user.id).upper())
    return {"id": gone.id}


@ACTIONS.add
def add_token(portal: Portal, body: Body) -> Any:
    """Add a permanent token: `{"scopes": […], "user": id, "roles": […]}`; with `roles`, of a new user."""
    user_id = body.get("user", portal.access.user.id).upper()
    if "roles" in body:
        profile = add_profile(portal, {"roles": body["roles"]})["id"]
        user_id = _user(portal, {"profile_id": profile}, 1).id
    return {"token": portal.access.issue_permanent(user_id, body.get("scopes", SCOPES)), "user": user_id}


@ACTIONS.add
def token_scopes(portal: Portal, body: Body) -> Any:
    """Change the scopes of one token: `{"token", "scopes": […]}`."""
    portal.access.tokens[body["token"]].scopes = frozenset(body["scopes"])
    return sorted(body["scopes"])


@ACTIONS.add
def revoke_token(portal: Portal, body: Body) -> Any:
    """Revoke one token: `{"token"}`."""
    del portal.access.tokens[body["token"]]
    return {}


@ACTIONS.add
def oauth1(portal: Portal, _body: Body) -> Any:
    """Return the four keys of OAuth 1.0a that are there from the start."""
    access = portal.access
    return {
        "consumer_key": access.signatures.key,
        "consumer_secret": access.signatures.secret,
        "oauth_token": access.oauth1_token,
        "oauth_token_secret": access.oauth1_secrets[access.oauth1_token],
    }


@ACTIONS.add
def add_campaign(portal: Portal, body: Body) -> Any:
    """Add a campaign: `{"name", "key", "description", "deadline"}`, all optional."""
    given = {"name": "Campaign", "key": "CAMP", **body, "deadline": date(body.get("deadline"))}
    return {"id": campaigns.create(portal, workflow_id(portal.access.user.id), given).id}


@ACTIONS.add
def add_job(portal: Portal, body: Body) -> Any:
    """Add a job: `{"name", "campaign": id, "preset": id, "deadline"}`, all optional; else in a campaign of
    its own.
    """
    given = {"name": "Job", **body, "deadline": date(body.get("deadline"))}
    given.setdefault("campaign", None)
    given["campaign"] = given["campaign"] or add_campaign(portal, {})["id"]
    return {"id": jobs.create(portal, workflow_id(portal.access.user.id), given).id}


@ACTIONS.add
def add_job_media(portal: Portal, body: Body) -> Any:
    """Attach a file to a job: `{"job": id, "filename", "url"}`."""
    job = find_record(portal.workflow.jobs, body["job"])
    name, address = body.get("filename", "draft.png"), body.get("url", "https://files.example/draft.png")
    return {"id": jobs.attach(portal, job, name, portal.access.user.name, address)}


@ACTIONS.add
def add_preset(portal: Portal, body: Body) -> Any:
    """Add a job preset: `{"name", "stages": [names]}`."""
    stages = tuple((portal.ids.uuid(), name) for name in body.get("stages", ("Draft", "Review")))
    made = Preset(portal.ids.uuid(), body.get("name", "Preset"), stages)
    portal.workflow.presets[made.id] = made
    return {"id": made.id, "stages": [key for key, _ in stages]}


@ACTIONS.add
def presets(portal: Portal, _body: Body) -> Any:
    """Return the job presets: no call of the portal lists them."""
    return [{"id": preset.id, "name": preset.name} for preset in portal.workflow.presets.values()]


@ACTIONS.add
def workflow_metaproperty(portal: Portal, body: Body) -> Any:
    """Add a metaproperty of workflow: `{"label", "entity": "job" or "campaign", "options": [labels]}`."""
    options = list(body.get("options", ()))
    return {"id": add_metaproperty(portal, body["label"], body.get("entity", "job"), options)}


@ACTIONS.add
def add_order(portal: Portal, body: Body) -> Any:
    """Add orders: `{"reference", "status", "created", "lines": [{"name", "quantity", "price"}], "times":
    n}`.
    """
    made = [_order(portal, body) for _ in range(int(body.get("times", 1)))]
    return {"id": made[0].id, "reference": made[0].reference, "ids": [order.id for order in made]}


def _order(portal: Portal, body: Body) -> Order:
    created = moment(body["created"]) if body.get("created") else portal.world.clock.now()
    number = body.get("reference", f"NA{len(portal.orders) + 1:05}")
    rows = body.get("lines", ({"name": "Poster"},))
    lines = [
        Line(portal.ids.uuid(), row["name"], row.get("quantity", 1), row.get("price", 9.5)) for row in rows
    ]
    order = Order(portal.ids.new(), number, created, portal.access.user.username, lines)
    order.status = body.get("status", order.status)
    portal.orders[order.id] = order
    return order


@ACTIONS.add
def notify(portal: Portal, body: Body) -> Any:
    """Publish any notification: `{"subject", "message": {…}}`."""
    events.publish(portal.world, body["subject"], body.get("message", {}), portal.settings.event_lag)
    return {}


def summary(portal: Portal) -> dict[str, Any]:
    """Return the part of `state` about people and work."""
    campaigns, jobs = portal.workflow.campaigns.values(), portal.workflow.jobs.values()
    return {
        "users": [{"id": one.id, "username": one.username} for one in portal.access.users.values()],
        "campaigns": [{"id": one.id, "name": one.name, "closed": one.closed} for one in campaigns],
        "jobs": [{"id": one.id, "name": one.name, "finished": format_date(one.finished)} for one in jobs],
        "orders": [
            {
                "id": one.id,
                "status": one.status,
                "message": one.message,
                "trackingnumber": one.tracking_number,
            }
            for one in portal.orders.values()
        ],
        "webhooks": [
            {"id": one.id, "endpoint": one.endpoint, "events": list(one.events), "active": one.active}
            for one in portal.webhooks.values()
        ],
    }
