"""What the other side does instead of an honest answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from damlink_sandbox import Fault
from damlink_sandbox.garbage import GARBAGE

__all__ = ["KINDS", "SLOW", "fault"]

_PAGE: Final = "<!DOCTYPE html><html>Please wait</html>"
_STATUSES: Final = (500, 502, 503, 504)
_MOVED: Final = (302, 307)
# Slower than the answer may take; see `short_limits`.
_DRIP_SECONDS: Final = 0.05
# They end by the limits of the client.
SLOW: Final = ("acts, then hangs", "acts, then drips")

KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    **{f"acts, then {kind}": {"kind": "garble", "garbage": kind} for kind in GARBAGE},
    "acts, then hangs": {"kind": "hang"},
    "acts, then drips": {"kind": "drip", "seconds": _DRIP_SECONDS},
    "acts, then closes": {"kind": "cut-after"},
    "acts, then resets": {"kind": "reset-after"},
    "acts, closes within the answer": {"kind": "truncate"},
    "closes": {"kind": "cut"},
    "resets": {"kind": "reset"},
    "resets within the request": {"kind": "reset-within"},
    "429": {"status": 429},
    "429 with Retry-After": {"status": 429, "headers": {"Retry-After": "1"}},
    **{f"{status}": {"status": status, "body": _PAGE} for status in _STATUSES},
    **{
        f"acts, then {status}": {"kind": "status-after", "status": status, "body": _PAGE}
        for status in _STATUSES
    },
    **{f"{status} elsewhere": {"status": status} for status in _MOVED},
    **{f"acts, then {status} elsewhere": {"kind": "status-after", "status": status} for status in _MOVED},
    "acts, Content-Length too small": {"kind": "overlong"},
    "acts, wrong Content-Range": {"kind": "wrong-range"},
    "acts, other ETag": {"kind": "wrong-etag"},
}


def fault(lie: str, service: str, match: str, elsewhere: str, **more: Any) -> Fault:
    """Return the failure of the sandbox that tells this lie once.

    Args:
        elsewhere: where a redirect leads.
    """
    fields = dict(KINDS[lie])
    if fields.get("status") in _MOVED:
        fields["headers"] = {"Location": elsewhere}
    return Fault(service, match, **fields, **more)
