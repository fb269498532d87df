"""Records of the workflow: campaigns, jobs, their presets, stages and files, people, metaproperties.

Source: Bynder's published definitions of the workflow, and the deviations seen in the field. Ids are
written 8-4-4-4-12; the answer to a new campaign or job may leave the dashes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import attrs

from damlink.bynder._fields import uuid_of
from damlink.bynder.records.convert import find, records, text
from damlink.bynder.records.record import Key, Record, read_record

__all__ = [
    "Campaign",
    "Job",
    "JobMedia",
    "JobPreset",
    "Stage",
    "WorkflowGroup",
    "WorkflowMetaproperty",
    "WorkflowOption",
    "WorkflowUser",
    "workflow_id",
]

_BARE: Final = re.compile(
    r"([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})"
)


def workflow_id(value: Any) -> str:
    """Convert an id without dashes, or of another part of the portal, to the workflow's form 8-4-4-4-12.

    Source: assumed: the portal's forms of an id differ in dashes and case only.
    """
    text = str(value or "")
    bare = _BARE.fullmatch(text)
    return "-".join(bare.groups()) if bare else uuid_of(text)


_Id = Annotated[str, workflow_id]


@attrs.frozen(kw_only=True, slots=False)
class Campaign(Record):
    """A campaign of the workflow."""

    # The portal sends `ID` in a list and `id` after a creation.
    id: Annotated[_Id, Key("ID", "id")]
    name: str
    key: str
    description: str
    closed: bool
    responsible_id: Annotated[_Id, Key("responsibleID")]
    starts: Annotated[datetime | None, Key("dateStart")]
    deadline: datetime | None
    created: Annotated[datetime | None, Key("dateCreated")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Stage(Record):
    """A stage of a job, or of the preset that a job is created from; the position counts from 1."""

    id: Annotated[_Id, Key("id", "ID")]
    name: str
    status: str
    position: int
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Job(Record):
    """A job of the workflow; the answer to a change contains only its id."""

    # The portal sends `job_id` after a change.
    id: Annotated[_Id, Key("id", "job_id")]
    name: str
    key: Annotated[str, Key("jobKey")]
    description: str
    campaign_id: Annotated[_Id, Key("campaignID")]
    accountable_id: Annotated[_Id, Key("accountableID")]
    preset_id: Annotated[_Id, Key("presetID")]
    deadline: datetime | None
    created: Annotated[datetime | None, Key("dateCreated")]
    finished: Annotated[datetime | None, Key("dateFinished")]
    stages: Annotated[tuple[Stage, ...], Key("job_stages")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class JobMedia(Record):
    """A file attached to a job."""

    id: _Id
    filename: str
    status: str
    version: int
    created: Annotated[datetime | None, Key("dateCreated")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class JobPreset(Record):
    """A template of jobs."""

    id: Annotated[_Id, Key("ID", "id")]
    name: str
    stages: tuple[Stage, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> JobPreset:
        """Return a preset, bare as published or wrapped as seen, with one stage or a list of them."""
        inner = raw.get("preset")
        preset = inner if isinstance(inner, Mapping) else raw
        stages = preset.get("presetstages")
        listed = records([stages] if isinstance(stages, Mapping) else stages)
        return attrs.evolve(read_record(cls, preset, stages=tuple(map(Stage.read, listed))), raw=raw)


@attrs.frozen(kw_only=True, slots=False)
class WorkflowUser(Record):
    """A user of the workflow.

    Attributes:
        user_id: id of the portal's user.
        email: of the portal's user.
    """

    id: Annotated[_Id, Key("ID", "id")]
    # The portal sends `fullName` in a group.
    name: Annotated[str, Key("fullname", "fullName")]
    user_id: _Id
    email: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> WorkflowUser:
        """Return a user; the portal sends `BynderUser` in a list of users and `bynderUser` in a group."""
        user = find(raw, "bynderUser")
        own = user if isinstance(user, Mapping) else {}
        return read_record(cls, raw, user_id=workflow_id(text(own.get("id"))), email=text(own.get("email")))


@attrs.frozen(kw_only=True, slots=False)
class WorkflowGroup(Record):
    """A group of users of the workflow."""

    id: Annotated[_Id, Key("ID", "id")]
    name: str
    created_by_id: Annotated[_Id, Key("createdByID")]
    created: Annotated[datetime | None, Key("dateCreated")]
    users: tuple[WorkflowUser, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class WorkflowOption(Record):
    """An option of a metaproperty of the workflow."""

    id: Annotated[_Id, Key("ID", "id")]
    label: str
    position: int
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class WorkflowMetaproperty(Record):
    """A metaproperty of the workflow.

    Attributes:
        entity: `job` or `campaign`, which it describes.
        type: such as `select`.
    """

    id: Annotated[_Id, Key("ID", "id")]
    label: str
    short_name: Annotated[str, Key("short_name")]
    description: str
    type: str
    entity: str
    required: bool
    position: int
    created: Annotated[datetime | None, Key("dateCreated")]
    options: tuple[WorkflowOption, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)
