"""Usage: places where assets are used, as reported by integrations.

Source: Bynder's published definition of asset usage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_object, expect_records, get_body, post_body
from damlink.bynder._fields import fields
from damlink.bynder._listing import Records
from damlink.bynder._once import id_of, post_once
from damlink.bynder._request import remove
from damlink.bynder.records.collections import Usage, UsageSync
from damlink.bynder.resources.resource import Resource

__all__ = ["Usages"]

PATH: Final = "/api/media/usage"


class Usages(Resource):
    """Usage: places where assets are used, as reported by integrations.

    Example:
        portal.usage.create(integration_id=integration, asset_id=asset, uri="/page")
        print(portal.usage.list(asset_id=asset).total)
    """

    @action()
    def list(
        self, *, asset_id: str | None = None, integration_id: str | None = None, uri: str | None = None
    ) -> Records[Usage]:
        """List the places where assets are used.

        Args:
            asset_id: only places of this asset.
            integration_id: only places that this integration reported.
            uri: only this place.
        """
        query = fields({"asset_id": asset_id, "integration_id": integration_id, "uri": uri})
        return Records(map(Usage.read, get_body(self._client, PATH, expect_records, **query)))

    @action()
    def create(
        self,
        *,
        integration_id: str,
        asset_id: str,
        uri: str | None = None,
        timestamp: datetime | None = None,
        additional: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Usage:
        """Report that an asset is used. A second report may count twice; one by `sync` does not.

        Args:
            integration_id: of the integration that uses it.
            asset_id: of the asset.
            uri: place where it is used.
            timestamp: beginning of the usage.
            additional: additional information.
            extra: more fields, by Bynder's own names.

        Raises:
            UnclearError: it is not known whether the usage was stored.
        """
        given: dict[str, Any] = {"integration_id": integration_id, "asset_id": asset_id, "uri": uri}
        given |= {"timestamp": timestamp, "additional": additional}

        # An answer without an id does not prove that the usage was stored.
        def read(answer: Mapping[str, Any]) -> Usage:
            id_of(answer, "id", "asset_id")
            return Usage.read(answer)

        return post_once(self._client, PATH, read, data=fields(given, extra))

    @action()
    def delete(self, *, integration_id: str, asset_id: str, uri: str | None = None) -> None:
        """Report that an asset is no longer used.

        Args:
            integration_id: of the integration that used it.
            asset_id: of the asset.
            uri: place where it was used; all places by default.
        """
        query = fields({"integration_id": integration_id, "asset_id": asset_id, "uri": uri})
        remove(self._client, PATH, params=query)

    @action()
    def sync(
        self,
        *,
        integration_id: str,
        uris: Sequence[str],
        usages: Sequence[Mapping[str, Any]],
    ) -> UsageSync:
        """Replace everything that an integration has reported of some places. Safe to repeat.

        Args:
            integration_id: of the integration.
            uris: places to replace; usage that is not among `usages` is removed.
            usages: current usage of these places: each with `asset_id`, `uri` and optionally `additional`.
        """
        body = {
            "integration_id": integration_id,
            "uris": [*uris],
            "usages": [dict(usage) for usage in usages],
        }
        return UsageSync.read(post_body(self._client, f"{PATH}/sync", expect_object, json=body))
