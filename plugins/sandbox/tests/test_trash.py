from __future__ import annotations

from typing import Any

import pytest


def _names(client: Any, **query: str) -> list[str]:
    return [one["name"] for one in client.portal.get("/api/trash/media/", params=query).json()]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["C", "A", "B"]),
        ({"order": "asc"}, ["B", "A", "C"]),
        ({"field": "media.name", "order": "asc"}, ["A", "B", "C"]),
        ({"field": "dateCreated", "order": "desc"}, ["A", "B", "C"]),
        ({"limit": "2", "page": "2"}, ["B"]),
    ],
)
def test_trash_when_ordered_lists_what_was_removed(
    client: Any, query: dict[str, str], names: list[str]
) -> None:
    years = {"A": 2025, "B": 2024, "C": 2023}
    made = {
        name: client.control("add_asset", name=name, created=f"{years[name]}-01-01T00:00:00Z")
        for name in "ABC"
    }
    for name in "BAC":
        client.portal.delete("/api/v4/media", params={"id": made[name]["id"]})
        client.advance(10)
    assert _names(client, **query) == names


def test_trash_when_a_range_is_asked_for_or_30_days_have_passed_forgets_the_rest(client: Any) -> None:
    client.control("delete_asset", id=client.control("add_asset", name="Old")["id"])
    client.advance(86400)
    middle = client.sandbox.world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    client.control("delete_asset", id=client.control("add_asset", name="New")["id"])
    late, early = _names(client, dateRemovedFrom=middle), _names(client, dateRemoved=middle)
    client.advance(86400 * 29.5)
    assert (late, early, _names(client)) == (["New"], ["Old"], ["New"])


def test_trash_when_the_role_is_missing_is_denied(client: Any) -> None:
    client.control("roles", roles=["MEDIAREMOVE"])
    assert client.portal.get("/api/trash/media").status_code == 403
