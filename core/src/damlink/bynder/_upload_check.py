"""Check of what an upload needs: a brand, and a role of the user's profile."""

from __future__ import annotations

from damlink.bynder.resources.brands import Brands
from damlink.bynder.resources.profiles import Profiles, check_upload_roles

__all__ = ["UploadCheck"]


class UploadCheck:
    """Brand of new assets, and the roles that permit an upload.

    Args:
        brand: name or id of the brand that is used if none is given.
    """

    def __init__(self, brands: Brands, profiles: Profiles, brand: str) -> None:
        self._brands = brands
        self._profiles = profiles
        self._brand = brand

    def brand_id(self, wanted: str = "") -> str | None:
        """Return the id of a brand by its name or id; `None` if the portal shows no brand.

        Raises:
            ConfigError: the brand is unknown, or must be chosen.
        """
        return self._brands.id_of(wanted or self._brand)

    def check(self, *, waiting_room: bool, brand: str = "") -> str | None:
        """Return the id of the brand if the portal will accept an upload.

        Raises:
            BynderAuthError: the profile's roles do not permit it; names the missing role.
            ConfigError: the brand is unknown, or must be chosen.
        """
        brand_id = self.brand_id(brand)
        profile = self._profiles.own()
        if profile is not None:
            check_upload_roles(profile, waiting_room=waiting_room)
        return brand_id
