from __future__ import annotations

import zlib
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


@pytest.mark.parametrize(
    ("garbage", "body"),
    [
        pytest.param("empty", b"", id="empty"),
        pytest.param("object", b"{}", id="object"),
        pytest.param("list", b"[]", id="list"),
        pytest.param("null", b"null", id="null"),
        pytest.param("text", b"OK", id="text"),
        pytest.param("success-false", b'{"success":false}', id="success-false"),
    ],
)
def test_garble_when_scripted_acts_and_sends_something_else(client: Any, garbage: str, body: bytes) -> None:
    import_id, before = client.imported(), len(client.state()["assets"])
    client.fault(service="portal", match="POST /api/v4/media/save", kind="garble", garbage=garbage)
    answer = client.save(import_id)
    assert (answer.status_code, answer.content) == (201, body)
    assert len(client.state()["assets"]) == before + 1


def test_garble_when_ids_are_nulled_keeps_the_rest(client: Any) -> None:
    client.fault(service="portal", match="POST /api/v4/media/save", kind="garble", garbage="null-id")
    answer = client.save(client.imported()).json()
    assert (answer["mediaid"], answer["success"]) == (None, True)


def test_garble_when_half_is_sent_announces_no_more(client: Any) -> None:
    client.fault(service="portal", match="GET /api/v4/brands", kind="garble", garbage="half")
    half = client.portal.get("/api/v4/brands/")
    assert client.portal.get("/api/v4/brands/").content.startswith(half.content)
    assert 0 < len(half.content) == int(half.headers["content-length"])


def test_garble_when_the_type_is_another_keeps_the_body(client: Any) -> None:
    client.fault(service="portal", match="GET /api/v4/brands", kind="garble", garbage="other-type")
    answer = client.portal.get("/api/v4/brands/")
    assert (answer.headers["content-type"].partition(";")[0], len(answer.json())) == ("text/html", 1)


@pytest.mark.parametrize(
    ("garbage", "error"),
    [
        pytest.param("broken-encoding", httpx.DecodingError, id="broken-encoding"),
        pytest.param("too-short", httpx.RemoteProtocolError, id="too-short"),
    ],
)
def test_garble_when_the_frame_is_wrong_cannot_be_read(client: Any, garbage: str, error: Any) -> None:
    client.fault(service="portal", match="GET /api/v4/brands", kind="garble", garbage=garbage)
    with pytest.raises(error):
        client.portal.get("/api/v4/brands/")


def test_status_after_when_scripted_acts_and_answers_as_told(client: Any) -> None:
    client.fault(
        service="portal", match="POST /api/v4/media/save", kind="status-after", status=502, body="<html>"
    )
    answer = client.save(client.imported())
    assert (answer.status_code, answer.text) == (502, "<html>")
    assert len(client.state()["assets"]) == 1


def test_hang_when_scripted_acts_and_never_answers(client: Any, eventually: Any) -> None:
    import_id = client.imported()
    client.fault(service="portal", match="POST /api/v4/media/save", kind="hang")
    with pytest.raises(httpx.ReadTimeout):
        client.portal.post(f"/api/v4/media/save/{import_id}/", timeout=0.2)
    assert len(eventually(lambda: client.state()["assets"])) == 1


def test_hang_when_it_has_an_end_closes_the_connection(client: Any) -> None:
    client.fault(service="portal", match="brands", kind="hang", seconds=0.05)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        client.portal.get("/api/v4/brands/")


def test_drip_when_scripted_sends_a_byte_at_a_time(client: Any) -> None:
    client.fault(service="portal", match="brands", kind="drip", seconds=0.0001)
    with client.portal.stream("GET", "/api/v4/brands/") as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 10
    assert b"".join(pieces) == client.portal.get("/api/v4/brands/").content


def test_bomb_when_scripted_is_small_on_the_wire(client: Any) -> None:
    client.fault(service="portal", match="brands", kind="bomb")
    with client.portal.stream("GET", "/api/v4/brands/") as answer:
        wire = b"".join(answer.iter_raw())
    unpacked = zlib.decompressobj(-zlib.MAX_WBITS).decompress(wire, 10_000_000)
    assert len(wire) < 1_000_000 < len(unpacked) == 10_000_000
    assert answer.headers["content-encoding"] == "deflate"


def test_echo_when_scripted_repeats_the_credential_and_does_nothing(client: Any) -> None:
    import_id = client.imported()
    client.fault(service="portal", match="save", kind="echo", status=401)
    answer = client.save(import_id, name="Beach")
    assert (answer.status_code, client.state()["assets"]) == (401, [])
    assert client.portal.headers["authorization"] in answer.json()["message"]
    assert "name=Beach" in answer.json()["message"]


@pytest.mark.parametrize("fields", [{"kind": "no"}, {"kind": "garble", "garbage": "no"}])
def test_fault_when_its_kind_is_unknown_is_refused(client: Any, fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="'no'"):
        client.fault(service="portal", **fields)


@pytest.mark.parametrize(
    ("kind", "count"),
    [("reset", 0), ("reset-within", 0), ("reset-after", 1)],
)
def test_reset_when_scripted_ends_the_connection_without_an_answer(
    client: Any, kind: str, count: int
) -> None:
    import_id = client.imported()
    client.fault(service="portal", match="POST /api/v4/media/save", kind=kind)
    with pytest.raises((httpx.ReadError, httpx.WriteError)):
        client.save(import_id)
    assert len(client.state()["assets"]) == count


def test_overlong_when_scripted_announces_half_of_what_is_sent(client: Any) -> None:
    whole = client.portal.get("/api/v4/brands/").content
    client.fault(service="portal", match="brands", kind="overlong")
    answer = client.portal.get("/api/v4/brands/")
    assert answer.content == whole[: len(whole) // 2]
    assert answer.headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize(
    ("kind", "header", "asked", "said"),
    [
        pytest.param("wrong-range", "content-range", {"Range": "bytes=2-"}, "bytes 3-10/10", id="range"),
        pytest.param("wrong-range", "content-range", {}, "bytes 1-11/*", id="no range"),
        pytest.param("wrong-etag", "etag", {}, '"of-another-version"', id="etag"),
    ],
)
def test_header_when_scripted_is_another_and_the_bytes_are_right(
    client: Any, kind: str, header: str, asked: dict[str, str], said: str
) -> None:
    url = client.portal.get(f"/api/v4/media/{client.saved(b'0123456789')}/download").json()["s3_file"]
    client.fault(service="s3", match="GET /download", kind=kind)
    answer = client.storage.get(url, headers=asked)
    assert (answer.headers[header], b"0123456789".endswith(answer.content)) == (said, True)
