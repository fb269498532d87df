"""A portal signed in to by OAuth 1.0a: the sandbox verifies each signature with oauthlib."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from damlink import Portal, Secret
from damlink._http.oauth1 import OAuth1
from damlink.errors import BynderAuthError
from damlink_sandbox import Sandbox


def keys_of(sandbox: Sandbox) -> OAuth1:
    part: Any = sandbox.part("bynder")
    secrets = (Secret(part.consumer_secret), Secret(part.oauth_token), Secret(part.oauth_token_secret))
    return OAuth1(part.consumer_key, *secrets)


@pytest.fixture
def portal(sandbox: Sandbox, hurried: None) -> Iterator[Portal]:
    with Portal(sandbox.origins["portal"], keys_of(sandbox), pace=None) as opened:
        yield opened


@pytest.fixture
def asset_id(control: Callable[..., Any], tag: str) -> str:
    return str(control("add_asset", text="bytes", name="before", tags=[tag])["id"])


def test_query_when_it_holds_anything_is_signed_rightly(portal: Portal, asset_id: str, tag: str) -> None:
    found = portal.assets.page(tags=[tag], keyword="before", extra={"odd name": "a+b %41&=é"})
    assert [asset.id for asset in found.assets] == [asset_id]


def test_form_when_it_holds_anything_arrives_as_it_left(portal: Portal, asset_id: str) -> None:
    portal.assets.modify(asset_id, name="Bühne & more=1+2 %41", description="~*'()!")
    changed = portal.assets.get(asset_id)
    assert (changed.name, changed.description) == ("Bühne & more=1+2 %41", "~*'()!")


def test_json_when_sent_arrives_as_it_left(
    portal: Portal, asset_id: str, control: Callable[..., Any], tag: str
) -> None:
    name = tag.replace("-", "_")
    control("metaproperty", name=name, type="select", options=["Spain", "Italy"], multi=True)
    metaproperty = portal.metaproperties.get(name)
    wanted = [option.id for option in metaproperty.options]
    portal.assets.add_options(asset_id, metaproperty_id=metaproperty.id, option_ids=wanted)
    assert sorted(portal.assets.get(asset_id).values_of(name)) == ["Italy", "Spain"]


def test_multipart_when_sent_arrives_as_it_left(portal: Portal, asset_id: str) -> None:
    path = f"/api/v4/media/{asset_id}/"
    answer = portal.raw.request("POST", path, form={"name": "By parts & more"}, multipart=True)
    assert answer.status == 202
    assert portal.assets.get(asset_id).name == "By parts & more"


@pytest.mark.parametrize("flow", ["v4", "v7"])
def test_upload_when_signed_arrives_whole(sandbox: Sandbox, tmp_path: Path, hurried: None, flow: Any) -> None:
    file = tmp_path / "raw.bin"
    file.write_bytes(bytes(range(256)) * 30_000)
    with Portal(sandbox.origins["portal"], keys_of(sandbox), uploads=flow, pace=None) as portal:
        told = portal.uploads.file(file)
    (asset,) = [each for each in sandbox.part("bynder").state()["assets"] if each["id"] == told.target_id]
    assert asset["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_wrong_secret_is_refused_with_the_cure(sandbox: Sandbox) -> None:
    part: Any = sandbox.part("bynder")
    auth = OAuth1(part.consumer_key, Secret("wrong"), Secret(part.oauth_token), Secret("wrong"))
    with (
        Portal(sandbox.origins["portal"], auth, pace=None) as portal,
        pytest.raises(BynderAuthError, match="refused the credentials"),
    ):
        portal.account.get()
