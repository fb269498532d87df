"""Rights on a portal: OAuth scopes and security roles.

Source: Bynder's help, "OAuth scopes"; the roles named by its published definitions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

# All that is published of how these are called.
VIEW_WEBHOOKS = "View Webhooks configurations"
MANAGE_WEBHOOKS = "Manage Webhooks configurations"
AUDIT_QUARANTINE = "Audit quarantined assets"

ROLES = frozenset({VIEW_WEBHOOKS, MANAGE_WEBHOOKS, AUDIT_QUARANTINE}).union(
    """
    MEDIAUPLOAD MEDIAUPLOADFORAPPROVAL MEDIAEDIT MEDIAREMOVE MARKPUBLIC MEDIAHIGHRES ARCHIVEMEDIA
    ARCHIVEDOWNLOAD DOWNLOADWATERMARK KEYVISUALSDOWNLOAD EMARGOMEDIA STATISTICS METAPROPERTYMANAGEMENT
    METAMANAGEMENT COLLECTIONS PUBLISHCOLLECTIONS SHARECOLLECTION SHARING INBOXPUBLIC OUTBOXPUBLIC
    PUBLICCOLLECTIONS collection.public.view USERMANAGEMENT GROUPMANAGEMENT PERMISSIONMANAGEMENT trash.assets
    metaproperty.view MEDIADOWNLOAD MEDIAOVERVIEW GROUPSHARING CAMPAIGNOVERVIEW CAMPAIGNADD CAMPAIGNEDIT
    CAMPAIGNREMOVE CAMPAIGNWRITE JOBOVERVIEW JOBADD JOBEDIT JOBREMOVE JOBAPPROVE PRESETOVERVIEW
    METAPROPERTYOVERVIEW GROUPOVERVIEW WORKFLOWADMIN brandstore.orderadmin.view brandstore.orderadmin.edit
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


@attrs.frozen
class Scope:
    """An OAuth scope.

    Attributes:
        permissions: a user needs any of these roles to be granted it; none: everybody is. Which they are
            is assumed from the roles that the scope's calls ask for.
    """

    name: str
    description: str
    permissions: tuple[str, ...] = ()


def _group(*rows: tuple[str, str, str]) -> tuple[Scope, ...]:
    return tuple(Scope(name, description, tuple(roles.split())) for name, description, roles in rows)


# The groups and the descriptions are assumed.
GROUPS: Mapping[str, tuple[Scope, ...]] = {
    "General": _group(
        ("offline", "Get a refresh token", ""),
        ("current.user:read", "Read the current user", ""),
        ("current.profile:read", "Read the current user's profile", ""),
    ),
    "Assets": _group(
        ("asset:read", "Read and download assets", ""),
        (
            "asset:write",
            "Save, change and delete assets",
            "MEDIAUPLOAD MEDIAUPLOADFORAPPROVAL MEDIAEDIT MEDIAREMOVE",
        ),
        ("asset.usage:read", "Read where assets are used", "STATISTICS"),
        ("asset.usage:write", "Note where assets are used", "STATISTICS"),
        ("antivirus.asset.audit:read", "Read the quarantine", ""),
        ("antivirus.asset.audit:write", "Judge the quarantine", ""),
    ),
    "Collections": _group(
        ("collection:read", "Read collections", ""),
        ("collection:write", "Change collections", "COLLECTIONS"),
    ),
    "Metaproperties": _group(
        ("meta.assetbank:read", "Read metaproperties", ""),
        ("meta.assetbank:write", "Change metaproperties", "METAPROPERTYMANAGEMENT METAMANAGEMENT"),
        ("meta.workflow:read", "Read workflow metaproperties", "METAPROPERTYOVERVIEW"),
    ),
    "Administration": _group(
        ("admin.user:read", "Read users", "USERMANAGEMENT"),
        ("admin.user:write", "Change users", "USERMANAGEMENT"),
        ("admin.profile:read", "Read security profiles", "PERMISSIONMANAGEMENT"),
    ),
    "Workflow": _group(
        ("workflow.campaign:read", "Read campaigns", "CAMPAIGNOVERVIEW"),
        (
            "workflow.campaign:write",
            "Change campaigns",
            "CAMPAIGNADD CAMPAIGNEDIT CAMPAIGNREMOVE CAMPAIGNWRITE",
        ),
        ("workflow.group:read", "Read groups", "GROUPOVERVIEW WORKFLOWADMIN"),
        ("workflow.group:write", "Change groups", "GROUPOVERVIEW WORKFLOWADMIN"),
        ("workflow.job:read", "Read jobs", "JOBOVERVIEW CAMPAIGNOVERVIEW"),
        ("workflow.job:write", "Change jobs", "JOBADD JOBEDIT JOBREMOVE"),
        ("workflow.job:approve", "Finish jobs", "JOBAPPROVE"),
        ("workflow.preset:read", "Read presets", "PRESETOVERVIEW"),
    ),
    "Brandstore": _group(
        ("brandstore.order:read", "Read orders", "brandstore.orderadmin.view brandstore.orderadmin.edit"),
        ("brandstore.order:write", "Change orders", "brandstore.orderadmin.edit"),
    ),
    "Analytics": _group(("analytics.api:read", "Read analytics", "STATISTICS")),
    "Webhooks": (
        Scope("webhooks.config:read", "Read webhook configurations", (VIEW_WEBHOOKS, MANAGE_WEBHOOKS)),
        Scope("webhooks.config:write", "Change webhook configurations", (MANAGE_WEBHOOKS,)),
    ),
}

_ALL = {scope.name: scope for group in GROUPS.values() for scope in group}
SCOPES = frozenset(_ALL)


def grantable_scopes(scopes: Iterable[str], roles: Iterable[str]) -> frozenset[str]:
    """Return those of `scopes` that a user with these roles can be granted."""
    held = set(roles)
    needs = {name: set(_ALL[name].permissions) for name in scopes if name in _ALL}
    return frozenset(name for name, any_of in needs.items() if not any_of or held & any_of)
