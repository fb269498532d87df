"""Bynder's own Python SDK against the sandbox, over TLS: what it can do must work."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from bynder_sdk import BynderClient
from bynder_sdk.client import upload_client

from damlink_sandbox import Sandbox


@pytest.fixture(scope="module")
def sdk(portal: Sandbox, tls: Any) -> Iterator[Any]:
    domain = urlsplit(portal.origins["portal"]).netloc
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(tls.authority))
        client = BynderClient(domain=domain, permanent_token=portal.part("bynder").token)
        with client.session:
            yield client


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch, portal: Sandbox) -> None:
    """The SDK waits five seconds before each poll; the sandbox converts and lists at once."""
    monkeypatch.setattr(upload_client, "POLLING_IDLE_TIME", 0.05)
    portal.part("bynder").control("lag", {"conversion": 0.1, "index": 0, "s3": 0})


@pytest.fixture(scope="module")
def brand(sdk: Any) -> str:
    return str(sdk.asset_bank_client.brands()[0]["id"])


def uploaded(sdk: Any, brand: str, folder: Path, size: int, **query: str) -> tuple[str, str]:
    """Upload random bytes; the asset's id and their digest."""
    data = random.Random(size).randbytes(size)
    path = folder / f"bytes-{size}.bin"
    path.write_bytes(data)
    answer = sdk.asset_bank_client.upload_file(str(path), brand, query={"name": path.stem, **query})
    return answer["mediaid"], hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("size", [1_000, 25 * 1024 * 1024], ids=["small", "25 MB"])
def test_upload_stores_the_bytes(sdk: Any, portal: Sandbox, brand: str, tmp_path: Path, size: int) -> None:
    asset_id, sha256 = uploaded(sdk, brand, tmp_path, size)
    stored = {asset["id"]: asset for asset in portal.part("bynder").state()["assets"]}
    assert stored[asset_id]["sha256"] == sha256
    assert sdk.asset_bank_client.media_info(asset_id)["fileSize"] == size


def test_upload_to_an_asset_is_a_new_version(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, _ = uploaded(sdk, brand, tmp_path, 2_000)
    path = tmp_path / "second.bin"
    path.write_bytes(b"second" * 100)
    sdk.asset_bank_client.upload_file(str(path), brand, media_id=asset_id)
    items = sdk.asset_bank_client.media_info(asset_id, {"versions": 1})["mediaItems"]
    assert {item["version"] for item in items if item["type"] == "original"} == {1, 2}


def test_modified_asset_reads_back_and_downloads(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, sha256 = uploaded(sdk, brand, tmp_path, 3_000)
    sdk.asset_bank_client.set_media_properties(asset_id, {"name": "Renamed", "tags": "sea,summer"})
    info = sdk.asset_bank_client.media_info(asset_id)
    assert (info["name"], sorted(info["tags"])) == ("Renamed", ["sea", "summer"])
    link = sdk.asset_bank_client.media_download_url(asset_id)["s3_file"]
    data = requests.get(link, timeout=10).content
    assert hashlib.sha256(data).hexdigest() == sha256


def test_lists_count_and_filter(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, _ = uploaded(sdk, brand, tmp_path, 4_000, tags="rare-tag")
    assert [asset["id"] for asset in sdk.asset_bank_client.media_list({"tags": "rare-tag"})] == [asset_id]
    counted = sdk.asset_bank_client.media_list({"tags": "rare-tag", "count": 1})
    assert (counted["count"]["total"], len(counted["media"])) == (1, 1)
    assert [tag["tag"] for tag in sdk.asset_bank_client.tags({"keyword": "rare-tag"})] == ["rare-tag"]


def test_metaproperties_are_keyed_by_name(sdk: Any, portal: Sandbox) -> None:
    portal.part("bynder").control("metaproperty", {"name": "Country", "type": "select", "options": ["Spain"]})
    country = sdk.asset_bank_client.meta_properties()["Country"]
    assert (country["type"], country["options"][0]["name"]) == ("select", "Spain")


def test_usage_is_made_listed_and_removed(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, _ = uploaded(sdk, brand, tmp_path, 5_000)
    integration = "0191d303-9d99-433e-ada4-d244d37e1d6c"
    sdk.asset_bank_client.create_usage(integration, asset_id, {"uri": "/page"})
    assert [use["uri"] for use in sdk.asset_bank_client.usage({"asset_id": asset_id})] == ["/page"]
    sdk.asset_bank_client.delete_usage(integration, asset_id)
    assert not sdk.asset_bank_client.usage({"asset_id": asset_id})


def test_collections_live_from_creation_to_deletion(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, _ = uploaded(sdk, brand, tmp_path, 6_000)
    collections = sdk.collection_client
    collections.create_collection("Summer")
    (made,) = [each for each in collections.collections() if each["name"] == "Summer"]
    collections.add_media_to_collection(made["id"], [asset_id])
    assert collections.collection_media_ids(made["id"]) == [asset_id]
    assert collections.collection_info(made["id"])["name"] == "Summer"
    collections.share_collection(made["id"], "view", ["jane@example.com"])
    collections.remove_media_from_collection(made["id"], [asset_id])
    assert collections.collection_media_ids(made["id"]) == []
    collections.delete_collection(made["id"])
    assert made["id"] not in {each["id"] for each in collections.collections()}


def test_deleted_asset_is_gone(sdk: Any, brand: str, tmp_path: Path) -> None:
    asset_id, _ = uploaded(sdk, brand, tmp_path, 7_000)
    sdk.asset_bank_client.delete_media(asset_id)
    with pytest.raises(requests.HTTPError, match="404"):
        sdk.asset_bank_client.media_info(asset_id)


def test_workflow_and_account_answer(sdk: Any) -> None:
    assert isinstance(sdk.workflow_client.users(), list)
    assert isinstance(sdk.workflow_client.campaigns(), list)
    assert isinstance(sdk.workflow_client.jobs(), list)
    assert isinstance(sdk.derivatives(), list)


def test_client_credentials_are_exchanged_for_a_token(sdk: Any, portal: Sandbox) -> None:
    bynder, domain = portal.part("bynder"), urlsplit(portal.origins["portal"]).netloc
    client = BynderClient(
        domain=domain,
        client_id=bynder.client_id,
        client_secret=bynder.client_secret,
        client_credentials=True,
    )
    with client.session:
        client.fetch_token(code=None)
        assert isinstance(client.asset_bank_client.media_list({"limit": 1}), list)
