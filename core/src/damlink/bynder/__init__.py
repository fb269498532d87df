"""A client for a Bynder portal, usable without any plugin."""

from __future__ import annotations

from damlink.bynder._portal import Portal
from damlink.bynder._wire import Asset, Brand, MediaItem, Metaproperty, Option, Profile

__all__ = ["Asset", "Brand", "MediaItem", "Metaproperty", "Option", "Portal", "Profile"]
