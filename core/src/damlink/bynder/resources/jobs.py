"""Jobs of the workflow, their presets, and the files attached to them.

Source: Bynder's published definition of jobs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._fields import bynder_names, fields, page_size, text_of
from damlink.bynder._listing import Listing, Records
from damlink.bynder._once import check_confirmation, id_of, post_once
from damlink.bynder._pages import Page, get_page, page_query, walk
from damlink.bynder._request import omit_none, remove, segment
from damlink.bynder.records.workflow import Job, JobMedia, JobPreset, Stage, workflow_id
from damlink.bynder.resources.resource import Resource

__all__ = ["JobFields", "JobFilters", "Jobs"]

PATH: Final = "/api/workflow/jobs"


class JobFilters(TypedDict, total=False):
    """Filters and order of a list of jobs.

    Args:
        date_created_from: only jobs created at this moment or later.
        date_created_to: only jobs created at this moment or earlier.
        date_modified_from: only jobs changed at this moment or later.
        date_modified_to: only jobs changed at this moment or earlier.
        deadline_from: only jobs with a deadline at this moment or later.
        deadline_to: only jobs with a deadline at this moment or earlier.
        responsible_ids: only jobs with a stage that one of these users is responsible for.
        accountable_ids: only jobs that one of these users is accountable for.
        status: only jobs in one of these states: `Idle`, `Active`, `Cancelled`, `Approved`, `NeedsChanges`.
        order_by: a field and a direction, such as `deadline asc`.
        extra: more parameters, by Bynder's own names.
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
    """Optional fields of a job.

    Args:
        description: of the job.
        deadline: end of the job.
        metaproperties: of the workflow: ids of options, separated by commas, or a text, by the id of the
            metaproperty.
        extra: more fields, by Bynder's own names.
    """

    description: str
    deadline: datetime
    metaproperties: Mapping[str, str]
    extra: Mapping[str, Any]


class Jobs(Resource):
    """Jobs of the workflow, their presets, and the files attached to them.

    Example:
        for job in portal.jobs.list(status="Active"):
            print(job.name, job.deadline)
    """

    @action("List Jobs")
    def list(self, *, limit: int | None = None, **filters: Unpack[JobFilters]) -> Listing[Job]:
        """List jobs page by page.

        Args:
            limit: jobs in each request; all jobs by default.
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
        """Get one page of jobs, with the total number.

        Args:
            page: number of the page, counted from 1.
            limit: jobs on a page; all jobs by default.
            campaign_id: only jobs of this campaign.
        """
        path = f"/api/workflow/campaigns/{segment(workflow_id(campaign_id))}/jobs" if campaign_id else PATH
        return self._page(path, page, limit, filters)

    def walk(self, path: str, limit: int | None, filters: JobFilters) -> Listing[Job]:
        """Yield the jobs of all pages that a path lists."""
        size = page_size(filters.get("extra"), limit)
        return walk(lambda page: self._page(path, page, size, filters), size)

    def _page(self, path: str, page: int, limit: int | None, filters: JobFilters) -> Page[Job]:
        query = page_query(page, limit) | _query(filters)
        return get_page(self._client, path, Job.read, query)

    @action("Get Job")
    def get(self, id: str) -> Job:
        """Get a job.

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
        """Create a job and return it with its id.

        Args:
            name: of the job.
            campaign_id: of the campaign that the job belongs to.
            accountable_id: of the accountable user.
            preset_id: of the preset that the job is created from.
            stages: differences from the stages of the preset, each with its `preset_stage_id`.

        Raises:
            UnclearError: it is not known whether the job was created.
        """
        body = _body(name, campaign_id, accountable_id, fields) | omit_none(
            presetID=preset_id, stages=[dict(stage) for stage in stages] if stages else None
        )

        # The answer may contain the id only, so the other fields are those of the request.
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
        """Change a job; omitted fields are not sent. Safe to repeat.

        Args:
            id: of the job.
            name: of the job.
            campaign_id: of the campaign that the job belongs to.
            accountable_id: of the accountable user.
            active_stage: `id`, `status` and `deadline` of the stage that becomes active.
            next_stage: `id`, `status` and `deadline` of the next stage.
            previous_stage: `id`, `status` and `deadline` of the previous stage.
        """
        stages = omit_none(activeStage=active_stage, nextStage=next_stage, previousStage=previous_stage)
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
    def media(self, id: str) -> Records[JobMedia]:
        """List the files attached to a job.

        Args:
            id: of the job.
        """
        return Records(map(JobMedia.read, get_body(self._client, f"{_path(id)}/media", expect_records)))

    @action()
    def stages(self, id: str) -> Records[Stage]:
        """List the stages of a job.

        Args:
            id: of the job.
        """
        return Records(map(Stage.read, get_body(self._client, f"{_path(id)}/stages", expect_records)))

    @action()
    def upload(self, id: str, *, file_id: str, name: str, size: int, asset_id: str | None = None) -> JobMedia:
        """Attach a file that the files service has received, and return its id.

        Args:
            id: of the job.
            file_id: of the file, from `files prepare`; it must be finalised.
            name: of the file.
            size: of the file, in bytes.
            asset_id: of the asset of which the file is a new version.

        Raises:
            UnclearError: it is not known whether the file was attached.
        """
        body = omit_none(fileId=file_id, name=name, fileSize=size, assetId=asset_id)

        def read(answer: Mapping[str, Any]) -> JobMedia:
            return JobMedia.read({"filename": name, **answer, "id": id_of(answer, "mediaId")})

        return post_once(self._client, f"/workflow-jobs/{segment(workflow_id(id))}/upload", read, json=body)

    @action()
    def finish(self, id: str) -> None:
        """Finish a job that is in its last stage.

        Args:
            id: of the job.

        Raises:
            BynderError: status 409: the job is finished already, or is not in its last stage.
            UnclearError: it is not known whether the job was finished.
        """
        post_once(self._client, f"{_path(id)}/finish", check_confirmation, method="PATCH")

    @action("Get Job Preset")
    def preset(self, id: str) -> JobPreset:
        """Get a preset, from which jobs are created.

        Args:
            id: of the preset.
        """
        return JobPreset.read(
            get_body(self._client, f"/api/workflow/presets/job/{segment(workflow_id(id))}", expect_object)
        )


def _path(id: str) -> str:
    return f"{PATH}/{segment(workflow_id(id))}"


def _query(filters: JobFilters) -> dict[str, Any]:
    """Return the filters by Bynder's own names; `resonsibleIDs` is misspelt in the definition."""
    query = bynder_names(filters)
    query["resonsibleIDs"] = [*map(workflow_id, query.pop("responsibleIds", None) or ())]
    query["accountableIDs"] = [*map(workflow_id, query.pop("accountableIds", None) or ())]
    # An empty list of ids or states is no filter, and is not sent.
    return fields({name: value or None for name, value in query.items()}, filters.get("extra"))


def _body(
    name: str | None, campaign_id: str | None, accountable_id: str | None, fields: JobFields
) -> dict[str, Any]:
    metaproperties, deadline = fields.get("metaproperties"), fields.get("deadline")
    return omit_none(
        name=name,
        campaignID=workflow_id(campaign_id) or None,
        accountableID=workflow_id(accountable_id) or None,
        description=fields.get("description"),
        deadline=text_of(deadline) if deadline else None,
        jobMetaproperties=dict(metaproperties) if metaproperties is not None else None,
    )
