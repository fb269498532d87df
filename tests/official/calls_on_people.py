"""Each call on people, their work and the account, with every argument it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from official.one_of_each import ENDPOINT, LATER, THEN, World

from damlink import Secret

JOB_FILTERS: Final[dict[str, Any]] = {
    "date_created_from": THEN,
    "date_created_to": LATER,
    "date_modified_from": THEN,
    "date_modified_to": LATER,
    "deadline_from": THEN,
    "deadline_to": LATER,
    "status": ["Active", "Idle"],
    "order_by": "deadline asc",
}
USER: Final[dict[str, Any]] = {
    "infix": "van",
    "active": True,
    "sso_only": False,
    "language": "en_US",
    "phone_number": "123",
    "company_name": "Example",
    "department": "Press",
    "job": "Editor",
    "cost_center": "C1",
}


def _campaigns(w: World) -> Iterator[Any]:
    campaigns = w.portal.campaigns
    given: dict[str, Any] = {
        "description": "Flowers",
        "responsible_id": w.me.id,
        "date_start": THEN,
        "deadline": LATER,
        "closed": False,
        "metaproperties": {w.field: "a"},
    }
    made = campaigns.create(name="Spring", key="SPRG", **given)
    yield campaigns.update(made.id, name="Summer", key="SUMM", **given)
    yield campaigns.get(made.id)
    yield campaigns.list()
    filters = {"responsible_ids": [w.me.id], "accountable_ids": [w.me.id], **JOB_FILTERS}
    yield campaigns.jobs(made.id, limit=10, **filters)
    yield campaigns.close(made.id)
    yield campaigns.delete(made.id)


def _jobs(w: World) -> Iterator[Any]:
    jobs = w.portal.jobs
    given: dict[str, Any] = {"description": "Large", "deadline": LATER, "metaproperties": {w.field: "a"}}
    campaign, me = w.campaign(), w.me.id
    made = jobs.create(
        name="Poster", campaign_id=campaign, accountable_id=me, preset_id=w.preset["id"], **given
    )
    yield jobs.update(made.id, name="Banner", campaign_id=campaign, accountable_id=me, **given)
    stage = {"preset_stage_id": w.preset["stages"][0], "name": "Draft", "description": "First"}
    own = {"campaign_id": campaign, "accountable_id": me, "preset_id": w.preset["id"]}
    yield jobs.create(name="Own", stages=[stage], **own)
    listed = w.job()
    filters = {"responsible_ids": [me], "accountable_ids": [me], **JOB_FILTERS}
    yield jobs.list(limit=10, **filters)
    yield jobs.page(page=1, limit=10, campaign_id=campaign, **filters)
    yield jobs.get(listed)
    yield jobs.media(listed)
    yield jobs.stages(listed)
    yield jobs.preset(w.preset["id"])
    first, last = (stage.id for stage in jobs.stages(made.id))
    yield jobs.update(
        made.id,
        previous_stage={"id": first, "status": "Approved"},
        active_stage={"id": last, "status": "Active", "deadline": "2030-08-31T00:00:00+00:00"},
    )
    yield jobs.update(listed, next_stage={"id": jobs.stages(listed)[1].id, "status": "Idle"})
    yield jobs.finish(made.id)
    yield jobs.delete(made.id)


def _people(w: World) -> Iterator[Any]:
    users, profile = w.portal.users, w.me.profile_id
    password = Secret("Pass-word-1")
    name = w.name("user")
    made = users.create(
        email=f"{name}@portal.example",
        password=password,
        profile_id=profile,
        first_name="New",
        last_name="User",
        username=name,
        group_ids=[w.group],
        **USER,
    )
    yield users.update(
        made.id,
        email=f"{name}@portal.example",
        password=password,
        profile_id=profile,
        first_name="Nova",
        last_name="User",
        username=f"{name}@portal.example",
        terms_accepted=True,
        group_ids=[w.group],
        **USER,
    )
    yield users.get(made.id)
    yield users.current()
    yield users.list(include_inactive=True, limit=10)
    yield users.page(page=1, limit=10)
    yield users.delete(made.id)
    yield w.portal.profiles.get(profile or "")
    yield w.portal.profiles.list()
    yield w.portal.profiles.own()


def _account(w: World) -> Iterator[Any]:
    account = w.portal.account
    yield w.portal.brands.list()
    yield account.get()
    yield account.scopes()
    yield account.groups(search="Press", order="asc")
    yield account.derivatives()
    yield account.derivative_preset(account.derivative_presets()[0].id)
    yield w.portal.raw.request("GET", "/api/v4/smartfilters")


def _orders(w: World) -> Iterator[Any]:
    orders, order = w.portal.orders, w.order()
    yield orders.list()
    yield orders.page(page=1)
    yield orders.info(order)
    (line,) = orders.get(order)
    number = w.control("add_order")["reference"]
    yield orders.get(order_number=number)
    yield orders.line(line.id)
    yield orders.update_line(line.id, status="approved", customer_reference="Ours")
    yield orders.update(order, status="FINISHED", message="Done", tracking_number="1Z")


def _webhooks(w: World) -> Iterator[Any]:
    webhooks, events = w.portal.webhooks, ["asset_bank.media.create", "asset_bank.media.pre_archived"]
    made = webhooks.create(name="Ours", endpoint=ENDPOINT, events=events, pre_archived_notification_days=7)
    yield webhooks.list()
    yield webhooks.get(made.id)
    yield webhooks.update(made.id, events=events, pre_archived_notification_days=5)
    yield webhooks.patch(made.id, name="Not ours", active=False)
    yield webhooks.delete(made.id)


CALLS: Final = (_campaigns, _jobs, _people, _account, _orders, _webhooks)
