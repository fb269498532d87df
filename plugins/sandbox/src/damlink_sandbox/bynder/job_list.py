"""Filters and order of a list of jobs. Source: Bynder's published definition of jobs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from damlink_sandbox.bynder.portal import words
from damlink_sandbox.bynder.workflow import Job, failure
from damlink_sandbox.bynder.workflow_fields import date

_DATES = {"dateCreated": "created", "dateModified": "modified", "deadline": "deadline"}
_ORDERS = {**_DATES, "name": "name"}


def filter_jobs(jobs: Iterable[Job], query: Mapping[str, str]) -> list[Job]:
    """Return the jobs that pass every filter, in the order asked for, else as they were created.

    Raises:
        Refusal: 400: a malformed date, or an order that is not known (assumed).
    """
    found = [job for job in jobs if _has_people(job, query) and _has_status(job, query)]
    for name, own in _DATES.items():
        start, end = _bound(query, f"{name}From"), _bound(query, f"{name}To")
        if start or end:
            found = [job for job in found if _between(getattr(job, own), start, end)]
    return _sort(found, query["orderBy"]) if query.get("orderBy") else found


def _has_people(job: Job, query: Mapping[str, str]) -> bool:
    """Return whether a responsible person is among those asked for. `resonsibleIDs` is spelled so; that the
    responsible ones are those of the stages is assumed.
    """
    accountable, responsible = words(query.get("accountableIDs", "")), words(query.get("resonsibleIDs", ""))
    of_stages = {one for stage in job.stages for one in (stage.responsible, stage.responsible_group) if one}
    fits = not accountable or job.accountable in {one.lower() for one in accountable}
    return fits and (not responsible or bool(of_stages & {one.lower() for one in responsible}))


def _has_status(job: Job, query: Mapping[str, str]) -> bool:
    """Return whether the active stage has the status (assumed)."""
    wanted = words(query.get("status", ""))
    return not wanted or job.stages[job.active].status in wanted


def _bound(query: Mapping[str, str], name: str) -> datetime | None:
    try:
        return date(query.get(name))
    except ValueError as error:
        raise failure(400) from error


def _between(when: datetime | None, start: datetime | None, end: datetime | None) -> bool:
    return when is not None and (start is None or when >= start) and (end is None or when <= end)


def _sort(jobs: list[Job], order: str) -> list[Job]:
    """Sort by a date; jobs without it go last, whatever the direction (assumed)."""
    name, _, direction = order.partition(" ")
    own = _ORDERS.get(name)
    if own is None or direction not in ("", "asc", "desc"):
        raise failure(400)
    with_value = [job for job in jobs if getattr(job, own) is not None]
    without = [job for job in jobs if getattr(job, own) is None]
    return sorted(with_value, key=lambda job: getattr(job, own), reverse=direction == "desc") + without
