from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

PATH = "/v7/file_cmds/upload"
DATA = (b"a" * 1000, b"b" * 500)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def prepared(client: Any) -> str:
    return str(client.portal.post(f"{PATH}/prepare", json={}).json()["file_id"])


def chunk(client: Any, file_id: str, number: int, data: bytes, sha256: str | None = None) -> httpx.Response:
    headers = {"Content-Type": "application/octet-stream", "Content-SHA256": sha256 or digest(data)}
    answer: httpx.Response = client.portal.post(
        f"{PATH}/{file_id}/chunk/{number}", content=data, headers=headers
    )
    return answer


def finalised(client: Any, file_id: str, **changes: str) -> httpx.Response:
    whole = b"".join(DATA)
    fields = {
        "fileName": "beach.jpg",
        "fileSize": str(len(whole)),
        "chunksCount": "2",
        "sha256": digest(whole),
    }
    answer: httpx.Response = client.portal.post(f"{PATH}/{file_id}/finalise_api", data={**fields, **changes})
    return answer


@pytest.fixture
def file_id(client: Any) -> str:
    made = prepared(client)
    for number, data in enumerate(DATA):
        assert chunk(client, made, number, data).status_code == 201
    return made


def test_file_when_finalised_is_saved_as_asset_version_and_additional(client: Any, file_id: str) -> None:
    done = finalised(client, file_id)
    assert (done.status_code, done.content, len(done.headers["X-API-Correlation-ID"])) == (201, b"", 36)
    client.control("second_save", makes="asset")
    saved = client.portal.post(f"/api/v4/media/save/{file_id}", data={"name": "Beach"})
    path = f"/api/v4/media/{saved.json()['mediaid']}"
    version = client.portal.post(f"{path}/save/{file_id}")
    additional = client.portal.post(f"{path}/save/additional/{file_id}/")
    (asset,) = client.state()["assets"]
    assert [one.status_code for one in (saved, version, additional)] == [201] * 3
    assert (asset["name"], asset["sha256"]) == ("Beach", digest(b"".join(DATA)))
    assert (len(asset["versions"]), additional.json()["itemId"]) == (2, asset["additionals"][0]["id"])


@pytest.mark.parametrize(
    "change",
    [{"chunksCount": "1"}, {"fileSize": "1499"}, {"sha256": "0" * 64}, {"fileName": ""}],
    ids=["count", "size", "digest", "name"],
)
def test_file_when_finalised_with_wrong_facts_is_refused_without_a_body(
    client: Any, file_id: str, change: dict[str, str]
) -> None:
    answer = finalised(client, file_id, **change)
    assert (answer.status_code, answer.content) == (400, b"")
    assert client.portal.post(f"/api/v4/media/save/{file_id}").status_code == 404
    assert finalised(client, file_id).status_code == 201


def test_file_when_a_chunk_is_missing_is_refused(client: Any) -> None:
    made = prepared(client)
    chunk(client, made, 0, DATA[0])
    chunk(client, made, 2, DATA[1])
    assert finalised(client, made).status_code == 400


def test_chunk_when_its_digest_is_wrong_or_wanted_is_refused(client: Any) -> None:
    made = prepared(client)
    wrong = chunk(client, made, 0, b"x", digest(b"y"))
    without = client.portal.post(f"{PATH}/{made}/chunk/0", content=b"x")
    client.control("settings", require_chunk_sha256=True)
    strict = client.portal.post(f"{PATH}/{made}/chunk/0", content=b"x")
    assert [one.status_code for one in (wrong, without, strict)] == [400, 201, 400]
    assert chunk(client, made.replace(made[0], "0"), 0, b"x").status_code == 400


def test_file_when_saved_too_early_is_303_without_a_location(client: Any, file_id: str) -> None:
    client.control("settings", files_lag=5)
    finalised(client, file_id)
    early = client.portal.post(f"/api/v4/media/save/{file_id}")
    client.advance(5)
    assert (early.status_code, early.json()["statuscode"], "location" in early.headers) == (303, "303", False)
    assert client.portal.post(f"/api/v4/media/save/{file_id}").status_code == 201


def test_files_service_when_the_portal_has_none_is_unknown(client: Any, file_id: str) -> None:
    client.control("settings", files_service=False)
    answers = [client.portal.post(f"{PATH}/prepare"), finalised(client, file_id)]
    assert [one.json()["message"] for one in answers] == ["no Route matched with those values"] * 2
    client.control("settings", files_service=True)
    client.control("roles", roles=["MEDIAEDIT"])
    assert client.portal.post(f"{PATH}/prepare").status_code == 403


@pytest.mark.parametrize("path", ["/workflow-jobs/{}/upload", "/api/workflow/jobs/{}/upload"])
def test_file_when_given_to_a_job_is_among_its_media(client: Any, file_id: str, path: str) -> None:
    finalised(client, file_id)
    job = client.control("add_job")["id"]
    body = {"fileId": file_id, "name": "draft.jpg", "fileSize": 1500}
    answer = client.portal.post(path.format(job), json=body)
    (media,) = client.portal.get(f"/api/workflow/jobs/{job}/media").json()
    assert (answer.status_code, answer.json()) == (200, {"mediaId": media["id"].replace("-", "")})
    assert client.storage.get(media["original_url"]).content == b"".join(DATA)
    assert client.portal.post(path.format(job), json={**body, "fileSize": 1}).status_code == 400
