"""Each call on the services beside assets and people, with every argument it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from official.one_of_each import World

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


CALLS: Final = (_workflow, _taxonomy, _job_files, _quarantine, _products, _access, _documents)
