"""Calls that the portal must refuse, and with which status."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from official.one_of_each import World

from damlink.errors import ConnectorError

NOBODY = "00000000-0000-0000-0000000000000001"
NOTHING = "00000000-0000-0000-0000-000000000001"

Refused = tuple[int, Callable[[], object]]


def _by_id(w: World) -> Iterator[Refused]:
    portal = w.portal
    yield 404, lambda: portal.assets.get(NOBODY)
    yield 404, lambda: portal.assets.modify(NOBODY, name="x")
    yield 404, lambda: portal.assets.delete(NOBODY)
    yield 404, lambda: portal.assets.download(NOBODY)
    yield 404, lambda: portal.assets.add_options(NOBODY, metaproperty_id=w.shade, option_ids=[w.red])
    yield 404, lambda: portal.assets.remove_options(NOBODY, metaproperty_id=w.shade, option_ids=[w.red])
    yield 404, lambda: portal.assets.public_links(w.asset)
    yield 404, lambda: portal.assets.transform(NOBODY, name="a")
    yield 404, lambda: portal.metaproperties.read(NOBODY)
    yield 404, lambda: portal.metaproperties.modify(NOBODY, label="x")
    yield 404, lambda: portal.metaproperties.delete(NOBODY)
    yield 404, lambda: portal.options.modify(w.shade, option_id=NOBODY, label="x")
    yield 404, lambda: portal.options.delete(w.shade, option_id=NOBODY)
    yield 404, lambda: portal.dependencies.of_metaproperty(NOBODY)
    yield 404, lambda: portal.dependencies.add(w.shade, option_id=w.red, dependency_id=NOBODY)
    yield 404, lambda: portal.collections.get(NOBODY)
    yield 404, lambda: portal.collections.delete(NOBODY)
    yield 404, lambda: portal.collections.media(NOBODY)
    yield 404, lambda: portal.uploads.save(NOBODY, brand_id=w.brand)
    yield 404, lambda: portal.campaigns.close(NOTHING)
    yield 404, lambda: portal.quarantine.get(NOTHING)
    yield 404, lambda: portal.automation.get(NOTHING)
    yield 400, lambda: portal.automation.create(name="")
    yield 404, lambda: portal.taxonomy.page(NOTHING)
    yield 400, lambda: portal.documents.get(NOTHING)


def _by_content(w: World) -> Iterator[Refused]:
    portal, get = w.portal, w.portal.raw.request
    yield 400, lambda: portal.metaproperties.create(name="Odd", type="nonsense")
    yield 400, lambda: get("POST", f"/api/v4/metaproperties/{w.shade}/options", form={"data": "{}"})
    yield 400, lambda: get("GET", "/api/v4/metaproperties/options?ids=nonsense")
    yield 400, lambda: list(portal.options.list(NOBODY))
    yield 400, lambda: portal.uploads.init(filename="noextension")
    yield 400, lambda: get("GET", f"/api/v4/media/{w.asset}/download?type=nonsense")
    yield 400, lambda: get("POST", "/api/media/usage", form={"uri": "/page"})
    yield 400, lambda: portal.assets.transform(w.new_asset(), name="a", io=["transform:nonsense"])
    yield 409, lambda: portal.jobs.finish(w.job())
    yield 401, lambda: portal.assets.similar(text="beach")


def _by_right(w: World) -> Iterator[Refused]:
    portal = w.portal
    yield 403, lambda: portal.assets.modify(w.asset, name="x")
    yield 403, lambda: portal.assets.delete(w.asset)
    yield 403, lambda: portal.collections.create(name="x")


def refuse_all(world: World) -> None:
    """Make every call; one that is not refused, or with another status, fails."""
    for status, call in (*_by_id(world), *_by_content(world)):
        _refuse(status, call)
    roles = world.control("roles", roles=[])
    for status, call in _by_right(world):
        _refuse(status, call)
    assert roles == []


def _refuse(status: int, call: Callable[[], object]) -> None:
    with pytest.raises(ConnectorError) as refused:
        call()
    assert getattr(refused.value, "status", None) == status, refused.value
