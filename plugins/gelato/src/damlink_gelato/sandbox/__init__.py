"""Gelato's part of the sandbox: a library that fetches files by their address, and the catalog of products.

Source: dashboard.gelato.com/docs for the catalog; of the library all is assumed, see
docs/reference/assumptions.md. It shares nothing with the plugin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from damlink_gelato.sandbox import demo as demo
from damlink_gelato.sandbox import imports as imports
from damlink_gelato.sandbox.controls import ACTIONS
from damlink_gelato.sandbox.library import CHECKOUT_HOST, Account, File, Library
from damlink_gelato.sandbox.wire import service
from damlink_sandbox.mark import SECRET_MARK

if TYPE_CHECKING:
    from damlink_sandbox import Finding, Part, Scene, World

ACCOUNT = Account("sandbox-account", f"sandbox-gelato-key-{SECRET_MARK}")

IMPORTS: dict[str, Any] = {
    "POST /dam/v1/accounts/{account}/files:import": imports.take,
    "GET /dam/v1/accounts/{account}/files/{file}": imports.status,
}
PRODUCTS: dict[str, Any] = {"GET /v3/catalogs": imports.catalogs}


class GelatoSandbox:
    """The stand-in for Gelato: one account, and a library with folders."""

    name = "gelato"
    # For the tests of the plugin. An import may be sent as often as one likes: its key makes it one file.
    trial_reads = r"^POST "
    trial_acts = ""
    trial_carries = True
    # The list is the portal's, and a page of it holds more assets than a test has.
    trial_is_paged = False

    def __init__(self, world: World) -> None:
        self._library = Library(world, {ACCOUNT.id: Account(ACCOUNT.id, ACCOUNT.key)})
        self._untagged = ""

    def services(self) -> Mapping[str, Any]:
        """Return `gelato` (imports) and `gelato-products` (the catalog)."""
        tables = {"gelato": IMPORTS, "gelato-products": PRODUCTS}
        return {
            name: service({line: partial(handler, self._library) for line, handler in table.items()})
            for name, table in tables.items()
        }

    def state(self) -> Any:
        """Return `files`, of all accounts, in the order of their arrival, without those that failed."""
        with self._library.lock:
            return {"files": [_file(file) for file in self._library.files.values() if file.failure is None]}

    def control(self, action: str, body: Mapping[str, Any]) -> Any:
        """Run one of `controls.ACTIONS`. `KeyError` for another action, `ValueError` for a wrong body."""
        act = ACTIONS[action]
        with self._library.lock:
            return act(self._library, body)

    def connector(self) -> Mapping[str, Any]:
        """Return a connector that carries assets tagged `Gelato` and writes links back."""
        origins = self._library.world.origins
        files = f"{origins['gelato']}/dam/v1/accounts/{{account_id}}/files"
        return {
            "plugin": "gelato",
            "tag": demo.TAG,
            "api_key": ACCOUNT.key,
            "account_id": ACCOUNT.id,
            "import_url": f"{files}:import",
            "status_url": f"{files}/{{file_id}}",
            "backlink": True,
            "checkout_hosts": [CHECKOUT_HOST],
            "catalog_url": f"{origins['gelato-products']}/v3/catalogs",
            "requests_per_second": 100.0,
        }

    def secrets(self) -> Iterable[str]:
        """Return the names of the secret settings of `connector()`."""
        return ("api_key",)

    def furnish(self, parts: Mapping[str, Part]) -> None:
        """Put a few tagged assets into the portal, and one that has no tag yet."""
        self._untagged = demo.furnish(self._library, parts)

    def trial_targets(self, parts: Mapping[str, Part]) -> Iterable[str]:  # noqa: ARG002 - of the protocol
        """Return the ids of the library's files."""
        return [file["id"] for file in self.state()["files"]]

    def findings(self, parts: Mapping[str, Part]) -> Iterable[Finding]:
        """Compare each tagged asset of the portal with the library, and its link with the library's."""
        return demo.findings(self.state()["files"], parts)

    def scenes(self, parts: Mapping[str, Part]) -> Iterable[Scene]:
        """Return the scenes of the asset without a tag, to play while Damlink serves."""
        return demo.scenes(lambda: self.state()["files"], parts, self._untagged)


def _file(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "account": file.account,
        "folder": file.folder,
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "asset_id": file.source["assetId"],
        "item_id": file.source["itemId"],
        "version": file.source["version"],
        "checkout_url": file.checkout_url,
        "path": str(file.path),
    }
