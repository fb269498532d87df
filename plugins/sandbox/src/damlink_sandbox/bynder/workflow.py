"""Workflow's own state: campaigns, jobs, presets, groups, and ids in its own shape.

Source: Bynder's published definitions of campaigns, jobs, and workflow users and groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import attrs

from damlink_sandbox.router import Refusal, json_answer

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Record = TypeVar("Record")


@attrs.define
class Campaign:
    """A campaign; `jobs` counts those it ever had."""

    id: str
    name: str
    key: str
    created_by: str
    created: datetime
    modified: datetime
    description: str = ""
    responsible: str | None = None
    start: datetime | None = None
    deadline: datetime | None = None
    closed: bool = False
    metaproperties: dict[str, Any] = attrs.field(factory=dict)
    jobs: int = 0


@attrs.define
class Stage:
    """A stage of a job."""

    id: str
    created: datetime
    name: str = ""
    description: str = ""
    status: str = "Idle"
    deadline: datetime | None = None
    responsible: str | None = None
    responsible_group: str | None = None


@attrs.define
class Job:
    """A job.

    Attributes:
        active: the place in `stages` of the one that is worked on.
        history: who finished it, and when.
        media: what is attached, as it is shown.
    """

    id: str
    name: str
    key: str
    campaign: str
    created_by: str
    created: datetime
    modified: datetime
    stages: list[Stage]
    description: str = ""
    deadline: datetime | None = None
    accountable: str | None = None
    preset: str | None = None
    metaproperties: dict[str, Any] = attrs.field(factory=dict)
    active: int = 0
    finished: datetime | None = None
    history: list[tuple[str, datetime]] = attrs.field(factory=list)
    media: list[dict[str, Any]] = attrs.field(factory=list)


@attrs.define
class Preset:
    """A job preset; `stages` are ids and names."""

    id: str
    name: str
    stages: tuple[tuple[str, str], ...]


@attrs.define
class WorkflowGroup:
    """A group of workflow users, by their ids here."""

    id: str
    name: str
    created_by: str
    created: datetime
    users: list[str]


class Workflow:
    """Campaigns, jobs, presets, metaproperties and groups, each by id."""

    def __init__(self, new_uuid: Callable[[], str]) -> None:
        self.account = new_uuid()
        self.campaigns: dict[str, Campaign] = {}
        self.jobs: dict[str, Job] = {}
        stages = tuple((new_uuid(), name) for name in ("Briefing", "Design", "Review"))
        preset = Preset(new_uuid(), "Artwork", stages)
        self.presets = {preset.id: preset}
        self.metaproperties: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, WorkflowGroup] = {}


def workflow_id(asset_bank_id: str) -> str:
    """Return an id in workflow's form: a dash more, in lower case (assumed)."""
    text = asset_bank_id.replace("-", "").lower()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def plain(identifier: str) -> str:
    """Return an id without dashes, as answers to a creation have it.

    Source: Bynder's published definition of jobs.
    """
    return identifier.replace("-", "")


def is_id(given: str) -> bool:
    """Return whether it has workflow's shape, in lower or upper case."""
    return _ID.fullmatch(given.lower()) is not None


def find_record(records: Mapping[str, Record], given: str) -> Record:
    """Return the record with this id.

    Raises:
        Refusal: 404: unknown, or in another shape than workflow's (assumed).
    """
    if not is_id(given) or given.lower() not in records:
        raise failure(404)
    return records[given.lower()]


def failure(status: int, /, **body: str) -> Refusal:
    """Return an error in workflow's form; most have no text. Source: Bynder's published definitions."""
    return Refusal(json_answer(status, body))


def format_date(when: datetime | None) -> str | None:
    """Format a date with an offset, as workflow does most times. Source: Bynder's published definition of
    jobs.
    """
    return f"{when:%Y-%m-%dT%H:%M:%S+00:00}" if when else None
