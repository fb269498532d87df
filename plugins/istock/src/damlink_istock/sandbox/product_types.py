"""Product types of the API, by the site to which they belong."""

from __future__ import annotations

SUBSCRIPTION, CREDITS = "royaltyfreesubscription", "creditpack"
ISTOCK_TYPES = frozenset({SUBSCRIPTION, CREDITS})
GETTY_TYPES = frozenset({"easyaccess", "editorialsubscription", "imagepack", "premiumaccess"})
PRODUCT_TYPES = ISTOCK_TYPES | GETTY_TYPES | {"aigen"}
