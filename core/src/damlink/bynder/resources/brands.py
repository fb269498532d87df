"""Brands: where a new asset belongs.

Source: api.bynder.com, "Brands".
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from damlink._http.client import Client
from damlink._system.suggest import suggest
from damlink.bynder._action import action
from damlink.bynder._bodies import expect_records, get_body
from damlink.bynder.records.account import Brand
from damlink.errors import BynderError, ConfigError

__all__ = ["Brands"]


class Brands:
    """Brands: where a new asset belongs.

    Args:
        place: of the portal in the config, for errors.
    """

    def __init__(self, client: Client, place: str) -> None:
        self._client = client
        self._place = place
        self._shown: Sequence[Brand] | None = None
        self._lock = threading.Lock()

    @action("List Brands")
    def list(self) -> Sequence[Brand]:
        """Every brand, those within another after it."""
        return list(Brand.read_all(get_body(self._client, "/api/v4/brands/", expect_records)))

    def id_of(self, wanted: str) -> str | None:
        """The id of a brand by name or id; of the only one, if none is wanted. Brands are read once.

        Returns:
            `None` where the portal shows no brand at all.

        Raises:
            ConfigError: there is no such brand, or several and none was chosen.
        """
        brands = self.known()
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

    def known(self) -> Sequence[Brand]:
        """Return every brand, read once; none where the portal shows none."""
        with self._lock:
            if self._shown is None:
                self._shown = self._read()
            return self._shown

    def _read(self) -> Sequence[Brand]:
        try:
            return self.list()
        except BynderError as error:
            if error.status in (403, 404):  # it shows us none; an upload may still be let in
                return []
            raise
