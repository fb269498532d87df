"""A client for a Bynder portal, usable without any plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from damlink._http.pace import Pace
from damlink._http.rate_limiter import Budget, RateLimiter
from damlink._http.redact import SentRequest
from damlink.bynder._drift import Drift, DriftChange
from damlink.bynder._listing import Listing, Records
from damlink.bynder._pages import Page
from damlink.bynder._roles import Role, download_roles, reject_undownloadable
from damlink.bynder.records.account import Account, Brand, Derivative, Profile, Scope, Webhook
from damlink.bynder.records.analytics import (
    AnalyticsEvent,
    AssetEvent,
    AssetReport,
    CollectionEvent,
    KeywordEvent,
    SearchEvent,
)
from damlink.bynder.records.assets import (
    Asset,
    AssetPage,
    Download,
    MediaItem,
    PublicLinks,
    SimilarAsset,
    TrashedAsset,
)
from damlink.bynder.records.automation import (
    AutomationActions,
    AutomationCondition,
    AutomationConditions,
    AutomationRule,
)
from damlink.bynder.records.collections import Collection, CollectionPage, Tag, Usage, UsageSync
from damlink.bynder.records.metaproperties import Metaproperty, Option, Smartfilter
from damlink.bynder.records.people import Group, User
from damlink.bynder.records.services import (
    AccessRule,
    Document,
    Principal,
    Product,
    ProductOption,
    QuarantinedAsset,
)
from damlink.bynder.records.store import Order, OrderLine
from damlink.bynder.records.taxonomy import TaxonomyOption
from damlink.bynder.records.workflow import (
    Campaign,
    Job,
    JobMedia,
    JobPreset,
    Stage,
    WorkflowGroup,
    WorkflowMetaproperty,
    WorkflowOption,
    WorkflowUser,
)
from damlink.bynder.resources.asset_lists import AssetFilters
from damlink.bynder.resources.raw import RawAnswer

if TYPE_CHECKING:
    from damlink._upload.portal import Portal

__all__ = [
    "AccessRule",
    "Account",
    "AnalyticsEvent",
    "Asset",
    "AssetEvent",
    "AssetFilters",
    "AssetPage",
    "AssetReport",
    "AutomationActions",
    "AutomationCondition",
    "AutomationConditions",
    "AutomationRule",
    "Brand",
    "Budget",
    "Campaign",
    "Collection",
    "CollectionEvent",
    "CollectionPage",
    "Derivative",
    "Document",
    "Download",
    "Drift",
    "DriftChange",
    "Group",
    "Job",
    "JobMedia",
    "JobPreset",
    "KeywordEvent",
    "Listing",
    "MediaItem",
    "Metaproperty",
    "Option",
    "Order",
    "OrderLine",
    "Pace",
    "Page",
    "Portal",
    "Principal",
    "Product",
    "ProductOption",
    "Profile",
    "PublicLinks",
    "QuarantinedAsset",
    "RateLimiter",
    "RawAnswer",
    "Records",
    "Role",
    "Scope",
    "SearchEvent",
    "SentRequest",
    "SimilarAsset",
    "Smartfilter",
    "Stage",
    "Tag",
    "TaxonomyOption",
    "TrashedAsset",
    "Usage",
    "UsageSync",
    "User",
    "Webhook",
    "WorkflowGroup",
    "WorkflowMetaproperty",
    "WorkflowOption",
    "WorkflowUser",
    "download_roles",
    "reject_undownloadable",
]

# Type checkers must not see it: they would accept any name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # The portal adds the upload to this client and is built on it, so it is imported on first use.
        if name == "Portal":
            from damlink._upload.portal import Portal

            return Portal
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
