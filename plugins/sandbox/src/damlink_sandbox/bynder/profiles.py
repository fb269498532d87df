"""Security profiles. Source: Bynder's published definition of them."""

from __future__ import annotations

from typing import Any

from damlink_sandbox.bynder.access import Profile, missing_right, need
from damlink_sandbox.bynder.portal import Portal, refusal
from damlink_sandbox.router import Answer, Call, Routes, json_answer

routes: Routes[Portal] = Routes()


@routes.add("GET /api/v4/profiles", scopes="admin.profile:read", roles="PERMISSIONMANAGEMENT")
def _list(portal: Portal, _call: Call) -> Answer:
    return json_answer(200, [_render(one) for one in portal.access.profiles.values()])


@routes.add("GET /api/v4/profiles/{id}", scopes="admin.profile:read current.profile:read")
def _get(portal: Portal, call: Call) -> Answer:
    profile_id = call.params["id"].upper()
    # One's own needs no role.
    if profile_id != call.caller.user.profile_id:
        need(call, "PERMISSIONMANAGEMENT")
        if "admin.profile:read" not in call.caller.scopes:
            raise missing_right()
    if profile_id not in portal.access.profiles:
        # The text is assumed.
        raise refusal(404, "Profile not found")
    return json_answer(200, _render(portal.access.profiles[profile_id]))


def _render(profile: Profile) -> dict[str, Any]:
    return {"id": profile.id, "name": profile.name, "roles": sorted(profile.roles)}
