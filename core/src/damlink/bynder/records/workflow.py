"""The portal's JSON about workflow as types: campaigns, jobs, their presets, stages and media.

Source: Bynder's published definitions of campaigns and jobs, and the deviations seen in the field. Ids are
written 8-4-4-4-12; the answer to a new campaign or job may leave the dashes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import attrs

from damlink.bynder._fields import uuid_of
from damlink.bynder.records.convert import flag, moment, number, records, text

__all__ = ["Campaign", "Job", "JobMedia", "JobPreset", "Stage", "workflow_id"]

_BARE: Final = re.compile(
    r"([0-9a-fA-F]{8})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{4})([0-9a-fA-F]{12})"
)


def workflow_id(value: Any) -> str:
    """An id as every workflow call takes it: 8-4-4-4-12, also if it came without dashes, or as users have
    it elsewhere in the portal.

    Source: assumed: the portal's forms of an id differ in dashes and case only.
    """
    text = str(value or "")
    bare = _BARE.fullmatch(text)
    return "-".join(bare.groups()) if bare else uuid_of(text)


@attrs.frozen(kw_only=True)
class Campaign:
    """A campaign of the workflow."""

    id: str
    name: str
    key: str
    description: str
    closed: bool
    responsible_id: str
    starts: datetime | None
    deadline: datetime | None
    created: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Campaign:
        """From the portal's JSON; the id is spelt `ID`, and `id` in the answer to a new one."""
        return cls(
            id=workflow_id(raw.get("ID") or raw.get("id")),
            name=text(raw.get("name")),
            key=text(raw.get("key")),
            description=text(raw.get("description")),
            closed=flag(raw.get("closed")),
            responsible_id=workflow_id(raw.get("responsibleID")),
            starts=moment(raw.get("dateStart")),
            deadline=moment(raw.get("deadline")),
            created=moment(raw.get("dateCreated")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Stage:
    """A stage of a job, or of the preset that a job is made from; the position counts from 1."""

    id: str
    name: str
    status: str
    position: int
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Stage:
        """From the portal's JSON; a position may come as `"1.0"`."""
        return cls(
            id=workflow_id(raw.get("id") or raw.get("ID")),
            name=text(raw.get("name")),
            status=text(raw.get("status")),
            position=number(raw.get("position")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Job:
    """A job of the workflow; the answer to a change tells only its id."""

    id: str
    name: str
    key: str
    description: str
    campaign_id: str
    accountable_id: str
    preset_id: str
    deadline: datetime | None
    created: datetime | None
    finished: datetime | None
    stages: tuple[Stage, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Job:
        """From the portal's JSON; the id is spelt `job_id` in the answer to a change."""
        return cls(
            id=workflow_id(raw.get("id") or raw.get("job_id")),
            name=text(raw.get("name")),
            key=text(raw.get("jobKey")),
            description=text(raw.get("description")),
            campaign_id=workflow_id(raw.get("campaignID")),
            accountable_id=workflow_id(raw.get("accountableID")),
            preset_id=workflow_id(raw.get("presetID")),
            deadline=moment(raw.get("deadline")),
            created=moment(raw.get("dateCreated")),
            finished=moment(raw.get("dateFinished")),
            stages=tuple(map(Stage.read, records(raw.get("job_stages")))),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class JobMedia:
    """A file attached to a job."""

    id: str
    filename: str
    status: str
    version: int
    created: datetime | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> JobMedia:
        """From the portal's JSON."""
        return cls(
            id=workflow_id(raw.get("id")),
            filename=text(raw.get("filename")),
            status=text(raw.get("status")),
            version=number(raw.get("version")),
            created=moment(raw.get("dateCreated")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class JobPreset:
    """What jobs are made from."""

    id: str
    name: str
    stages: tuple[Stage, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> JobPreset:
        """From the portal's JSON, bare as published or wrapped as seen, with one stage or a list of them."""
        inner = raw.get("preset")
        preset = inner if isinstance(inner, Mapping) else raw
        stages = preset.get("presetstages")
        return cls(
            id=workflow_id(preset.get("ID") or preset.get("id")),
            name=text(preset.get("name")),
            stages=tuple(map(Stage.read, records([stages] if isinstance(stages, Mapping) else stages))),
            raw=raw,
        )
