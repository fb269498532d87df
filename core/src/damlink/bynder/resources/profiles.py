"""Security profiles and the roles that an upload requires.

Source: api.bynder.com, "Users" and "Profiles"; role names from the published definitions.
"""

from __future__ import annotations

import threading
from typing import Final

from damlink._http.client import Client
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body
from damlink.bynder._listing import Records
from damlink.bynder._request import segment
from damlink.bynder.records.account import Profile
from damlink.errors import BynderAuthError, BynderError

__all__ = ["Profiles", "check_upload_roles"]

PUBLISH: Final = "MEDIAUPLOAD"
FOR_APPROVAL: Final = "MEDIAUPLOADFORAPPROVAL"


class Profiles:
    """Security profiles, which give roles to users. The current user's own profile is read once.

    Example:
        own = portal.profiles.own()
        print(own.name, own.roles)
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._own: Profile | None = None
        self._asked = False
        self._lock = threading.Lock()

    @action("List Security Profiles")
    def list(self) -> Records[Profile]:
        """List the security profiles with their roles."""
        answer = get_body(self._client, "/api/v4/profiles/", expect_records)
        return Records(map(Profile.read, answer))

    @action("Get Security Profile")
    def get(self, id: str) -> Profile:
        """Get a security profile with its roles.

        Args:
            id: of the profile.
        """
        return Profile.read(get_body(self._client, f"/api/v4/profiles/{segment(id)}", expect_object))

    @action()
    def own(self) -> Profile | None:
        """Get the profile of the current user; none if the user may not read it.

        Raises:
            BynderAuthError: the credentials are refused.
        """
        # Transfer threads share the portal.
        with self._lock:
            if not self._asked:
                self._own = self._read()
                self._asked = True
            return self._own

    def _read(self) -> Profile | None:
        try:
            user = get_body(self._client, "/api/v4/currentUser/", expect_object)
            if not user.get("profileId"):
                return None
            return self.get(str(user["profileId"]))
        except BynderError as error:
            # A scope is missing. An upload still shows whether the profile permits it.
            if error.status in (403, 404):
                return None
            raise


def check_upload_roles(profile: Profile, *, waiting_room: bool) -> None:
    """Check that a profile may upload to the asset bank or the waiting room.

    The role to publish allows uploads to the asset bank, the role "for approval" to the waiting room.

    Raises:
        BynderAuthError: the profile lacks the role that the message names.
    """
    publishes, asks = PUBLISH in profile.roles, FOR_APPROVAL in profile.roles
    who = f"the portal's profile {profile.name!r}"
    if not publishes and not asks:
        raise BynderAuthError(f"{who} may not upload", hint=f"give it the role {PUBLISH}")
    if waiting_room and not asks:
        hint = f"give it the role {FOR_APPROVAL}, or send assets straight to the asset bank"
        raise BynderAuthError(f"{who} may not send uploads to the waiting room", hint=hint)
    if not waiting_room and not publishes:
        hint = f"give it the role {PUBLISH}, or send assets to the waiting room"
        raise BynderAuthError(f"{who} may upload to the waiting room only", hint=hint)
