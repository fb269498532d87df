"""Filters and order of a list of assets. Source: Bynder's published definition of assets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from damlink_sandbox.bynder.portal import Portal, flag, moment, refusal, words
from damlink_sandbox.bynder.render import extension, kind, orientation
from damlink_sandbox.bynder.state import Asset, Metaproperty

Test = Callable[[Asset], bool]
Filter = Callable[[Portal, str], Test]
Key = tuple[str, str]

_ORDERS: Mapping[str, Callable[[Asset], Key]] = {
    "dateCreated": lambda asset: (_sortable(asset.created), asset.id),
    "dateModified": lambda asset: (_sortable(asset.modified), asset.id),
    "datePublished": lambda asset: (_sortable(asset.published), asset.id),
    "name": lambda asset: (asset.name.lower(), asset.id),
}


def _sortable(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def order(query: Mapping[str, str]) -> tuple[Callable[[Asset], Key], bool]:
    """Return the key that `orderBy` sorts by, and whether it descends; the newest first without one
    (assumed).

    Raises:
        Refusal: 400 (assumed).
    """
    field, _, direction = (query.get("orderBy") or "dateCreated desc").partition(" ")
    if field not in _ORDERS or direction not in ("", "asc", "desc"):
        raise refusal(400, "Invalid orderBy")
    return _ORDERS[field], direction == "desc"


def find_assets(portal: Portal, query: Mapping[str, str], roles: Iterable[str]) -> list[Asset]:
    """Return the listed assets that meet every filter of `query`, in its order; an empty filter is none
    (assumed).

    Raises:
        Refusal: 400: a malformed date or order (assumed).
    """
    tests = list(_tests(portal, query, frozenset(roles)))
    listed = portal.list_indexed()
    pool: Iterable[Asset] = listed.values()
    if query.get("ids"):
        pool = [listed[key] for key in words(query["ids"].upper()) if key in listed]
    key, descends = order(query)
    return sorted((asset for asset in pool if all(test(asset) for test in tests)), key=key, reverse=descends)


def _tests(portal: Portal, query: Mapping[str, str], roles: frozenset[str]) -> Iterable[Test]:
    archived = flag(query.get("archive"))
    if archived and "ARCHIVEMEDIA" not in roles:
        yield lambda _: False
    yield lambda asset: asset.is_archived == archived
    for name, value in query.items():
        if not value:
            continue
        if name in _SIMPLE:
            yield _SIMPLE[name](portal, value)
        elif name.startswith("property_"):
            yield from _property(portal, name.removeprefix("property_"), value)
        elif name.startswith(("dateCreated", "dateModified")):
            yield _date(name, value)


def _keyword(portal: Portal, value: str) -> Test:
    wanted, collections = value.lower().split(), portal.library.collections.values()

    def test(asset: Asset) -> bool:
        texts = [asset.name, asset.active.file_name, extension(asset.active), *asset.tags]
        texts += [collection.name for collection in collections if asset.id in collection.assets]
        text = " ".join(texts).lower()
        return all(word in text for word in wanted)

    return test


def _tags(_portal: Portal, value: str) -> Test:
    wanted = set(words(value))
    # All of them: assumed.
    return lambda asset: wanted <= set(asset.tags)


def _options(_portal: Portal, value: str) -> Test:
    wanted = set(words(value.upper()))
    # One of them is enough. Source: the official Java SDK.
    return lambda asset: any(wanted & set(values) for values in asset.values.values())


def _collection(portal: Portal, value: str) -> Test:
    collection = portal.library.collections.get(value.upper())
    return lambda asset: collection is not None and asset.id in collection.assets


def _brand(portal: Portal, value: str) -> Test:
    wanted, above = words(value.upper()), parents(portal)
    return lambda asset: asset.brand_id in wanted or above.get(asset.brand_id) in wanted


def parents(portal: Portal) -> dict[str, str]:
    """Return the brand of each sub-brand, by id."""
    return {sub.id: brand.id for brand in portal.brands for sub in brand.sub_brands}


def _one_of(of: Callable[[Asset], str], upper: bool = False) -> Filter:
    def make(_portal: Portal, value: str) -> Test:
        wanted = words(value.upper() if upper else value)
        return lambda asset: of(asset) in wanted

    return make


def _only(of: Callable[[Asset], bool]) -> Filter:
    return lambda _portal, value: lambda asset: of(asset) or not flag(value)


_SIMPLE: Mapping[str, Filter] = {
    "keyword": _keyword,
    "tags": _tags,
    "propertyOptionId": _options,
    "collectionId": _collection,
    "categoryId": lambda _, value: lambda asset: value.upper() in asset.categories,
    "type": _one_of(kind),
    "orientation": _one_of(lambda asset: orientation(asset.active)),
    "brandId": _brand,
    "subBrandId": _one_of(lambda asset: asset.brand_id, upper=True),
    "isPublic": _only(lambda asset: asset.is_public),
    "limited": _only(lambda asset: asset.is_limited),
}


def _property(portal: Portal, name: str, value: str) -> Iterable[Test]:
    """Yield the tests of a property: an option's name, or option ids, all of which must match; the exact
    text of a text.
    """
    known = {one.name: one for one in portal.metaproperties.values()}
    metaproperty = known.get(name)
    if metaproperty is None or metaproperty.type == "date":
        # An unknown filter is passed over (assumed); dates cannot be filtered.
        return
    wanted = _values_of(metaproperty, value)
    yield lambda asset: wanted <= set(asset.values.get(metaproperty.id, ()))


def _values_of(metaproperty: Metaproperty, value: str) -> set[str]:
    if not metaproperty.takes_options:
        return {value}
    names = (value,) if metaproperty.option(value) else words(value)
    options = [metaproperty.option(name) for name in names]
    return {option.id if option else "" for option in options}


def _date(name: str, value: str) -> Test:
    field = "created" if name.startswith("dateCreated") else "modified"
    limit = moment(value)

    def date_of(asset: Asset) -> datetime:
        when: datetime = getattr(asset, field)
        # As the asset's JSON shows it.
        return when.replace(microsecond=0)

    if name.endswith("To"):
        return lambda asset: date_of(asset) <= limit
    if name.endswith("On"):
        return lambda asset: date_of(asset).date() == limit.date()
    # Without the moment itself: the definition says "after this date".
    return lambda asset: date_of(asset) > limit
