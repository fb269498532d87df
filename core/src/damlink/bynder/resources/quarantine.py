"""Quarantine: assets that wait for a person because of the virus scan.

Source: Bynder's published definition of antivirus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from damlink.bynder._action import action
from damlink.bynder._bodies import expect_mapping, expect_object, expect_page, get_body, read_body
from damlink.bynder._listing import Records
from damlink.bynder._pages import Page
from damlink.bynder._request import segment
from damlink.bynder.records.convert import number, records
from damlink.bynder.records.services import QuarantinedAsset
from damlink.bynder.resources.resource import Resource

__all__ = ["Quarantine", "Review"]

PATH: Final = "/v7/quarantine/v1"
Review = Literal["APPROVED", "DENIED"]


class Quarantine(Resource):
    """Quarantine: assets that wait for a person because of the virus scan.

    Example:
        for asset in portal.quarantine.list():
            portal.quarantine.review(asset.id, status="DENIED")
    """

    @action()
    def list(self) -> Records[QuarantinedAsset]:
        """List the assets in the quarantine."""
        return Records(self.page().items)

    @action()
    def page(self) -> Page[QuarantinedAsset]:
        """Get the assets in the quarantine, with the total number."""
        body = get_body(self._client, f"{PATH}/assets", expect_page("assets"))
        answer = body if isinstance(body, Mapping) else {"assets": body}
        total = answer.get("totalCount")
        found = tuple(map(QuarantinedAsset.read, records(answer["assets"])))
        return Page(items=found, total=None if total is None else number(total))

    @action()
    def get(self, id: str) -> QuarantinedAsset:
        """Get one asset in the quarantine.

        Args:
            id: of the asset in the quarantine.

        Raises:
            BynderError: status 404: the asset is not in the quarantine.
        """
        return QuarantinedAsset.read(get_body(self._client, _path(id), expect_object))

    @action()
    def review(self, id: str, *, status: Review) -> None:
        """Approve or deny one asset. Safe to repeat.

        Args:
            id: of the asset in the quarantine.
            status: `APPROVED` or `DENIED`.
        """
        answer = self._client.put(_path(id), json={"data": {"review_status": status}})
        read_body(answer, expect_mapping)

    @action()
    def review_all(self, *, ids: Sequence[str], status: Review) -> None:
        """Approve or deny several assets. Safe to repeat.

        Args:
            ids: of the assets in the quarantine.
            status: `APPROVED` or `DENIED`.
        """
        body: dict[str, Any] = {"antivirus_asset_ids": [*ids], "review_status": status}
        answer = self._client.post(f"{PATH}/antivirus-audit", json={"data": body}, idempotent=True)
        read_body(answer, expect_mapping)


def _path(id: str) -> str:
    return f"{PATH}/assets/{segment(id)}"
