"""Brands and the account. Source: Bynder's published definitions of both."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.state import Brand
from damlink_sandbox.router import Answer, Call, Routes, json_answer

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/brands")
def _brands(portal: Portal, _call: Call) -> Answer:
    shown = [{**_brand(one), "subBrands": [_brand(sub) for sub in one.sub_brands]} for one in portal.brands]
    return json_answer(200, shown)


def _brand(brand: Brand) -> dict[str, Any]:
    return {"id": brand.id, "name": brand.name, "description": brand.description, "image": ""}


@routes.add("GET /api/v4/account")
def _account(_portal: Portal, _call: Call) -> Answer:
    account = {
        "name": "Sandbox portal",
        "timeZone": "Europe/Amsterdam",
        "defaultLanguage": "en_US",
        "availableLanguages": ["en_US", "nl_NL", "de_DE"],
        "isOpenImageBank": False,
    }
    return json_answer(200, account)
