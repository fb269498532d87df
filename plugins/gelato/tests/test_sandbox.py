"""The stand-in, asked as a stranger would ask it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from damlink_gelato.sandbox import ACCOUNT
from damlink_sandbox import Fault, Sandbox


@attrs.define
class Stranger:
    """Whoever asks, and one asset to ask about."""

    sandbox: Sandbox
    http: httpx.Client
    asset: dict[str, Any]

    def body(self, **changes: Any) -> dict[str, Any]:
        item = self.asset["versions"][0]["id"]
        source = {"system": "bynder", "domain": "https://brand.example", "version": 1}
        return {
            "source": source | {"assetId": self.asset["id"], "itemId": item},
            "name": "poster.pdf",
            "mimeType": "application/pdf",
            "size": self.asset["size"],
            "fileUrl": self.address(),
            "folder": "DAM import",
        } | changes

    def address(self) -> str:
        portal = self.sandbox.part("bynder").connector()
        headers = {"Authorization": f"Bearer {portal['token']}"}
        url = f"{portal['url']}/api/v4/media/{self.asset['id']}/download/"
        return str(self.http.get(url, headers=headers).json()["s3_file"])

    def ask(
        self, key: str = "the key", account: str = ACCOUNT.id, api_key: str = ACCOUNT.key, **changes: Any
    ) -> httpx.Response:
        url = f"{self.sandbox.origins['gelato']}/dam/v1/accounts/{account}/files:import"
        headers = {"X-API-KEY": api_key, "Idempotency-Key": key and self.asset["id"] + key}
        return self.http.post(url, headers=headers, json=self.body(**changes))

    def status(self, file_id: str, api_key: str = ACCOUNT.key) -> httpx.Response:
        url = f"{self.sandbox.origins['gelato']}/dam/v1/accounts/{ACCOUNT.id}/files/{file_id}"
        return self.http.get(url, headers={"X-API-KEY": api_key})

    def control(self, action: str, **body: Any) -> Any:
        return self.sandbox.part("gelato").control(action, body)


@pytest.fixture
def stranger(bench: Any) -> Iterator[Stranger]:
    asset_id = bench.add(text="what is printed")
    with httpx.Client(trust_env=False, timeout=30) as http:
        yield Stranger(bench.sandbox, http, bench.asset(asset_id))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


def test_import_fetches_the_file_and_keeps_it_in_its_folder(stranger: Stranger) -> None:
    answer = stranger.ask()
    told = answer.json()
    assert (answer.status_code, told["status"], told["folder"]) == (200, "available", "DAM import")
    assert told["checkoutUrl"].startswith("https://checkout.gelato.example/")
    files = stranger.sandbox.part("gelato").state()["files"]
    (file,) = [each for each in files if each["id"] == told["fileId"]]
    assert hashlib.sha256(Path(file["path"]).read_bytes()).hexdigest() == stranger.asset["sha256"]
    assert Path(file["path"]).parent.name == "DAM import"


def test_same_key_gives_the_same_answer_and_no_second_file(stranger: Stranger) -> None:
    before = len(stranger.sandbox.part("gelato").state()["files"])
    first, second = stranger.ask(), stranger.ask(fileUrl="http://127.0.0.1:9/gone")
    assert first.json() == second.json()
    assert len(stranger.sandbox.part("gelato").state()["files"]) == before + 1


def test_same_original_with_another_key_is_a_conflict_that_names_the_file(stranger: Stranger) -> None:
    first, second = stranger.ask(), stranger.ask("another key")
    assert code(second) == (409, "ALREADY_IMPORTED")
    assert second.json()["fileId"] == first.json()["fileId"]
    assert second.json()["checkoutUrl"] == first.json()["checkoutUrl"]


def test_key_of_another_original_is_refused(stranger: Stranger) -> None:
    stranger.ask()
    source = stranger.body()["source"] | {"itemId": "another"}
    assert code(stranger.ask(source=source)) == (409, "KEY_REUSED")


def test_error_is_not_replayed(stranger: Stranger) -> None:
    assert code(stranger.ask(fileUrl="http://127.0.0.1:9/gone")) == (422, "FILE_URL_UNREACHABLE")
    assert stranger.ask().status_code == 200


def test_redirect_is_followed(stranger: Stranger) -> None:
    moved = Fault("s3", "GET /download", status=302, headers={"Location": stranger.address()})
    stranger.sandbox.world.faults.add(moved)
    assert stranger.ask().json()["status"] == "available"
    assert moved.struck == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"size": 3}, (400, "SIZE_MISMATCH")),
        ({"folder": ""}, (400, "INVALID_REQUEST")),
        ({"source": None}, (400, "INVALID_REQUEST")),
        ({"source": {"system": "bynder"}}, (400, "INVALID_REQUEST")),
        ({"fileUrl": "ftp://127.0.0.1/x"}, (400, "INVALID_REQUEST")),
        ({"fileUrlExpiresAt": "2020-01-01T00:00:00Z"}, (422, "FILE_URL_UNREACHABLE")),
    ],
)
def test_wrong_body_is_refused(stranger: Stranger, changes: Any, expected: Any) -> None:
    assert code(stranger.ask(**changes)) == expected


def test_wrong_digest_is_refused(stranger: Stranger) -> None:
    source = stranger.body()["source"]
    assert code(stranger.ask(source=source | {"sha256": "0" * 64})) == (400, "CHECKSUM_MISMATCH")
    assert stranger.ask(source=source | {"sha256": stranger.asset["sha256"]}).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"api_key": ""}, (401, "UNAUTHORIZED")),
        ({"api_key": "wrong"}, (401, "UNAUTHORIZED")),
        ({"account": "nobody"}, (404, "ACCOUNT_NOT_FOUND")),
        ({"account": "second"}, (403, "FORBIDDEN")),
        ({"key": ""}, (400, "INVALID_REQUEST")),
    ],
)
def test_wrong_caller_is_refused(stranger: Stranger, changes: Any, expected: Any) -> None:
    stranger.control("add_account", id="second", key="second-key")
    assert code(stranger.ask(**changes)) == expected


def test_accounts_keep_their_files_apart(stranger: Stranger) -> None:
    stranger.control("add_account", id="second", key="second-key")
    mine = stranger.ask().json()["fileId"]
    theirs = stranger.ask(account="second", api_key="second-key").json()["fileId"]
    assert mine != theirs
    assert stranger.status(mine, "second-key").status_code == 403
    assert code(stranger.status(theirs)) == (404, "FILE_NOT_FOUND")


def test_processing_ends_by_the_clock(stranger: Stranger) -> None:
    stranger.control("settings", processing=60)
    first = stranger.ask()
    file_id = first.json()["fileId"]
    assert (first.status_code, first.json()["status"]) == (202, "processing")
    assert stranger.ask().status_code == 202
    asked = stranger.status(file_id)
    assert (asked.status_code, asked.json()["status"]) == (200, "processing")
    stranger.sandbox.world.clock.advance(60)
    assert stranger.status(file_id).json()["status"] == "available"


def test_slow_fetch_is_slow(stranger: Stranger) -> None:
    stranger.control("settings", slow=0.2)
    began = time.monotonic()
    assert stranger.ask().status_code == 200
    assert time.monotonic() - began >= 0.2


def test_form_brings_the_bytes(stranger: Stranger) -> None:
    url = f"{stranger.sandbox.origins['gelato']}/dam/v1/accounts/{ACCOUNT.id}/files:import"
    body = stranger.body()
    form = {"source": json.dumps(body["source"]), "name": "poster.pdf", "size": "4", "folder": "DAM import"}
    headers = {"X-API-KEY": ACCOUNT.key, "Idempotency-Key": "form"}
    answer = stranger.http.post(url, headers=headers, data=form, files={"file": ("poster.pdf", b"1234")})
    assert answer.json()["status"] == "available"


def test_catalog_is_for_good_keys(stranger: Stranger) -> None:
    url = f"{stranger.sandbox.origins['gelato-products']}/v3/catalogs"
    assert stranger.http.get(url, headers={"X-API-KEY": ACCOUNT.key}).status_code == 200
    stranger.control("revoke_key")
    assert stranger.http.get(url, headers={"X-API-KEY": ACCOUNT.key}).status_code == 401


def test_unknown_switch_and_action_are_named(stranger: Stranger) -> None:
    with pytest.raises(ValueError, match="speed"):
        stranger.control("settings", speed=1)
    with pytest.raises(KeyError):
        stranger.control("explode")
