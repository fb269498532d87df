"""The services beside the asset bank refuse what they must."""

from __future__ import annotations

from typing import Any

import pytest

NOBODY = "00000000-0000-0000-0000-000000000001"
AUDIT = "/v7/quarantine/v1/antivirus-audit"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", f"/v7/quarantine/v1/assets/{NOBODY}", {"data": {"review_status": "APPROVED"}}, 404),
        ("POST", AUDIT, {"data": {"antivirus_asset_ids": [], "review_status": "REJECTED"}}, 400),
        ("POST", AUDIT, {}, 400),
        ("GET", f"/api/pim/metaproperties/{NOBODY}", None, 404),
        ("PUT", f"/api/pim/metapropertyoptions/{NOBODY}", {"children": []}, 404),
        ("POST", f"/api/content_access/metaproperties/{NOBODY}", {"level": "other"}, 400),
        ("PUT", f"/api/1/content-access/options/{NOBODY}/visibility", {}, 400),
        ("POST", "/api/1/automation-workflow/rules", {}, 400),
        ("GET", "/api/1/automation-workflow/rules?start=x", None, 400),
        ("PATCH", f"/api/1/automation-workflow/rules/{NOBODY}/status", {"status": "PAUSED"}, 404),
        ("GET", "/v7/analytics/api/v1/asset/view?cursor=***", None, 400),
        ("GET", "/v7/analytics/api/v1/asset/view?limit=0", None, 400),
        ("GET", f"/v7/analytics/api/v1/report/asset/{NOBODY}", None, 404),
        ("GET", f"/api/1/authoring/documents/{NOBODY}", None, 400),
    ],
)
def test_request_when_wrong_is_refused(shared: Any, method: str, path: str, body: Any, status: int) -> None:
    assert shared.portal.request(method, path, json=body).status_code == status
