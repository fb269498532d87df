"""Workflow campaigns. Source: Bynder's published definition of campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from damlink_sandbox.bynder.portal import Portal, no_route
from damlink_sandbox.bynder.workflow import Campaign, failure, find_record, format_date, plain, workflow_id
from damlink_sandbox.bynder.workflow_fields import Fields, boolean, date, mapping, read, reference, text
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_PATH = "/api/workflow/campaigns"
_READ, _WRITE = "workflow.campaign:read", "workflow.campaign:write"
_FIELDS: Fields = {
    "name": ("name", text),
    # Four characters, but five are seen.
    "key": ("key", text),
    "description": ("description", text),
    "responsibleID": ("responsible", reference),
    "dateStart": ("start", date),
    "deadline": ("deadline", date),
    "closed": ("closed", boolean),
    "campaignMetaproperties": ("metaproperties", mapping),
}

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes=_READ, roles="CAMPAIGNOVERVIEW")
def _list(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_render(portal, one) for one in portal.workflow.campaigns.values()])


@routes.add(f"POST {_PATH}", scopes=_WRITE, roles="CAMPAIGNADD")
def _create(portal: Portal, call: Call) -> Answer:
    given = read(call, _FIELDS)
    if not given.get("name") or not given.get("key"):
        raise failure(400)  # assumed
    made = create(portal, workflow_id(call.caller.user.id), given)
    location = f"{portal.world.origins['portal']}{_PATH}/{made.id}/"
    return json_answer(201, {"id": plain(made.id)}, Location=location)


def create(portal: Portal, creator: str, given: Mapping[str, Any]) -> Campaign:
    """Add a campaign."""
    now = portal.world.clock.now()
    made = Campaign(portal.ids.uuid(), created_by=creator, created=now, modified=now, **given)
    portal.workflow.campaigns[made.id] = made
    return made


@routes.add(f"GET {_PATH}/{{id}}", scopes=_READ, roles="CAMPAIGNOVERVIEW")
def _get(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _render(portal, find_record(portal.workflow.campaigns, call.params["id"])))


@routes.add(f"PUT {_PATH}/{{id}}", scopes=_WRITE, roles="CAMPAIGNEDIT")
def _modify(portal: Portal, call: Call) -> Answer:
    campaign = find_record(portal.workflow.campaigns, call.params["id"])
    for name, value in read(call, _FIELDS).items():
        setattr(campaign, name, value)
    campaign.modified = portal.world.clock.now()
    return json_answer(201, {"id": plain(campaign.id)})


@routes.add(f"POST {_PATH}/{{id}}", scopes=_WRITE, roles="CAMPAIGNWRITE")
def _close(portal: Portal, call: Call) -> Answer:
    return _close_unless(portal, call, "close")


@routes.add(f"POST {_PATH}/{{id}}/close", scopes=_WRITE, roles="CAMPAIGNWRITE")
def _close_named(portal: Portal, call: Call) -> Answer:
    return _close_unless(portal, call, "definition")


def _close_unless(portal: Portal, call: Call, unless: str) -> Answer:
    if portal.settings.campaign_close == unless:
        raise no_route()
    campaign = find_record(portal.workflow.campaigns, call.params["id"])
    campaign.closed, campaign.modified = True, portal.world.clock.now()
    return Answer(204)


@routes.add(f"DELETE {_PATH}/{{id}}", scopes=_WRITE, roles="CAMPAIGNREMOVE")
def _delete(portal: Portal, call: Call) -> Answer:
    workflow = portal.workflow
    gone = find_record(workflow.campaigns, call.params["id"]).id
    del workflow.campaigns[gone]
    # Assumed: a campaign's jobs go with it.
    workflow.jobs = {key: job for key, job in workflow.jobs.items() if job.campaign != gone}
    return Answer(204)


def _render(portal: Portal, campaign: Campaign) -> dict[str, Any]:
    return {
        "ID": campaign.id,
        "name": campaign.name,
        "key": campaign.key,
        "description": campaign.description,
        "closed": campaign.closed,
        "dateStart": format_date(campaign.start),
        "deadline": f"{campaign.deadline:%Y-%m-%dT%H:%M:%S}" if campaign.deadline else None,
        "accountID": portal.workflow.account,
        "presetID": None,
        "createdByID": campaign.created_by,
        "responsibleID": campaign.responsible,
        "dateCreated": format_date(campaign.created),
        "dateModified": format_date(campaign.modified),
        "thumbnailURL": "",
        "campaignMetaproperties": campaign.metaproperties,
    }
