"""Brands, to one of which every asset belongs.

Source: api.bynder.com, "Brands".
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from damlink._http.client import Client
from damlink._system.suggest import suggest
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_records, get_body
from damlink.bynder._listing import Records
from damlink.bynder.records.account import Brand
from damlink.errors import BynderError, ConfigError

__all__ = ["Brands"]


class Brands:
    """Brands, to one of which every asset belongs.

    Example:
        for brand in portal.brands.list():
            print(brand.id, brand.name)

    Args:
        place: section of the configuration that error messages name.
    """

    def __init__(self, client: Client, place: str) -> None:
        self._client = client
        self._place = place
        self._shown: Sequence[Brand] | None = None
        self._lock = threading.Lock()

    @action("List Brands")
    def list(self) -> Records[Brand]:
        """List the brands, each followed by its sub-brands."""
        return Records(Brand.read_all(get_body(self._client, "/api/v4/brands/", expect_records)))

    def id_of(self, wanted: str) -> str | None:
        """Return the id of a brand by name or id, or of the only brand. Brands are read once.

        Returns:
            `None` if the portal shows no brands.

        Raises:
            ConfigError: the brand does not exist, or there are several and none is chosen.
        """
        brands = self.read_once()
        if not brands:
            return wanted or None
        names = [brand.name for brand in brands]
        if wanted:
            for brand in brands:
                if wanted in (brand.id, brand.name) or wanted.lower() == brand.name.lower():
                    return brand.id
            raise ConfigError(f"{self._place}.brand", f"no brand {wanted!r}", hint=suggest(wanted, names))
        if len(brands) > 1:
            hint = f"choose one of {', '.join(names)}"
            raise ConfigError(f"{self._place}.brand", "the portal has several brands", hint=hint)
        return brands[0].id

    def read_once(self) -> Sequence[Brand]:
        """Return all brands, which are read once; none if the portal shows none."""
        # Transfer threads share the portal.
        with self._lock:
            if self._shown is None:
                self._shown = self._read()
            return self._shown

    def _read(self) -> Sequence[Brand]:
        try:
            return self.list()
        except BynderError as error:
            # The user may not see brands, but an upload may still be permitted.
            if error.status in (403, 404):
                return []
            raise
