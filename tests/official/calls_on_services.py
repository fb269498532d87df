"""Each call on the services beside assets and people, with every argument it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from official.one_of_each import LATER, THEN, World

SCANS: Final = ("INFECTED", "SKIPPED")


def _workflow(w: World) -> Iterator[Any]:
    workflow = w.portal.workflow
    user = workflow.users()[0]
    yield workflow.user(user.id)
    made = workflow.create_group(name="Press", user_ids=[user.id])
    yield workflow.update_group(made.id, name="Print", user_ids=[user.id])
    yield workflow.groups()
    yield workflow.group(made.id)
    yield workflow.delete_group(made.id)
    yield workflow.metaproperties()
    yield workflow.metaproperty(w.field)


def _taxonomy(w: World) -> Iterator[Any]:
    taxonomy = w.portal.taxonomy
    given: dict[str, Any] = {"external_reference": "R2", "ids": [w.red, w.blue]}
    w.portal.options.modify(w.shade, option_id=w.red, external_reference="R2")
    yield taxonomy.options(w.shade, limit=1, **given)
    yield taxonomy.options(w.shade, limit=1)
    first = taxonomy.page(w.shade, limit=1)
    yield taxonomy.page(w.shade, start=first.next_cursor, **given)
    yield taxonomy.page(w.shade, before=first.next_cursor)


def _job_files(w: World) -> Iterator[Any]:
    file, size = w.transfer(), w.file.stat().st_size
    w.portal.files.finalise(file, filename=w.file.name, size=size, chunks=1)
    given: dict[str, Any] = {"name": "a.jpg", "size": size, "asset_id": w.asset}
    yield w.portal.jobs.upload(w.job(), file_id=w.converted(file), **given)


def _quarantine(w: World) -> Iterator[Any]:
    quarantine = w.portal.quarantine
    first, second = (w.control("add_quarantined", id=w.asset, status=each)["id"] for each in SCANS)
    yield quarantine.list()
    yield quarantine.page()
    yield quarantine.review(first, status="DENIED")
    yield quarantine.review_all(ids=[first, second], status="APPROVED")
    yield quarantine.get(first)


def _products(w: World) -> Iterator[Any]:
    products = w.portal.products
    yield products.list()
    yield products.set_children(w.red, children=[w.blue])
    yield products.get(w.shade)
    yield products.options(w.shade, order="asc", limit=1)
    yield products.page(w.shade, order="desc", page=1, limit=10)


def _access(w: World) -> Iterator[Any]:
    access = w.portal.access
    given: dict[str, Any] = {"users": [w.me.id], "groups": [w.group], "profiles": [w.me.profile_id]}
    yield access.add(w.shade, level="metaproperty.hide", **given)
    rules = access.metaproperty(w.shade)
    yield access.remove(w.shade, rule_ids=[rule.id for rule in rules])
    yield access.set_option(w.red, level="metaproperty.hide", **given)
    first, second, *_ = access.option(w.red)
    yield access.option(w.red, principal_id=w.me.id, limit=10, start=first.id)
    yield access.option(w.red, before=second.id)
    yield access.set_option_visibility(w.red, visibility=access.option_visibility(w.red))


def _documents(w: World) -> Iterator[Any]:
    made = w.control("add_document", html="<p>Hello</p>")["id"]
    yield w.portal.documents.get(made, referer="https://portal.example/page")


def _automation(w: World) -> Iterator[Any]:
    automation = w.portal.automation
    kind, operator = automation.conditions().conditions[0], "CONTAINS"
    expression = {"operator": operator, "term": [dict(kind.terms[0])]}
    condition = {"and": [{"condition_type": kind.name, "expression": expression}]}
    act = {"action_type": automation.actions().actions[1], "data": {"collection_id": w.collection()}}
    step = {"step_triggers": [], "actions": [act], "conditions": [condition]}
    given: dict[str, Any] = {"triggers": automation.triggers()[:1], "steps": [step]}
    made = automation.create(name="Sort", **given)
    automation.create(name="Other")
    yield automation.update(made.id, name="Sort them", **given)
    yield automation.list(limit=1)
    yield automation.page(start=1, limit=1)
    yield automation.get(made.id)
    yield automation.set_status(made.id, status="PUBLISHED")
    yield automation.delete(made.id)


EVENTS: Final = ("view", "download", "create", "archive", "remove", "search", "login", "collection")


def _analytics(w: World) -> Iterator[Any]:
    analytics, asset = w.portal.analytics, w.asset
    for event in EVENTS:
        w.control("add_event", event=event, id=asset if event in EVENTS[:5] else "", times=2)
    period: dict[str, Any] = {"since": THEN, "until": LATER, "limit": 1}
    yield analytics.asset_views(**period)
    yield analytics.asset_views_v1(**period)
    yield analytics.asset_downloads(**period)
    yield analytics.asset_downloads_v1(**period)
    yield analytics.asset_creations(**period)
    yield analytics.asset_archivals(**period)
    yield analytics.asset_removals(**period)
    yield analytics.of_asset(asset, **period)
    yield analytics.of_user(w.me.id, **period)
    yield analytics.logins(**period)
    yield analytics.searches(**period)
    yield analytics.search_keywords(**period)
    yield analytics.collection_views(**period)
    yield analytics.search_keywords_csv(cursor="MA", **period).open()
    yield analytics.collection_views_csv(cursor="MA", **period).open()
    yield analytics.historical_csv(year=2026).open()
    span: dict[str, Any] = {"created_since": THEN, "created_until": LATER, "modified_since": THEN}
    yield analytics.asset_reports(**span, modified_until=LATER, limit=1)
    yield analytics.asset_report(asset)


def _similar(w: World) -> Iterator[Any]:
    similar = w.application.assets.similar
    yield similar(asset_ids=[w.asset])
    yield similar(image_url="https://files.example/a.jpg")
    yield similar(image_data="data:image/png;base64,AAAA")
    yield similar(text="beach")


CALLS: Final = (
    _similar,
    _workflow,
    _taxonomy,
    _job_files,
    _quarantine,
    _products,
    _access,
    _documents,
    _automation,
    _analytics,
)
