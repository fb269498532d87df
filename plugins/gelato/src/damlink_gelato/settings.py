"""The settings of a Gelato connector, in the order in which they are asked for."""

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
    """One Gelato account, and the tag of the assets that go there."""

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
        help="Where Gelato takes files: an address with `{account_id}` in it, from Gelato's account team. "
        "Empty: nothing is sent, it is shown what would be, and the files wait.",
    )
    status_url: str = setting(
        when={"import_url": True},
        default="",
        help="Where Gelato tells what became of a file: on the same host, with `{file_id}` in it.",
    )
    mode: str = setting(
        default="pull",
        choices=("pull", "push"),
        help="Whether Gelato fetches the file from a temporary address, or is sent its bytes.",
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
    auth_header: str = setting(
        advanced=True, default="X-API-KEY", help="The header in which Gelato wants the key."
    )
    catalog_url: str = setting(
        advanced=True,
        default="https://product.gelatoapis.com/v3/catalogs",
        help="Asked by `damlink check`, to see whether the key is good. Empty: the key is not tried.",
    )
    requests_per_second: float = setting(
        advanced=True, default=2.0, help="The most requests in a second to Gelato."
    )

    def __attrs_post_init__(self) -> None:
        if not self.tag:
            raise ValueError("tag is empty; every asset would be meant")
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
            raise ValueError(f"{name} has {{{min(strange)}}}, which nothing is put in for")
        if "{account_id}" in address and not self.account_id:
            raise ValueError(f"{name} asks for account_id, which is not set")

    @property
    def api_url(self) -> str:
        """The origin that is shown the key: that of `import_url`, or the catalog's while there is none."""
        return _origin(self.import_url or self.catalog_url)

    def import_address(self) -> str:
        """Where files are taken."""
        return self.import_url.replace("{account_id}", quote(self.account_id, safe=""))

    def status_address(self, file_id: str) -> str:
        """Where to ask what became of a file; empty where nobody tells."""
        address = self.status_url.replace("{account_id}", quote(self.account_id, safe=""))
        return address.replace("{file_id}", quote(file_id, safe=""))


def _origin(address: str) -> str:
    if not address:
        return ""
    url = parse_url(_PLACE.sub("x", address))
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
