from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink.errors import BynderError, UnclearError


def test_collection_when_created_changed_and_deleted_is_seen(portal: Portal) -> None:
    made = portal.collections.create(name="Summer", description="Beaches")
    portal.collections.update(made, name="Summer 2030")
    read = portal.collections.get(made)
    assert (read.id, read.name, read.description) == (made, "Summer 2030", "Beaches")
    assert read.created is not None
    portal.collections.delete(made)
    with pytest.raises(BynderError) as caught:
        portal.collections.get(made)
    assert caught.value.status == 404


@pytest.mark.parametrize("given", [None, True, False], ids=["not given", "yes", "no"])
def test_update_when_public_is_not_given_leaves_it(server: Any, given: bool | None) -> None:
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        portal.collections.update("c", is_public=given, thumbnail_asset_id="A")
    public = "" if given is None else f"isPublic={str(given).lower()}&"
    assert server.asked[0].body.decode() == f"{public}thumbnailAssetId=A"


@pytest.mark.parametrize(
    "place",
    [
        "https://x/api/v4/collections/ID-1/",
        "/api/v4/collections/ID-1",
        "https://x/api/v4/collections/ID-1?x=/y",
    ],
)
def test_create_when_the_location_is_in_any_form_gives_the_id(server: Any, place: str) -> None:
    server.always(201, b'{"message": "Created", "statuscode": 201}', headers={"Location": place})
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        assert portal.collections.create(name="n") == "ID-1"


def test_create_when_nothing_tells_the_id_says_that_it_is_there(server: Any) -> None:
    server.always(201, b'{"message": "Created", "statuscode": 201}')
    with (
        Portal(server.url, httpx.Auth(), pace=None) as portal,
        pytest.raises(BynderError, match="'n' is there"),
    ):
        portal.collections.create(name="n")


def test_create_when_the_answer_is_lost_is_not_sent_again(server: Any, hurried: None) -> None:
    server.then(201, cut=-1)
    with Portal(server.url, httpx.Auth(), pace=None) as portal, pytest.raises(UnclearError):
        portal.collections.create(name="n")
    assert len(server.asked) == 1


@pytest.mark.parametrize("capital", [False, True], ids=["isPublic", "IsPublic"])
def test_list_when_walked_in_small_pages_finds_each_once(
    portal: Portal, control: Callable[..., Any], tag: str, capital: bool
) -> None:
    made = [portal.collections.create(name=f"{tag} {number}") for number in range(5)]
    portal.collections.update(made[0], is_public=True)
    control("settings", capital_is_public=capital)
    found = list(portal.collections.list(keyword=f"{tag} ", limit=2))
    assert sorted(each.id for each in found) == sorted(made)
    assert [each.id for each in found if each.is_public] == made[:1]
    assert [each.id for each in portal.collections.list(ids=made[:2], order_by="name desc")] == made[1::-1]
    assert list(portal.collections.list(ids=[])) == []


def test_page_when_counted_has_the_count(portal: Portal, tag: str) -> None:
    for number in range(3):
        portal.collections.create(name=f"{tag} {number}")
    plain = portal.collections.page(keyword=f"{tag} ", limit=2, page=2)
    counted = portal.collections.page(keyword=f"{tag} ", limit=2, count=True)
    assert (len(plain.collections), plain.count) == (1, None)
    assert (len(counted.collections), counted.count) == (2, 3)


def test_media_when_added_and_removed_are_listed(portal: Portal, control: Callable[..., Any]) -> None:
    made, assets = portal.collections.create(name="Media"), control("add_asset", times=3)["ids"]
    portal.collections.add_media(made, asset_ids=assets)
    portal.collections.add_media(made, asset_ids=assets[:1])
    assert sorted(portal.collections.media(made)) == sorted(assets)
    portal.collections.remove_media(made, asset_ids=assets[:2])
    assert list(portal.collections.media(made)) == assets[2:]


@pytest.mark.parametrize("empty", [{}, {"recipients": []}, {"groups": (), "profiles": []}], ids=repr)
def test_share_when_with_nobody_sends_nothing(server: Any, empty: dict[str, Any]) -> None:
    with (
        Portal(server.url, httpx.Auth(), pace=None) as portal,
        pytest.raises(BynderError, match="at least one"),
    ):
        portal.collections.share("c", collection_options="view", **empty)
    assert server.asked == []


def test_share_when_all_is_given_sends_all(server: Any) -> None:
    server.always(202, b'{"message": "accepted", "statuscode": 202}')
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        portal.collections.share(
            "c",
            collection_options="edit",
            recipients=["a@x.example", "b@x.example"],
            groups=["g"],
            profiles=["p"],
            login_required=True,
            date_start=datetime(2030, 1, 1, tzinfo=UTC),
            date_end=datetime(2030, 2, 1, tzinfo=UTC),
            send_mail=False,
            message="Look",
            extra={"more": 1},
        )
    assert server.lines == ["POST /api/v4/collections/c/share/"]
    assert dict(httpx.QueryParams(server.asked[0].body.decode())) == {
        "collectionOptions": "edit",
        "recipients": "a@x.example,b@x.example",
        "groups": "g",
        "profiles": "p",
        "loginRequired": "true",
        "dateStart": "2030-01-01T00:00:00Z",
        "dateEnd": "2030-02-01T00:00:00Z",
        "sendMail": "false",
        "message": "Look",
        "more": "1",
    }


def test_share_when_the_portal_takes_it_is_done(portal: Portal) -> None:
    made = portal.collections.create(name="Shared")
    portal.collections.share(made, collection_options="view", recipients=["a@x.example"])
    with pytest.raises(BynderError, match="404"):
        portal.collections.share("unknown", collection_options="view", recipients=["a@x.example"])
