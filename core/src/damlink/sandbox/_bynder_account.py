"""Brands, the account, profiles and the current user. Source: reference 6.3 to 6.7."""

from __future__ import annotations

from typing import Any

from damlink.sandbox._bynder_access import Profile, denied, need
from damlink.sandbox._bynder_portal import Portal, refused
from damlink.sandbox._bynder_records import Brand
from damlink.sandbox._router import Answer, Call, Routes, json_answer

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


@routes.add("GET /api/v4/currentUser", scopes="current.user:read")
def _current_user(_portal: Portal, call: Call) -> Answer:
    user = call.caller.user
    shown = {
        "id": user.id,
        "username": user.username,
        "email": user.username,
        "firstname": user.first_name,
        "infix": "",
        "lastname": user.last_name,
        "profileId": user.profile_id,
        "active": True,
        "isSSOOnly": False,
        "language": "en_US",
        "timeZone": "Europe/Amsterdam",
        "persisted": True,
    }
    return json_answer(200, shown)


@routes.add("GET /api/v4/profiles", scopes="admin.profile:read", roles="PERMISSIONMANAGEMENT")
def _profiles(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_profile(one) for one in portal.access.profiles.values()])


@routes.add("GET /api/v4/profiles/{id}", scopes="admin.profile:read current.profile:read")
def _one_profile(portal: Portal, call: Call) -> Answer:
    profile_id = call.params["id"].upper()
    if profile_id != call.caller.user.profile_id:  # one's own needs no role
        need(call, "PERMISSIONMANAGEMENT")
        if "admin.profile:read" not in call.caller.scopes:
            raise denied()
    if profile_id not in portal.access.profiles:
        raise refused(404, "Profile not found")
    return json_answer(200, _profile(portal.access.profiles[profile_id]))


def _profile(profile: Profile) -> dict[str, Any]:
    return {"id": profile.id, "name": profile.name, "roles": sorted(profile.roles)}
