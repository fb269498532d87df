"""Workflow jobs, their stages and their media. Source: Bynder's published definition of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from damlink_sandbox.bynder.events import JOB_CREATED, publish
from damlink_sandbox.bynder.job_list import filter_jobs
from damlink_sandbox.bynder.portal import Portal, slice_page
from damlink_sandbox.bynder.workflow import Job, Stage, failure, find_record, format_date, workflow_id
from damlink_sandbox.bynder.workflow_fields import (
    Fields,
    date,
    each,
    mapping,
    read,
    reference,
    status,
    text,
    within,
)
from damlink_sandbox.router import Answer, Call, Routes, json_answer

_PATH = "/api/workflow/jobs"
_READ, _WRITE = "workflow.job:read", "workflow.job:write"
_FIELDS: Fields = {
    "name": ("name", text),
    "description": ("description", text),
    "deadline": ("deadline", date),
    "campaignID": ("campaign", reference),
    "accountableID": ("accountable", reference),
    "jobMetaproperties": ("metaproperties", mapping),
}
_STAGE: Fields = {
    "preset_stage_id": ("preset_stage", reference),
    "name": ("name", text),
    "description": ("description", text),
    "deadline": ("deadline", date),
    "responsibleID": ("responsible", reference),
    "responsibleGroupID": ("responsible_group", reference),
}
_MADE_WITH: Fields = {
    **_FIELDS,
    "presetID": ("preset", reference),
    "stages": ("stages", each(within(_STAGE))),
}
_MOVE: Fields = {"id": ("id", reference), "status": ("status", status), "deadline": ("deadline", date)}
_MOVES: Fields = {
    "previousStage": ("previous", within(_MOVE)),
    "activeStage": ("active", within(_MOVE)),
    "nextStage": ("next", within(_MOVE)),
}

routes: Routes[Portal] = Routes()


@routes.add(f"GET {_PATH}", scopes=_READ, roles="JOBOVERVIEW")
def _list(portal: Portal, call: Call) -> Answer:
    return _page(call, portal.workflow.jobs.values())


@routes.add(
    "GET /api/workflow/campaigns/{id}/jobs",
    scopes=f"{_READ} workflow.campaign:read",
    roles="CAMPAIGNOVERVIEW",
)
def _of_campaign(portal: Portal, call: Call) -> Answer:
    """List a campaign's jobs. That either scope does is assumed; the role is the campaigns'."""
    campaign = find_record(portal.workflow.campaigns, call.params["id"])
    return _page(call, [job for job in portal.workflow.jobs.values() if job.campaign == campaign.id])


def _page(call: Call, jobs: Iterable[Job]) -> Answer:
    found, headers = slice_page(filter_jobs(jobs, call.query), call.query)
    return json_answer(200, [_render(job) for job in found], **headers)


@routes.add(f"POST {_PATH}", scopes=_WRITE, roles="JOBADD")
def _create(portal: Portal, call: Call) -> Answer:
    given = read(call, _MADE_WITH)
    if not given.get("name") or not given.get("campaign"):
        raise failure(400)  # assumed
    made = create(portal, workflow_id(call.caller.user.id), given)
    return json_answer(201, {"status": "Created", "job_id": made.id})


def create(portal: Portal, creator: str, given: Mapping[str, Any]) -> Job:
    """Add a job, with the stages of its preset or its own.

    Raises:
        Refusal: 404: no such campaign or preset (assumed).
    """
    workflow, now = portal.workflow, portal.world.clock.now()
    campaign = find_record(workflow.campaigns, given["campaign"])
    stages = _stages(portal, given.get("preset"), given.get("stages", ()))
    # Counted, and not the number of jobs: the key of a deleted job is not given again.
    campaign.jobs += 1
    rest = {name: value for name, value in given.items() if name != "stages"}
    key = f"{campaign.key}-{campaign.jobs}"
    made = Job(
        portal.ids.uuid(), key=key, created_by=creator, created=now, modified=now, stages=stages, **rest
    )
    workflow.jobs[made.id] = made
    # what its message holds is not published: assumed
    publish(portal.world, JOB_CREATED, {"job_id": made.id}, portal.settings.event_lag)
    return made


def _stages(portal: Portal, preset_id: str | None, given: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """Return the preset's stages, with the values sent for each; without a preset those sent, or one
    (assumed).
    """
    own = given or [{"name": "Start stage"}]
    if preset_id is not None:
        of_preset = {one.get("preset_stage"): one for one in given}
        preset = find_record(portal.workflow.presets, preset_id)
        own = [{"name": name, **of_preset.get(key, {})} for key, name in preset.stages]
    made = [_stage(portal, one) for one in own]
    made[0].status = "Active"
    return made


def _stage(portal: Portal, given: Mapping[str, Any]) -> Stage:
    known_fields = {name: value for name, value in given.items() if name != "preset_stage"}
    return Stage(portal.ids.uuid(), portal.world.clock.now(), **known_fields)


@routes.add(f"GET {_PATH}/{{id}}", scopes=_READ, roles="JOBOVERVIEW")
def _get(portal: Portal, call: Call) -> Answer:
    return json_answer(200, _render(find_record(portal.workflow.jobs, call.params["id"])))


@routes.add(f"PUT {_PATH}/{{id}}", scopes=_WRITE, roles="JOBEDIT")
def _modify(portal: Portal, call: Call) -> Answer:
    job = find_record(portal.workflow.jobs, call.params["id"])
    changes, moves = read(call, _FIELDS), read(call, _MOVES)
    if "campaign" in changes:
        find_record(portal.workflow.campaigns, changes["campaign"] or "")
    for place, move in moves.items():
        _move(job, place, move)
    for name, value in changes.items():
        setattr(job, name, value)
    job.modified = portal.world.clock.now()
    return json_answer(200, {"status": "Updated", "job_id": job.id})


def _move(job: Job, place: str, move: Mapping[str, Any]) -> None:
    stage = find_record({stage.id: stage for stage in job.stages}, move.get("id") or "")
    stage.status = move.get("status", stage.status)
    stage.deadline = move.get("deadline", stage.deadline)
    if place == "active":
        job.active = job.stages.index(stage)
        # Else it is open again (assumed).
        job.finished = job.finished if stage.status == "Approved" else None


@routes.add(f"DELETE {_PATH}/{{id}}", scopes=_WRITE, roles="JOBREMOVE")
def _delete(portal: Portal, call: Call) -> Answer:
    del portal.workflow.jobs[find_record(portal.workflow.jobs, call.params["id"]).id]
    return Answer(204)


@routes.add(f"PATCH {_PATH}/{{id}}/finish", scopes="workflow.job:approve", roles="JOBAPPROVE")
def _finish(portal: Portal, call: Call) -> Answer:
    job, now = find_record(portal.workflow.jobs, call.params["id"]), portal.world.clock.now()
    if job.finished or job.stages[job.active].status == "Approved":
        raise failure(409, status="Job already finished.", message="Re-open the job to finish again.")
    if job.active + 1 < len(job.stages):
        advice = f"Advance the job {job.id} to the last stage to finish."
        raise failure(409, status="Job not on last stage.", message=advice)
    job.stages[job.active].status = "Approved"
    job.finished = job.modified = now
    job.history.append((workflow_id(call.caller.user.id), now))
    return json_answer(200, {"status": "Finished", "job_id": job.id})


@routes.add(f"GET {_PATH}/{{id}}/media", scopes=_READ, roles="JOBOVERVIEW")
def _media(portal: Portal, call: Call) -> Answer:
    return json_answer(200, find_record(portal.workflow.jobs, call.params["id"]).media)


def attach(portal: Portal, job: Job, file_name: str, uploader: str, address: str) -> str:
    """Attach a file to a job; its id."""
    now, media_id = format_date(portal.world.clock.now()), portal.ids.uuid()
    previews = [{"type": kind, "url": address} for kind in ("thumbnail", "preview", "activity")]
    media = {
        "id": media_id, "filename": file_name, "uploader_name": uploader, "responsible_name": uploader,
        "dateCreated": now, "dateModified": now, "orientation": "square", "original_url": address,
        "status": "AwaitingApproval", "versionParentID": None, "version": 1, "previews": previews,
        "sub_versions": [],
    }  # fmt: skip
    job.media.append(media)
    return media_id


@routes.add(f"GET {_PATH}/{{id}}/stages", scopes=_READ, roles="JOBOVERVIEW")
def _stage_list(portal: Portal, call: Call) -> Answer:
    job = find_record(portal.workflow.jobs, call.params["id"])
    return json_answer(200, [_stage_shown(job, one, at) for at, one in enumerate(job.stages, 1)])


def _stage_shown(job: Job, stage: Stage, position: int) -> dict[str, Any]:
    owner = stage.responsible_group or stage.responsible
    kind = "group" if stage.responsible_group else "user"
    return {
        "id": stage.id, "name": stage.name, "description": stage.description,
        "deadline": format_date(stage.deadline),
        "dateCreated": format_date(stage.created), "createdByID": job.created_by, "status": stage.status,
        "position": position, "responsible": {"id": owner, "type": kind} if owner else None,
    }  # fmt: skip


def _render(job: Job) -> dict[str, Any]:
    stages = [{"position": at, "status": one.status, "id": one.id} for at, one in enumerate(job.stages, 1)]
    history = [{"userId": user, "date": format_date(when)} for user, when in job.history]
    return {
        "id": job.id,
        "name": job.name,
        "description": job.description,
        "deadline": format_date(job.deadline),
        "createdByID": job.created_by,
        "accountableID": job.accountable,
        "dateCreated": format_date(job.created),
        "dateModified": format_date(job.modified),
        "basedOnPreset": job.preset is not None,
        "presetID": job.preset,
        "campaignID": job.campaign,
        "bookedMinutes": 0,
        "jobKey": job.key,
        "dateFinished": format_date(job.finished),
        "jobFinishedHistory": history or None,
        "job_stages": stages,
        "job_previous_stage": stages[job.active - 1] if job.active else {},
        "job_active_stage": stages[job.active],
        "job_next_stage": stages[job.active + 1] if job.active + 1 < len(stages) else {},
        "jobMetaproperties": job.metaproperties,
    }
