"""Verification that a marked file may replace its original."""

from __future__ import annotations

from damlink_imatag.media_info import Facts

__all__ = ["problem"]


def problem(original: Facts, marked: Facts) -> str:
    """Return the problem of a marked file; empty if there is none."""
    if marked.size == 0:
        return "the marked file is empty"
    if marked.sha256 == original.sha256:
        return "the marked file is the same as the original: there is no mark in it"
    if _kind(marked) != _kind(original):
        got, wanted = marked.media_type or "unknown", original.media_type or "unknown"
        return f"the marked file is of type {got}, and the original of type {wanted}"
    same = (marked.width, marked.height) == (original.width, original.height)
    if original.width and marked.width and not same:
        before, after = f"{original.width}x{original.height}", f"{marked.width}x{marked.height}"
        return f"the marked file has {after} pixels, and the original {before}"
    return ""


def _kind(facts: Facts) -> str:
    """Return the type of a file; for a film only `video`, since its container may change."""
    family = facts.media_type.partition("/")[0]
    return family if family == "video" else facts.media_type
