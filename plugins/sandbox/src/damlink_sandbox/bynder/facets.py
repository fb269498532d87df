"""The `count` of a list of assets. Source: the official SDKs; seen in integrations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.render import kind, orientation
from damlink_sandbox.bynder.search import parents
from damlink_sandbox.bynder.state import Asset, Metaproperty


def count_facets(portal: Portal, assets: Sequence[Asset]) -> dict[str, Any]:
    """Return the total, and the number of assets of each kind, tag, brand and option."""
    above = parents(portal)
    facets: dict[str, Counter[str]] = {
        "type": Counter(kind(asset) for asset in assets),
        "orientation": Counter(orientation(asset.active) for asset in assets),
        "tags": Counter(tag for asset in assets for tag in asset.tags),
        "brandId": Counter(above.get(asset.brand_id, asset.brand_id) for asset in assets),
        "subBrandId": Counter(asset.brand_id for asset in assets if asset.brand_id in above),
        "categoryId": Counter(category for asset in assets for category in asset.categories),
    }
    for one in portal.metaproperties.values():
        if one.takes_options:
            # The key is assumed.
            facets[f"property_{one.name}"] = _of_options(one, assets)
    return {"total": len(assets), **{name: dict(counter) for name, counter in facets.items()}}


def _of_options(one: Metaproperty, assets: Sequence[Asset]) -> Counter[str]:
    held = (value for asset in assets for value in asset.values.get(one.id, ()))
    return Counter(one.options[value].name for value in held if value in one.options)
