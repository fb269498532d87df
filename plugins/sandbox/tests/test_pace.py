from __future__ import annotations

from typing import Any

PATH = "/api/v4/brands/"


def test_pace_when_exceeded_blocks_until_a_whole_window_of_silence(client: Any) -> None:
    client.control("pace", requests=3, seconds=60)
    codes = [client.portal.get(PATH).status_code for _ in range(4)]
    client.advance(59)
    codes.append(client.portal.get(PATH).status_code)  # keeps the block alive
    client.advance(59)
    codes.append(client.portal.get(PATH).status_code)
    client.advance(61)
    codes.append(client.portal.get(PATH).status_code)
    assert codes == [200, 200, 200, 429, 429, 429, 200]


def test_pace_when_requests_leave_the_window_lets_others_in(client: Any) -> None:
    client.control("pace", requests=3, seconds=60)
    codes = [client.portal.get(PATH).status_code for _ in range(3)]
    client.advance(61)
    codes += [client.portal.get(PATH).status_code for _ in range(3)]
    assert codes == [200] * 6


def test_pace_when_answers_are_errors_counts_them_too(client: Any) -> None:
    client.control("pace", requests=2, seconds=60)
    client.fault(service="portal", match="brands", status=503)
    client.portal.get(PATH)
    client.portal.get("/unknown")
    refused = client.portal.get(PATH)
    assert (refused.status_code, "retry-after" in refused.headers) == (429, False)
    judgement = client.control("pace")
    assert (judgement["most"], judgement["refused"], judgement["blocked"]) == (3, 1, True)


def test_pace_when_storage_is_used_does_not_count(client: Any) -> None:
    begun = client.begin()
    client.control("pace", requests=1, seconds=60)
    begun.store(b"x")
    begun.store(b"x")
    assert client.control("pace")["most"] == 0
