"""Jobs of the workflow, what they are made from, and what is attached to them.

Source: Bynder's published definition of jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body, read_again
from damlink.bynder._fields import fields, page_size
from damlink.bynder._once import confirmed, id_of, post_once
from damlink.bynder._pages import Page, numbered, walk
from damlink.bynder._request import given, remove, segment
from damlink.bynder.records.workflow import Job, JobMedia, JobPreset, Stage, workflow_id

__all__ = ["JobFields", "JobFilters", "Jobs"]

PATH: Final = "/api/workflow/jobs"


class JobFilters(TypedDict, total=False):
    """Which jobs are listed, and in which order.

    Args:
        date_created_from: only jobs created then or later.
        date_created_to: only jobs created until then.
        date_modified_from: only jobs changed then or later.
        date_modified_to: only jobs changed until then.
        deadline_from: only jobs with a deadline then or later.
        deadline_to: only jobs with a deadline until then.
        responsible_ids: only jobs of which one of these users is responsible for a stage.
        accountable_ids: only jobs for which one of these users is accountable.
        status: only jobs in one of these: `Idle`, `Active`, `Cancelled`, `Approved`, `NeedsChanges`.
        order_by: a field and a direction, such as `deadline asc`.
        extra: further parameters, in Bynder's own names.
    """

    date_created_from: datetime
    date_created_to: datetime
    date_modified_from: datetime
    date_modified_to: datetime
    deadline_from: datetime
    deadline_to: datetime
    responsible_ids: Sequence[str]
    accountable_ids: Sequence[str]
    status: Sequence[str]
    order_by: str
    extra: Mapping[str, Any]


class JobFields(TypedDict, total=False):
    """What may be said of a job.

    Args:
        description: of the job.
        deadline: when it ends.
        metaproperties: of the workflow: options' ids, parted by commas, or a text, by the metaproperty's id.
        extra: further fields, in Bynder's own names.
    """

    description: str
    deadline: datetime
    metaproperties: Mapping[str, str]
    extra: Mapping[str, Any]


class Jobs:
    """Jobs of the workflow, what they are made from, and what is attached to them."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @action("List Jobs")
    def list(self, *, limit: int | None = None, **filters: Unpack[JobFilters]) -> Iterator[Job]:
        """The jobs that pass the filters, one after the other.

        Args:
            limit: jobs asked for at once; without it, all in one answer.
        """
        return self.walk(PATH, limit, filters)

    @action()
    def page(
        self,
        *,
        page: int = 1,
        limit: int | None = None,
        campaign_id: str | None = None,
        **filters: Unpack[JobFilters],
    ) -> Page[Job]:
        """One page of jobs, with how many there are.

        Args:
            page: its number, from 1.
            limit: the most on a page; without it, all.
            campaign_id: only jobs of this campaign.
        """
        path = f"/api/workflow/campaigns/{segment(workflow_id(campaign_id))}/jobs" if campaign_id else PATH
        return self._page(path, page, limit, filters)

    def walk(self, path: str, limit: int | None, filters: JobFilters) -> Iterator[Job]:
        """The jobs that a path lists."""
        size = page_size(filters.get("extra"), limit)
        return walk(lambda page: self._page(path, page, size, filters), size)

    def _page(self, path: str, page: int, limit: int | None, filters: JobFilters) -> Page[Job]:
        query = numbered(page, limit) | _query(filters)
        return read_again(
            lambda: self._client.get(path, params=query), lambda response: Page.read(response, Job.read)
        )

    @action("Get Job")
    def get(self, id: str) -> Job:
        """One job.

        Args:
            id: of the job.
        """
        return Job.read(get_body(self._client, _path(id), expect_object))

    @action("Create Job")
    def create(
        self,
        *,
        name: str,
        campaign_id: str,
        accountable_id: str,
        preset_id: str | None = None,
        stages: Sequence[Mapping[str, Any]] | None = None,
        **fields: Unpack[JobFields],
    ) -> Job:
        """Create a job; the answer tells the new id.

        Args:
            name: of the job.
            campaign_id: the campaign it belongs to.
            accountable_id: the user who is accountable for it.
            preset_id: the preset it is made from.
            stages: what differs from the preset's, each with its `preset_stage_id`.

        Raises:
            UnclearError: the job may or may not have been created.
        """
        body = _body(name, campaign_id, accountable_id, fields) | given(
            presetID=preset_id, stages=[dict(stage) for stage in stages] if stages else None
        )

        def read(answer: Mapping[str, Any]) -> Job:
            return Job.read({**body, **answer, "job_id": id_of(answer, "job_id", "id")})

        return post_once(self._client, PATH, read, json=body | dict(fields.get("extra") or {}))

    @action("Update Job")
    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        campaign_id: str | None = None,
        accountable_id: str | None = None,
        active_stage: Mapping[str, Any] | None = None,
        next_stage: Mapping[str, Any] | None = None,
        previous_stage: Mapping[str, Any] | None = None,
        **fields: Unpack[JobFields],
    ) -> None:
        """Change a job; what is not given is not sent. Safe to repeat.

        Args:
            id: of the job.
            name: of the job.
            campaign_id: the campaign it belongs to.
            accountable_id: the user who is accountable for it.
            active_stage: `id`, `status` and `deadline` of the stage that is to be the active one.
            next_stage: the same of the stage after it.
            previous_stage: the same of the stage before it.
        """
        stages = given(activeStage=active_stage, nextStage=next_stage, previousStage=previous_stage)
        body = _body(name, campaign_id, accountable_id, fields) | stages
        self._client.put(_path(id), json=body | dict(fields.get("extra") or {}))

    @action("Delete Job")
    def delete(self, id: str) -> None:
        """Delete a job.

        Args:
            id: of the job.
        """
        remove(self._client, _path(id))

    @action("Get Media of Job")
    def media(self, id: str) -> tuple[JobMedia, ...]:
        """The files attached to a job.

        Args:
            id: of the job.
        """
        return tuple(map(JobMedia.read, get_body(self._client, f"{_path(id)}/media", expect_records)))

    @action()
    def stages(self, id: str) -> tuple[Stage, ...]:
        """The stages of a job.

        Args:
            id: of the job.
        """
        return tuple(map(Stage.read, get_body(self._client, f"{_path(id)}/stages", expect_records)))

    @action()
    def finish(self, id: str) -> None:
        """Finish a job that is in its last stage.

        Args:
            id: of the job.

        Raises:
            BynderError: status 409: it is finished already, or not in its last stage.
            UnclearError: it may or may not have been finished.
        """
        post_once(self._client, f"{_path(id)}/finish", confirmed, method="PATCH")

    @action("Get Job Preset")
    def preset(self, id: str) -> JobPreset:
        """A preset that jobs are made from.

        Args:
            id: of the preset.
        """
        return JobPreset.read(
            get_body(self._client, f"/api/workflow/presets/job/{segment(workflow_id(id))}", expect_object)
        )


def _path(id: str) -> str:
    return f"{PATH}/{segment(workflow_id(id))}"


def _query(filters: JobFilters) -> dict[str, Any]:
    """The filters in Bynder's own names; `resonsibleIDs` is misspelt in the definition."""
    return given(
        dateCreatedFrom=_written(filters.get("date_created_from")),
        dateCreatedTo=_written(filters.get("date_created_to")),
        dateModifiedFrom=_written(filters.get("date_modified_from")),
        dateModifiedTo=_written(filters.get("date_modified_to")),
        deadlineFrom=_written(filters.get("deadline_from")),
        deadlineTo=_written(filters.get("deadline_to")),
        resonsibleIDs=",".join(map(workflow_id, filters.get("responsible_ids") or ())) or None,
        accountableIDs=",".join(map(workflow_id, filters.get("accountable_ids") or ())) or None,
        status=",".join(filters.get("status") or ()) or None,
        orderBy=filters.get("order_by"),
    ) | fields(filters.get("extra") or {})


def _body(
    name: str | None, campaign_id: str | None, accountable_id: str | None, fields: JobFields
) -> dict[str, Any]:
    metaproperties = fields.get("metaproperties")
    return given(
        name=name,
        campaignID=workflow_id(campaign_id) or None,
        accountableID=workflow_id(accountable_id) or None,
        description=fields.get("description"),
        deadline=_written(fields.get("deadline")),
        jobMetaproperties=dict(metaproperties) if metaproperties is not None else None,
    )


def _written(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC; a moment without a zone is taken as UTC."""
    if moment is None:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
