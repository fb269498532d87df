"""Uploads are tested against a portal of the sandbox, and against scripted answers."""

from __future__ import annotations

from portals import control, portal, sandbox, served, tag

__all__ = ["control", "portal", "sandbox", "served", "tag"]
