"""Whom an address belongs to."""

from __future__ import annotations

import httpx

__all__ = ["origin_of"]


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: only where all three are the same are credentials at home."""
    return url.scheme, url.host, url.port
