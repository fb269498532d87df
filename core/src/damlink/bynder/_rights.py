"""Scope and role that each call requires. The portal does not name them when it refuses a call.

Source: Bynder's help, "OAuth scopes"; the roles named by its published definitions.
"""

from __future__ import annotations

import functools
import re
from typing import Final

import attrs

__all__ = ["Rights", "permission_hint", "rights_of"]


@attrs.frozen
class Rights:
    """Scope of the token that a call requires, and roles of the user's profile, one of which is enough.

    Attributes:
        scope: empty if every valid token is accepted, or no scope is published.
        roles: empty if none is published.
    """

    scope: str = ""
    roles: tuple[str, ...] = ()


_UPLOAD: Final = "MEDIAUPLOAD or MEDIAUPLOADFORAPPROVAL"
_MANAGE: Final = "METAPROPERTYMANAGEMENT or METAMANAGEMENT"
_VIEW: Final = "brandstore.orderadmin.view"
_EDIT: Final = "brandstore.orderadmin.edit"
_GROUPS: Final = "GROUPOVERVIEW or WORKFLOWADMIN"

# Method, path (`*` is one segment, `**` any rest), scope, roles; the first match counts.
_TABLE: Final = (
    ("GET", "/api/v4/currentUser", "current.user:read", ""),
    ("GET", "/api/v4/users/**", "admin.user:read", "USERMANAGEMENT"),
    ("*", "/api/v4/users/**", "admin.user:write", "USERMANAGEMENT"),
    ("GET", "/api/v4/profiles/**", "admin.profile:read", "PERMISSIONMANAGEMENT"),
    ("GET", "/api/groups/list", "", "GROUPMANAGEMENT"),
    ("GET", "/api/upload/endpoint", "", _UPLOAD),
    ("POST", "/api/upload/init", "", _UPLOAD),
    ("*", "/api/v4/upload/**", "", _UPLOAD),
    ("POST", "/v7/file_cmds/**", "", _UPLOAD),
    ("POST", "/api/v4/media/save/**", "asset:write", _UPLOAD),
    ("POST", "/api/v4/media/*/save/**", "asset:write", _UPLOAD),
    ("GET", "/api/v4/media/*/download/**", "asset:read", "MEDIAHIGHRES"),
    ("GET", "/api/v4/media/*/*/download", "asset:read", "MEDIAHIGHRES"),
    ("GET", "/api/v4/media/**", "asset:read", ""),
    ("DELETE", "/api/v4/media/**", "asset:write", "MEDIAREMOVE"),
    ("POST", "/api/v4/media/**", "asset:write", "MEDIAEDIT"),
    ("GET", "/api/trash/media", "asset:read", "trash.assets"),
    ("*", "/api/media/options", "asset:write", "MEDIAEDIT"),
    ("GET", "/api/media/usage", "asset.usage:read", ""),
    ("*", "/api/media/usage/**", "asset.usage:write", ""),
    ("*", "/api/v4/tags/*/**", "asset:write", ""),
    ("GET", "/api/v4/collections/**", "collection:read", ""),
    ("POST", "/api/v4/collections/*/share", "collection:write", "SHARECOLLECTION or SHARING"),
    ("*", "/api/v4/collections/**", "collection:write", "COLLECTIONS"),
    ("GET", "/api/v4/metaproperties/**", "meta.assetbank:read", ""),
    ("*", "/api/v4/metaproperties/**", "meta.assetbank:write", _MANAGE),
    ("POST", "/api/1/assets/similarity-search", "asset:read", ""),
    ("GET", "/api/1/taxonomy/**", "meta.assetbank:read", ""),
    ("GET", "/api/pim/metaproperties", "meta.assetbank:read", "metaproperty.view"),
    ("GET", "/api/pim/**", "meta.assetbank:read", "METAPROPERTYMANAGEMENT"),
    ("*", "/api/pim/**", "meta.assetbank:write", ""),
    ("GET", "/api/workflow/campaigns/**", "workflow.campaign:read", "CAMPAIGNOVERVIEW"),
    ("POST", "/api/workflow/campaigns", "workflow.campaign:write", "CAMPAIGNADD"),
    ("PUT", "/api/workflow/campaigns/*", "workflow.campaign:write", "CAMPAIGNEDIT"),
    ("DELETE", "/api/workflow/campaigns/*", "workflow.campaign:write", "CAMPAIGNREMOVE"),
    ("POST", "/api/workflow/campaigns/**", "workflow.campaign:write", "CAMPAIGNWRITE"),
    ("GET", "/api/workflow/jobs/**", "workflow.job:read", "JOBOVERVIEW"),
    ("POST", "/api/workflow/jobs", "workflow.job:write", "JOBADD"),
    ("PUT", "/api/workflow/jobs/*", "workflow.job:write", "JOBEDIT"),
    ("DELETE", "/api/workflow/jobs/*", "workflow.job:write", "JOBREMOVE"),
    ("PATCH", "/api/workflow/jobs/*/finish", "workflow.job:approve", "JOBAPPROVE"),
    ("POST", "/workflow-jobs/*/upload", "workflow.job:write", "JOBEDIT"),
    ("GET", "/api/workflow/presets/**", "workflow.preset:read", "PRESETOVERVIEW"),
    ("GET", "/api/workflow/metaproperties/**", "meta.workflow:read", "METAPROPERTYOVERVIEW"),
    ("GET", "/api/workflow/users/**", "admin.user:read", "USERMANAGEMENT"),
    ("GET", "/api/workflow/groups/**", "workflow.group:read", _GROUPS),
    ("*", "/api/workflow/groups/**", "workflow.group:write", _GROUPS),
    ("GET", "/api/store/order/*/products", "brandstore.order:read", _EDIT),
    ("GET", "/api/store/**", "brandstore.order:read", _VIEW),
    ("*", "/api/store/**", "brandstore.order:write", _EDIT),
    ("GET", "/v7/webhooks/**", "webhooks.config:read", "View Webhooks configurations"),
    ("*", "/v7/webhooks/**", "webhooks.config:write", "Manage Webhooks configurations"),
    ("GET", "/v7/analytics/**", "analytics.api:read", ""),
    ("GET", "/v7/quarantine/**", "antivirus.asset.audit:read", "Audit quarantined assets"),
    ("*", "/v7/quarantine/**", "antivirus.asset.audit:write", "Audit quarantined assets"),
)


def rights_of(method: str, path: str) -> Rights:
    """Return the published scope and roles of a call.

    Args:
        path: path of the call, from the portal's root.
    """
    called = path.rstrip("/")
    for wanted, pattern, scope, roles in _TABLE:
        if wanted in (method, "*") and _expression(pattern).fullmatch(called):
            return Rights(scope, tuple(roles.split(" or ")) if roles else ())
    return Rights()


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern).replace(r"/\*\*", "(/.*)?").replace(r"\*", "[^/]+")
    return re.compile(text)


def permission_hint(method: str, path: str) -> str:
    """Return what an administrator must change so that the portal permits a call."""
    rights = rights_of(method, path)
    role = " or ".join(rights.roles)
    if rights.scope and role:
        return f"the token needs the scope {rights.scope}, and its user's profile the role {role}"
    if rights.scope:
        return f"the token needs the scope {rights.scope}"
    if role:
        return f"the profile of the token's user needs the role {role}"
    return "check that the token's user still exists and has its roles"
