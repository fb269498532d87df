"""Settings of a Gelato connector, in the order of the questions of `damlink add`."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

import attrs

from damlink import Secret, parse_url, setting

__all__ = ["GelatoSettings"]

_PLACE: Final = re.compile(r"\{(\w*)\}")


@attrs.frozen
class GelatoSettings:
    """Settings of one Gelato account, and the tag of its assets."""

    tag: str = setting(
        selects=True,
        help="Assets with this tag go to Gelato. Any text, compared exactly: capitals count.",
    )
    api_key: Secret = setting(help="The Gelato account's API key.")
    account_id: str = setting(
        default="", identifies="target", help="The Gelato account, as the addresses below name it."
    )
    import_url: str = setting(
        default="",
        help="Address of imports, with `{account_id}` in it, from Gelato's account team. "
        "Empty: nothing is sent; the files wait, and the status shows what would be sent.",
    )
    status_url: str = setting(
        when={"import_url": True},
        default="",
        help="Address of a file's state: on the same host, with `{file_id}` in it.",
    )
    mode: str = setting(
        default="pull",
        choices=("pull", "push"),
        help="`pull`: Gelato fetches the file from a temporary address. `push`: Damlink sends its bytes.",
    )
    folder: str = setting(default="DAM import", help="The folder of the Gelato library.")
    backlink: bool = setting(
        default=False,
        help="Write the file's checkout link to the asset. Only files imported from then on get one.",
    )
    backlink_metaproperty: str = setting(
        when={"backlink": True},
        default="Gelato URL",
        help="The text metaproperty for the link, by label or name; made if there is none. "
        "Each connector of a portal needs its own.",
    )
    checkout_hosts: tuple[str, ...] = setting(
        when={"backlink": True},
        advanced=True,
        default=("gelato.com", "*.gelato.com", "gelatoglobe.com", "*.gelatoglobe.com"),
        help="The hosts that a link may lead to; `*.` stands for any host below. No other link is written.",
    )
    auth_header: str = setting(advanced=True, default="X-API-KEY", help="The header of the key.")
    catalog_url: str = setting(
        advanced=True,
        default="https://product.gelatoapis.com/v3/catalogs",
        help="Address for the check of the key by `damlink check`. Empty: the key is not checked.",
    )
    requests_per_second: float = setting(
        advanced=True, default=2.0, help="The most requests in a second to Gelato."
    )

    def __attrs_post_init__(self) -> None:
        if not self.tag:
            raise ValueError("tag is empty; every asset would go to Gelato")
        if not self.requests_per_second > 0:
            raise ValueError("requests_per_second must be above 0")
        for name in ("import_url", "status_url", "catalog_url"):
            self._check_address(name)
        if self.status_url and _origin(self.status_url) != _origin(self.import_url):
            raise ValueError("status_url must be on the host of import_url, which alone is shown the key")

    def _check_address(self, name: str) -> None:
        address = getattr(self, name)
        known = {"import_url": {"account_id"}, "status_url": {"account_id", "file_id"}}.get(name, set())
        if strange := set(_PLACE.findall(address)) - known:
            raise ValueError(f"{name} has {{{min(strange)}}}, which is no placeholder")
        if "{account_id}" in address and not self.account_id:
            raise ValueError(f"{name} needs account_id, which is not set")

    @property
    def api_url(self) -> str:
        """Return the origin that receives the key: of `import_url`, or of the catalog while that is empty."""
        return _origin(self.import_url or self.catalog_url)

    def import_address(self) -> str:
        """Return the address of imports."""
        return self.import_url.replace("{account_id}", quote(self.account_id, safe=""))

    def status_address(self, file_id: str) -> str:
        """Return the address of a file's state; empty if there is none."""
        address = self.status_url.replace("{account_id}", quote(self.account_id, safe=""))
        return address.replace("{file_id}", quote(file_id, safe=""))


def _origin(address: str) -> str:
    if not address:
        return ""
    # The braces of a placeholder are not valid in an address.
    url = parse_url(_PLACE.sub("x", address))
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
