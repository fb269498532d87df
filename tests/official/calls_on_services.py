"""Each call on the services beside assets and people, with every argument it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from official.one_of_each import World


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


CALLS: Final = (_workflow, _taxonomy, _job_files)
