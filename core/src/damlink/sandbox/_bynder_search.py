"""What a list of assets holds: its filters, its order, its counts. Source: reference 3.1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from damlink.sandbox._bynder_portal import Portal, flag, moment, refused, words
from damlink.sandbox._bynder_records import Asset, Metaproperty
from damlink.sandbox._bynder_render import extension, kind, orientation

Test = Callable[[Asset], bool]

_ORDERS: Mapping[str, Callable[[Asset], Any]] = {
    "dateCreated": lambda asset: (asset.created, asset.id),
    "dateModified": lambda asset: (asset.modified, asset.id),
    "datePublished": lambda asset: (asset.published, asset.id),
    "name": lambda asset: (asset.name.lower(), asset.id),
}


def found(portal: Portal, query: Mapping[str, str], roles: Iterable[str]) -> list[Asset]:
    """The listed assets that meet every filter of `query`, in its order; the newest first without one.

    Raises:
        Refusal: 400: a malformed date or order (assumed).
    """
    tests = list(_tests(portal, query, frozenset(roles)))
    listed = portal.listed()
    pool: Iterable[Asset] = listed.values()
    if "ids" in query:
        pool = [listed[key] for key in words(query["ids"].upper()) if key in listed]
    met = [asset for asset in pool if all(test(asset) for test in tests)]
    field, _, direction = query.get("orderBy", "dateCreated desc").partition(" ")  # the default is assumed
    if field not in _ORDERS or direction not in ("", "asc", "desc"):
        raise refused(400, "Invalid orderBy")
    return sorted(met, key=_ORDERS[field], reverse=direction == "desc")


def _tests(portal: Portal, query: Mapping[str, str], roles: frozenset[str]) -> Iterable[Test]:
    archived = flag(query.get("archive"))
    if archived and "ARCHIVEMEDIA" not in roles:
        yield lambda _: False
    yield lambda asset: asset.is_archived == archived
    for name, value in query.items():
        if name in _SIMPLE:
            yield _SIMPLE[name](value)
        elif name.startswith("property_"):
            yield from _property(portal, name.removeprefix("property_"), value)
        elif name.startswith(("dateCreated", "dateModified")):
            yield _date(name, value)


def _keyword(value: str) -> Test:
    wanted = value.lower().split()

    def test(asset: Asset) -> bool:
        texts = (asset.name, asset.active.file_name, extension(asset.active), *asset.tags)
        text = " ".join(texts).lower()
        return all(word in text for word in wanted)

    return test


def _tags(value: str) -> Test:
    wanted = set(words(value))
    return lambda asset: wanted <= set(asset.tags)  # all of them: assumed


def _options(value: str) -> Test:
    wanted = set(words(value.upper()))
    return lambda asset: any(wanted & set(values) for values in asset.values.values())  # any: reference 3.1


def _one_of(value: str, of: Callable[[Asset], str]) -> Test:
    wanted = words(value)
    return lambda asset: of(asset) in wanted


def _only(value: str, of: Callable[[Asset], bool]) -> Test:
    return lambda asset: of(asset) or not flag(value)


_SIMPLE: Mapping[str, Callable[[str], Test]] = {
    "keyword": _keyword,
    "tags": _tags,
    "propertyOptionId": _options,
    "type": lambda value: _one_of(value, kind),
    "orientation": lambda value: _one_of(value, lambda asset: orientation(asset.active)),
    "brandId": lambda value: _one_of(value.upper(), lambda asset: asset.brand_id),
    "subBrandId": lambda value: _one_of(value.upper(), lambda asset: asset.brand_id),
    "isPublic": lambda value: _only(value, lambda asset: asset.is_public),
    "limited": lambda value: _only(value, lambda asset: asset.is_limited),
}


def _property(portal: Portal, name: str, value: str) -> Iterable[Test]:
    """An option's name, or option ids, all of which must be there; the exact text of a text."""
    known = {one.name: one for one in portal.metaproperties.values()}
    metaproperty = known.get(name)
    if metaproperty is None or metaproperty.type == "date":
        return  # an unknown filter is passed over (assumed); dates cannot be filtered
    wanted = _wanted(metaproperty, value)
    yield lambda asset: wanted <= set(asset.values.get(metaproperty.id, ()))


def _wanted(metaproperty: Metaproperty, value: str) -> set[str]:
    if not metaproperty.takes_options:
        return {value}
    names = (value,) if metaproperty.option(value) else words(value)
    options = [metaproperty.option(name) for name in names]
    return {option.id if option else "" for option in options}


def _date(name: str, value: str) -> Test:
    field = "created" if name.startswith("dateCreated") else "modified"
    limit = moment(value)

    def shown(asset: Asset) -> datetime:
        when: datetime = getattr(asset, field)
        return when.replace(microsecond=0)  # as the asset's JSON shows it

    if name.endswith("To"):
        return lambda asset: shown(asset) <= limit
    if name.endswith("On"):
        return lambda asset: shown(asset).date() == limit.date()
    return lambda asset: shown(asset) > limit  # "after this date"


def counted(assets: Iterable[Asset]) -> dict[str, Any]:
    """The facets of `count`."""
    listed = list(assets)
    facets: dict[str, Counter[str]] = {
        "type": Counter(kind(asset) for asset in listed),
        "orientation": Counter(orientation(asset.active) for asset in listed),
        "tags": Counter(tag for asset in listed for tag in asset.tags),
        "brandId": Counter(asset.brand_id for asset in listed),
        "subBrandId": Counter(),
        "categoryId": Counter(),
    }
    return {"total": len(listed), **{name: dict(counter) for name, counter in facets.items()}}
