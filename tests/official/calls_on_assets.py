"""Each call on assets and what belongs to them, with every argument it takes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from typing import Any, Final

from official.one_of_each import LATER, THEN, World

from damlink_sandbox.bynder.render import short_id

INTEGRATION: Final = "0191d303-9d99-433e-ada4-d244d37e1d6c"
TRAITS: Final[dict[str, Any]] = {
    "labels": {"en_US": "Shade", "fr_FR": "Teinte"},
    "zindex": 4,
    "is_editable": True,
    "is_filterable": True,
    "is_mainfilter": False,
    "is_multiselect": True,
    "is_required": False,
    "is_multifilter": True,
    "is_drilldown": False,
    "is_display_field": True,
    "is_api_field": True,
}
SHOWN: Final[dict[str, Any]] = {
    "label": "Red",
    "labels": {"en_US": "Red"},
    "external_reference": "R1",
    "zindex": 2,
    "is_selectable": True,
}


def _assets(w: World) -> Iterator[Any]:
    assets, asset = w.portal.assets, w.asset
    yield assets.list(**w.listed())
    yield assets.list(date_created_on=THEN, date_modified_on=THEN)
    yield assets.list(category_id=w.brand, collection_id=w.collection(), sub_brand_id=w.brand)
    yield assets.page(limit=1, total=True, **w.listed())
    yield assets.page(limit=1, count=True, date_created_on=THEN, date_modified_on=THEN)
    yield assets.page(category_id=w.brand, collection_id=w.collection(), sub_brand_id=w.brand)
    whole = assets.get(asset, versions=True, stats=True, related=True)
    yield assets.modify(
        asset,
        name="Sea",
        description="Blue",
        copyright="Us",
        brand_id=w.brand,
        tags=["sea", "blue"],
        archive=False,
        limited=False,
        is_public=True,
        date_published=THEN,
        archive_date=LATER,
        limited_date=LATER,
        watermark_date=LATER,
        custom_thumbnail_file_id=w.transfer(),
        remove_custom_thumbnail=False,
        metaproperties={"Shade": [w.blue]},
    )
    yield assets.add_options(asset, metaproperty_id=w.shade, option_ids=[w.red])
    yield assets.remove_options(asset, metaproperty_id=w.shade, option_ids=[w.red])
    yield assets.download(asset, type="original")
    yield assets.download(asset, version=1)
    original = next(item.id for item in whole.items if item.type == "original")
    yield assets.download(asset, item_id=original)
    yield assets.download(asset, item_id=short_id(original), hash=True)
    known: dict[str, Any] = {
        "filename": "a.jpg",
        "size": whole.items[0].raw["size"],
        "media_type": "image/jpeg",
    }
    yield from assets.content(asset, item_id=original, **known).open()
    picture = ["transform:scale,width:16,height:16"]
    yield assets.transform(asset, name="a", io=picture, focus_point="0.5,0.5", format="png", quality=80)
    yield assets.transform(base_url=whole.transform_base_url, io=picture)
    yield assets.public_links(w.new_asset(media=1, filename="film.mp4"))
    yield assets.delete(w.new_asset())
    yield assets.trash(date_removed_from=THEN, date_removed=LATER, field="media.dateRemoved", order="desc")


def _metaproperties(w: World) -> Iterator[Any]:
    properties = w.portal.metaproperties
    made = properties.create(name="Made", label="Made", type="select", **TRAITS)
    yield properties.modify(made, label="Made so", type="select", **TRAITS)
    yield properties.read(w.shade, count=True, type=["image"], options=True)
    yield properties.list(count=True, type=["image"], options=True, ids=[w.shade])
    yield properties.get("Shade")
    yield properties.ensure(w.name("Ensured"), label="Ensured")
    yield properties.dependencies(w.shade)
    yield properties.smartfilters()
    yield properties.delete(made)


def _options(w: World) -> Iterator[Any]:
    options = w.portal.options
    made = options.create(w.shade, name="green", parent_id=w.red, **SHOWN)
    yield options.modify(w.shade, option_id=made, parent_id=w.blue, **SHOWN)
    yield options.get(ids=[made])
    yield options.list(w.shade, name="green", external_reference="R1", limit=10)
    yield options.delete(w.shade, option_id=made)


def _dependencies(w: World) -> Iterator[Any]:
    dependencies, red, blue = w.portal.dependencies, w.red, w.blue
    yield dependencies.add(w.shade, option_id=red, dependency_id=blue)
    group = w.group_of_dependencies()
    yield dependencies.modify_group(w.shade, option_id=red, group_id=group, dependency_ids=[w.option()])
    added = w.option()
    yield dependencies.add_to_group(w.shade, option_id=red, group_id=group, dependency_id=added)
    yield dependencies.list()
    yield dependencies.of_metaproperty(w.shade)
    yield dependencies.of_option(w.shade, option_id=red)
    yield dependencies.grouped(w.shade, option_id=red)
    yield dependencies.remove_from_group(w.shade, option_id=red, group_id=group, dependency_id=added)
    yield dependencies.remove(w.shade, option_id=red, dependency_id=blue)


def _uploads(w: World) -> Iterator[Any]:
    uploads = w.portal.uploads
    yield uploads.save(
        w.imported(),
        brand_id=w.brand,
        name="New",
        description="Blue",
        copyright="Us",
        tags=["sea"],
        categories=[w.brand],
        metaproperties={"Shade": [w.red]},
        is_public=True,
        iso_publication_date=THEN,
        archive_date=LATER,
        watermark_date=LATER,
        crc32=zlib.crc32(w.file.read_bytes()),
    )
    waiting = uploads.save(
        w.imported(), brand_id=w.brand, name="Waits", audit=True, requestor_id=w.me.id, access_type="upload"
    )
    request = waiting.access_request_id
    yield uploads.save(w.imported(), brand_id=w.brand, name="Too", audit=True, access_request_id=request)
    yield uploads.save_version(w.asset, import_id=w.imported())
    yield uploads.finalise_additional(asset_id=w.asset, **w.uploaded())
    yield uploads.file(w.file, name="A file", brand=w.brand)


def _files_service(w: World) -> Iterator[Any]:
    whole = w.file.read_bytes()
    digest = hashlib.sha256(whole).hexdigest()
    for save in ("new", "additional"):
        file = w.transfer()
        given: dict[str, Any] = {"filename": w.file.name, "size": len(whole), "chunks": 1, "sha256": digest}
        yield w.portal.files.finalise(file, **given)
        if save == "new":
            yield w.portal.uploads.save(w.converted(file), brand_id=w.brand, name="By v7")
        else:
            yield w.portal.uploads.save_additional(w.asset, file_id=w.converted(file))


def _tags_and_usage(w: World) -> Iterator[Any]:
    tags, usage = w.portal.tags, w.portal.usage
    yield tags.page(page=1, limit=10, keyword="sea", min_count=1, order_by="tag asc")
    tag = next(iter(tags.list(keyword="sea", min_count=1, order_by="tag asc")))
    yield tags.add(tag.id, asset_ids=[w.asset])
    yield tags.remove(tag.id, asset_ids=[w.asset])
    place: dict[str, Any] = {"integration_id": INTEGRATION, "asset_id": w.asset, "uri": "/page"}
    yield usage.create(**place, timestamp=THEN, additional="Front")
    yield usage.list(**place)
    use = {"assetId": w.asset, "uri": "/page", "timestamp": "2024-01-02T03:04:05Z", "additional": "Front"}
    yield usage.sync(integration_id=INTEGRATION, uris=["/page"], usages=[use])
    yield usage.delete(**place)


def _collections(w: World) -> Iterator[Any]:
    collections, made = w.portal.collections, w.collection()
    yield collections.update(
        made, name=w.name(), description="Sun", is_public=True, thumbnail_asset_id=w.asset
    )
    yield collections.get(made)
    given: dict[str, Any] = {
        "keyword": "name",
        "ids": [made],
        "is_public": True,
        "min_count": 1,
        "order_by": "name asc",
    }
    yield collections.list(limit=10, **given)
    yield collections.page(page=1, limit=10, count=True, **given)
    yield collections.media(made)
    for receivers in ({"recipients": ["a@portal.example"]}, {"groups": [w.group]}):
        yield collections.share(
            made,
            collection_options="view",
            login_required=True,
            date_start=THEN,
            date_end=LATER,
            send_mail=True,
            message="Look",
            **receivers,
        )
    yield collections.share(made, collection_options="edit", profiles=[w.me.profile_id])
    yield collections.remove_media(made, asset_ids=[w.asset])
    yield collections.delete(made)


CALLS: Final = (
    _assets,
    _metaproperties,
    _options,
    _dependencies,
    _uploads,
    _files_service,
    _tags_and_usage,
    _collections,
)
