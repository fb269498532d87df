"""Smartfilters and categories.

Source: Bynder's published definition of smartfilters; of categories, the official PHP SDK.
"""

from __future__ import annotations

from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.router import Answer, Call, Routes, json_answer

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/smartfilters")
def _smartfilters(portal: Portal, _call: Call) -> Answer:
    everything = {
        "id": "00000000-0000-0000-0000000000000000",
        "icon": "fa fa-tag",
        "labels": {"en_US": "Filters"},
        "zindex": 0,
        "metaproperties": list(portal.metaproperties),
    }
    return json_answer(200, portal.library.smartfilters or [everything])


@routes.add("GET /api/v4/categories")
def _categories(_portal: Portal, _call: Call) -> Answer:
    """None: the shape of one is unknown."""
    return json_answer(200, [])
