"""Campaigns of the workflow.

Source: Bynder's published definition of campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypedDict, Unpack

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._fields import text_of
from damlink.bynder._listing import Listing, Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import omit_none, post_either, remove, segment
from damlink.bynder.records.workflow import Campaign, Job, workflow_id
from damlink.bynder.resources.jobs import JobFilters, Jobs

__all__ = ["CampaignFields", "Campaigns"]

PATH: Final = "/api/workflow/campaigns"


class CampaignFields(TypedDict, total=False):
    """Optional fields of a campaign.

    Args:
        description: of the campaign.
        responsible_id: of the responsible user.
        date_start: beginning of the campaign.
        deadline: end of the campaign.
        closed: whether the campaign is closed.
        metaproperties: of the workflow: an option's id by the metaproperty's id.
        extra: more fields, by Bynder's own names.
    """

    description: str
    responsible_id: str
    date_start: datetime
    deadline: datetime
    closed: bool
    metaproperties: Mapping[str, str]
    extra: Mapping[str, Any]


class Campaigns:
    """Campaigns of the workflow.

    Example:
        spring = portal.campaigns.create(name="Spring", key="SPRG", responsible_id=user)
        portal.campaigns.close(spring.id)
    """

    def __init__(self, client: Client, jobs: Jobs) -> None:
        self._client = client
        self._jobs = jobs

    @action("List Campaigns")
    def list(self) -> Records[Campaign]:
        """List the campaigns."""
        return Records(map(Campaign.read, get_body(self._client, PATH, expect_records)))

    @action("Get Campaign")
    def get(self, id: str) -> Campaign:
        """Get a campaign.

        Args:
            id: of the campaign.
        """
        return Campaign.read(get_body(self._client, _path(id), expect_object))

    @action("Create Campaign")
    def create(self, *, name: str, key: str, **fields: Unpack[CampaignFields]) -> Campaign:
        """Create a campaign and return it with its id.

        Args:
            name: of the campaign.
            key: of the campaign: four characters.

        Raises:
            UnclearError: it is not known whether the campaign was created.
        """
        body = _body(name, key, **fields)

        # The answer may contain the id only, so the other fields are those of the request.
        def read(answer: Mapping[str, Any]) -> Campaign:
            return Campaign.read({**body, **answer, "id": id_of(answer, "id", "ID")})

        return post_once(self._client, PATH, read, json=body)

    @action("Update Campaign")
    def update(
        self,
        id: str,
        *,
        name: str | None = None,
        key: str | None = None,
        **fields: Unpack[CampaignFields],
    ) -> None:
        """Change a campaign; omitted fields are not sent. Safe to repeat.

        Args:
            id: of the campaign.
            name: of the campaign.
            key: of the campaign: four characters.
        """
        self._client.put(_path(id), json=_body(name, key, **fields))

    @action("Close Campaign")
    def close(self, id: str) -> None:
        """Close a campaign; its jobs and files remain.

        Args:
            id: of the campaign.
        """
        # Other clients use the second path, which is not published.
        post_either(self._client, _path(id), f"{_path(id)}/close")

    @action("Delete Campaign")
    def delete(self, id: str) -> None:
        """Delete a campaign.

        Args:
            id: of the campaign.
        """
        remove(self._client, _path(id))

    @action("List Jobs By Campaign")
    def jobs(self, id: str, *, limit: int | None = None, **filters: Unpack[JobFilters]) -> Listing[Job]:
        """List the jobs of a campaign, page by page.

        Args:
            id: of the campaign.
            limit: jobs in each request; all jobs by default.
        """
        return self._jobs.walk(f"{_path(id)}/jobs", limit, filters)


def _path(id: str) -> str:
    return f"{PATH}/{segment(workflow_id(id))}"


def _body(name: str | None, key: str | None, **fields: Unpack[CampaignFields]) -> dict[str, Any]:
    metaproperties = fields.get("metaproperties")
    return omit_none(
        name=name,
        key=key,
        description=fields.get("description"),
        responsibleID=workflow_id(fields.get("responsible_id")) or None,
        dateStart=_date_text(fields.get("date_start")),
        deadline=_date_text(fields.get("deadline")),
        closed=fields.get("closed"),
        campaignMetaproperties=dict(metaproperties) if metaproperties is not None else None,
    ) | dict(fields.get("extra") or {})


def _date_text(moment: datetime | None) -> str | None:
    """Return a moment in UTC without a zone, as the definition writes the dates of campaigns."""
    return text_of(moment).removesuffix("Z") if moment else None
