from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from damlink import Portal
from damlink.errors import BynderError
from damlink_sandbox import Sandbox


@pytest.fixture(scope="module", autouse=True)
def made(sandbox: Sandbox) -> None:
    def make(**body: Any) -> None:
        sandbox.part("bynder").control("metaproperty", body)

    make(name="kinds", type="select2", options=["photo", "film", "sound"], multi=True)
    make(name="remark", type="text")
    make(name="due", type="date")


def stored(sandbox: Sandbox, asset_id: str) -> dict[str, Any]:
    (found,) = (each for each in sandbox.part("bynder").state()["assets"] if each["id"] == asset_id)
    return dict(found)


def options(portal: Portal, *names: str) -> list[str]:
    known = {option.name: option.id for option in portal.metaproperties.get("kinds").options}
    return [known[name] for name in names]


def test_get_when_asked_for_versions_stats_and_relations_tells_them(
    portal: Portal, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="abc", filename="a.txt")["id"]
    plain = portal.assets.get(asset_id)
    full = portal.assets.get(asset_id, versions=True, stats=True, related=True)
    assert (plain.id, plain.size, plain.filename, plain.items) == (asset_id, 3, "a.txt", ())
    assert (full.active_version, full.raw["views"]) == (1, 0)
    assert "views" not in plain.raw


def test_get_when_there_is_none_says_which_call(portal: Portal) -> None:
    with pytest.raises(BynderError, match=r"File not found \(404, GET /api/v4/media/nothing/\)") as caught:
        portal.assets.get("nothing")
    assert caught.value.status == 404


@pytest.mark.parametrize("asset_id", [""])
def test_calls_when_there_is_no_id_send_nothing(server: Any, asset_id: str) -> None:
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        for call in (portal.assets.get, portal.assets.delete, portal.assets.download):
            with pytest.raises(BynderError, match="id is missing"):
                call(asset_id)
    assert server.asked == []


def test_modify_when_fields_are_given_changes_them_alone(
    portal: Portal, control: Callable[..., Any], sandbox: Sandbox
) -> None:
    asset_id = control("add_asset", name="Old", description="stays", tags=["old"])["id"]
    portal.assets.modify(asset_id, name="New", copyright="", tags=["a, b", "c"], archive=True)
    now = portal.assets.get(asset_id)
    assert (now.name, now.description, now.tags) == ("New", "stays", ("a b", "c"))
    assert (now.is_archived, now.is_public) == (True, False)
    portal.assets.modify(asset_id, name="", tags=[], is_public=True, archive=False)
    now = portal.assets.get(asset_id)
    assert (now.name, now.tags, now.is_archived, now.is_public) == ("", (), False, True)


def test_modify_when_dates_and_extras_are_given_sends_them_as_bynder_reads_them(server: Any) -> None:
    server.always(202, b"{}")
    day = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        portal.assets.modify(
            "A 1/x",
            date_published=day,
            archive_date=day,
            limited_date=day,
            watermark_date=day,
            custom_thumbnail_file_id="f",
            remove_custom_thumbnail=False,
            limited=False,
            brand_id="B",
            extra={"metaproperty.M": ["o", "p"], "new": True},
        )
    (asked,) = server.asked
    sent = dict(httpx.QueryParams(asked.body.decode()))
    assert asked.path == "/api/v4/media/A%201%2Fx/"
    assert sent == {
        **dict.fromkeys(
            ("datePublished", "archiveDate", "limitedDate", "watermarkDate"), "2030-01-02T03:04:05Z"
        ),
        "customThumbnailFileId": "f",
        "removeCustomThumbnail": "false",
        "limited": "false",
        "brandId": "B",
        "metaproperty.M": "o,p",
        "new": "true",
    }


def test_modify_when_nothing_is_given_sends_nothing(server: Any) -> None:
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        portal.assets.modify("A1")
    assert server.asked == []


def test_modify_when_metaproperties_are_named_writes_replaces_and_clears_them(
    portal: Portal, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="x")["id"]

    def values() -> list[tuple[str, ...]]:
        asset = portal.assets.get(asset_id)
        return [asset.values_of(name) for name in ("kinds", "remark", "due")]

    portal.assets.modify(
        asset_id, metaproperties={"kinds": ["photo", "film"], "remark": "one, two", "due": "2030-01-02"}
    )
    kinds, remark, due = values()
    assert (set(kinds), remark, due[0][:10]) == ({"photo", "film"}, ("one, two",), "2030-01-02")
    portal.assets.modify(asset_id, metaproperties={"kinds": "sound", "remark": "", "due": []})
    assert values() == [("sound",), (), ()]


def test_modify_when_an_option_is_new_creates_it_only_if_asked(
    portal: Portal, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="x")["id"]
    with pytest.raises(BynderError, match="has no option 'painting'"):
        portal.assets.modify(asset_id, metaproperties={"kinds": ["painting"]})
    portal.assets.modify(asset_id, metaproperties={"kinds": ["painting", "film"]}, create_options=True)
    assert set(portal.assets.get(asset_id).values_of("kinds")) == {"painting", "film"}


def test_options_when_added_and_removed_leave_the_others(portal: Portal, control: Callable[..., Any]) -> None:
    asset_id, kinds = control("add_asset", text="x")["id"], portal.metaproperties.get("kinds").id
    portal.assets.add_options(asset_id, metaproperty_id=kinds, option_ids=options(portal, "photo", "film"))
    portal.assets.add_options(asset_id, metaproperty_id=kinds, option_ids=options(portal, "sound"))
    portal.assets.remove_options(asset_id, metaproperty_id=kinds, option_ids=options(portal, "film"))
    asset = portal.assets.get(asset_id)
    assert set(asset.values_of("kinds")) == {"photo", "sound"}
    assert set(asset.option_ids) == set(options(portal, "photo", "sound"))


def test_delete_when_done_is_gone_and_a_second_one_is_an_error(
    portal: Portal, control: Callable[..., Any]
) -> None:
    asset_id = control("add_asset", text="x")["id"]
    portal.assets.delete(asset_id)
    for call in (portal.assets.get, portal.assets.delete):
        with pytest.raises(BynderError) as caught:
            call(asset_id)
        assert caught.value.status == 404


def test_delete_when_its_answer_was_lost_takes_a_404_for_done(server: Any, hurried: None) -> None:
    server.then(204, cut=-1).then(404, b'{"message": "Media not found", "statuscode": "404"}')
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        portal.assets.delete("A1")
    assert server.lines == ["DELETE /api/v4/media/A1/"] * 2


def test_similar_when_asked_for_by_more_than_one_thing_sends_nothing(server: Any) -> None:
    with Portal(server.url, httpx.Auth(), pace=None) as portal:
        for wrong in ({}, {"text": "a dog", "asset_ids": ["A1"]}):
            with pytest.raises(BynderError, match="exactly one"):
                portal.assets.similar(**wrong)  # type: ignore[arg-type]
        assert server.asked == []
        server.always(200, b'{"assets": [{"assetId": "a", "similarityScore": 0.5}]}')
        assert [(each.asset_id, each.score) for each in portal.assets.similar(text="a dog")] == [("a", 0.5)]
    assert server.asked[0].body == b'{"textQuery":"a dog"}'


def test_find_when_the_portal_shows_an_asset_returns_it(portal: Portal, control: Callable[..., Any]) -> None:
    asset_id = control("add_asset", name="Beach")["id"]
    found = portal.assets.find(asset_id, versions=True)
    assert found is not None
    assert found.active_originals == tuple(item for item in found.items if item.type == "original")


def test_find_when_there_is_no_such_asset_returns_none(portal: Portal) -> None:
    assert portal.assets.find("00000000-0000-0000-0000-000000000000") is None


def test_find_when_the_portal_refuses_otherwise_raises(server: Any) -> None:
    server.always(403, b'{"message": "no"}')
    with Portal(server.url, httpx.Auth(), pace=None) as portal, pytest.raises(BynderError):
        portal.assets.find("A")
