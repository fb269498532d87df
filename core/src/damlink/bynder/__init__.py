"""A client for a Bynder portal, usable without any plugin."""

from __future__ import annotations

from damlink._http import SentRequest
from damlink.bynder._asset_lists import AssetFilters
from damlink.bynder._pages import Page
from damlink.bynder._portal import Portal
from damlink.bynder._raw import RawAnswer
from damlink.bynder._wire import Brand, Profile
from damlink.bynder._wire_account import Account, Derivative, Scope, Webhook
from damlink.bynder._wire_assets import (
    Asset,
    AssetPage,
    Download,
    MediaItem,
    PublicLinks,
    SimilarAsset,
    TrashedAsset,
)
from damlink.bynder._wire_collections import Collection, CollectionPage, Tag, Usage, UsageSync
from damlink.bynder._wire_metaproperties import Metaproperty, Option, Smartfilter
from damlink.bynder._wire_people import Group, User
from damlink.bynder._wire_store import Order, OrderLine
from damlink.bynder._wire_workflow import Campaign, Job, JobMedia, JobPreset, Stage

__all__ = [
    "Account",
    "Asset",
    "AssetFilters",
    "AssetPage",
    "Brand",
    "Campaign",
    "Collection",
    "CollectionPage",
    "Derivative",
    "Download",
    "Group",
    "Job",
    "JobMedia",
    "JobPreset",
    "MediaItem",
    "Metaproperty",
    "Option",
    "Order",
    "OrderLine",
    "Page",
    "Portal",
    "Profile",
    "PublicLinks",
    "RawAnswer",
    "Scope",
    "SentRequest",
    "SimilarAsset",
    "Smartfilter",
    "Stage",
    "Tag",
    "TrashedAsset",
    "Usage",
    "UsageSync",
    "User",
    "Webhook",
]
