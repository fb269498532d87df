from __future__ import annotations

from typing import Any

import httpx
import pytest


def test_cut_when_scripted_closes_without_acting(client: Any) -> None:
    import_id = client.imported()
    client.fault(service="portal", match="POST /api/v4/media/save", kind="cut")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        client.save(import_id)
    assert client.state()["assets"] == []
    assert client.save(import_id).status_code == 201


def test_cut_after_when_scripted_acts_and_closes_without_an_answer(client: Any) -> None:
    import_id = client.imported()
    client.fault(service="portal", match="POST /api/v4/media/save", kind="cut-after")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.save(import_id, name="Beach")
    assert [asset["name"] for asset in client.state()["assets"]] == ["Beach"]


def test_cut_when_a_part_is_on_its_way_stores_nothing(client: Any) -> None:
    begun = client.begin()
    client.fault(service="s3", kind="cut")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        begun.store(b"x" * 3_000_000)
    assert begun.register().status_code == 500


@pytest.mark.parametrize("size", [10, 200_000])
def test_truncate_when_scripted_sends_half_of_the_promised_body(
    client: Any, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    url = client.portal.get(f"/api/v4/media/{client.saved(b'x' * size)}/download").json()["s3_file"]
    client.fault(service="s3", match="GET /download", kind="truncate")
    received: list[bytes] = []
    with client.storage.stream("GET", url) as answer, pytest.raises(httpx.RemoteProtocolError):
        received.extend(answer.iter_raw(1))
    assert (answer.headers["content-length"], len(received)) == (str(size), size // 2)
    assert [record for record in caplog.records if record.name == "uvicorn.error"] == []


def test_status_when_scripted_strikes_as_often_as_said(client: Any) -> None:
    client.fault(service="portal", match="brands", status=503, body='{"a":1}', times=2, skip=1)
    answers = [client.portal.get("/api/v4/brands/") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].json() == {"a": 1}


def test_control_when_asked_over_http_moves_everything(client: Any) -> None:
    with httpx.Client(base_url=client.sandbox.origins["control"], trust_env=False) as control:
        control.post("/faults", json={"service": "portal", "match": "brands", "status": 500})
        control.post("/pace", json={"requests": 100, "seconds": 10})
        control.post("/clock", json={"advance": 5})
        added = control.post("/control/bynder/add_asset", json={"name": "Beach", "text": "sand"}).json()
        assert client.portal.get("/api/v4/brands").status_code == 500
        assert control.get("/faults").json()[0]["struck"] == 1
        assert control.get("/pace").json()["most"] == 1
        assert control.get("/state").json()["bynder"]["assets"][0]["id"] == added["id"]
        assert control.get("/counts").json()["portal GET /api/v4/brands"] == 1
        assert control.post("/control/bynder/unknown").status_code == 404
        assert control.post("/faults", json={"service": "portal", "kind": "no"}).status_code == 400


def test_counts_when_an_id_is_in_the_path_name_the_route(client: Any) -> None:
    client.saved()
    counts = client.sandbox.world.counts
    assert counts["portal POST /api/v4/media/save/{id}"] == 1
    assert (counts["saves"], counts["parts"], counts["imports"]) == (1, 1, 1)
