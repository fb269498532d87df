from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import attrs
import httpx
import pytest

from damlink_istock.sandbox import KEY, USER, IStockSandbox
from damlink_sandbox import Sandbox, Synthetic

SUBSCRIPTION = "royaltyfreesubscription"
PHOTO, VECTOR, FILM = "1400000001", "1400000005", "1400000007"
MEDIA = [
    *(Synthetic(f"photo-{number}.jpg", 30_000 + number, "image", number, 1200, 800) for number in range(4)),
    Synthetic("paper-hills.eps", 40_000, "vector", 4, 800, 600),
    Synthetic("colleague.jpg", 50_000, "image", 5, 1200, 800),
    Synthetic("sunset.mov", 3_000_000, "video", 6, 640, 360),
]


@attrs.frozen
class Client:
    """A signed-in client of the API, another without credentials for files."""

    sandbox: Sandbox
    api: httpx.Client
    files: httpx.Client

    def token(self, **changes: str) -> httpx.Response:
        form = {"grant_type": "password", "client_id": KEY.key, "client_secret": KEY.secret}
        form |= {"username": USER.username, "password": USER.password}
        return self.files.post(self.sandbox.origins["istock-login"] + "/oauth2/token", data=form | changes)

    def sign_in(self, **changes: str) -> None:
        self.api.headers["Authorization"] = f"Bearer {self.token(**changes).json()['access_token']}"

    def control(self, action: str, **body: Any) -> Any:
        return self.sandbox.part("istock").control(action, body)

    def advance(self, **time: float) -> None:
        self.sandbox.world.clock.advance(timedelta(**time).total_seconds())

    def day(self, days_ago: float) -> str:
        return (self.sandbox.world.clock.now() - timedelta(days=days_ago)).strftime("%Y-%m-%d")

    def rows(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.api.get("/v3/downloads", params={"page_size": 100, **query})
        assert answer.status_code == 200, answer.text
        return cast(list[dict[str, Any]], answer.json()["downloads"])

    def ids(self, **query: Any) -> list[str]:
        return sorted(row["id"] for row in self.rows(**query))

    def code(self, path: str = "downloads", **query: Any) -> tuple[int, str]:
        answer = self.api.get(f"/v3/{path}", params=query)
        return answer.status_code, answer.json().get("ErrorCode", "")

    def post(self, asset: str = f"images/{PHOTO}", **query: Any) -> httpx.Response:
        query = {"auto_download": "false", "product_type": SUBSCRIPTION, **query}
        return self.api.post(f"/v3/downloads/{asset}", params=query)

    def file(self, **headers: str) -> httpx.Response:
        return self.files.get(self.post().json()["uri"], headers=headers)

    def left(self) -> int:
        return int(self.sandbox.part("istock").state()["products"][SUBSCRIPTION])


def signed_in() -> Iterator[Client]:
    with (
        Sandbox([IStockSandbox], media=MEDIA) as sandbox,
        httpx.Client(trust_env=False, follow_redirects=True) as files,
        httpx.Client(trust_env=False, base_url=sandbox.origins["istock"]) as api,
    ):
        api.headers["Api-Key"] = KEY.key
        client = Client(sandbox, api, files)
        client.control("company_right", on=False)
        client.sign_in()
        yield client


client = pytest.fixture(signed_in)
shared = pytest.fixture(signed_in, scope="module")  # for tests that change nothing another one looks at


def test_wrong_key_is_refused_by_the_gateway(shared: Client) -> None:
    missing, unknown = (shared.api.get("/v3/products", headers={"Api-Key": key}) for key in ("", "no"))
    assert (missing.status_code, missing.json()) == (401, {"message": "Unauthorized"})
    assert (unknown.status_code, unknown.headers["x-amzn-errortype"]) == (403, "ForbiddenException")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"password": "wrong"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "no"}, 400, "invalid_grant"),
    ],
)
def test_wrong_grant_is_refused(shared: Client, changes: Any, status: int, error: str) -> None:
    answer = shared.token(**changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_token_lives_for_half_an_hour(client: Client) -> None:
    client.advance(seconds=1790)
    assert client.api.get("/v3/customers/current").json()["first_name"] == "Sam"
    client.advance(seconds=10)
    assert client.api.get("/v3/customers/current").status_code == 401


def test_token_without_user_cannot_list_downloads(client: Client) -> None:
    client.sign_in(grant_type="client_credentials")
    assert client.code() == (401, "UserTokenRequired")


def test_refresh_keeps_the_old_token_until_rotation_is_on(client: Client) -> None:
    old = client.token().json()["refresh_token"]
    again = {"grant_type": "refresh_token", "refresh_token": old}
    assert "refresh_token" not in client.token(**again).json()
    client.control("rotation")
    assert client.token(**again).json()["refresh_token"] != old
    assert client.token(**again).json()["error"] == "invalid_grant"


def test_products_tell_requirements_only_when_asked(shared: Client) -> None:
    plain, credits_ = shared.api.get("/v3/products").json()["products"]
    asked = shared.api.get("/v3/products", params={"fields": "download_requirements"}).json()["products"][0]
    assert (plain["id"], plain["type"], credits_["credits_remaining"]) == (4711, SUBSCRIPTION, 1000)
    assert ("download_requirements" in plain, "download_requirements" in asked) == (False, True)


def test_listing_without_both_dates_shows_thirty_days(shared: Client) -> None:
    recent = [PHOTO, "1400000002", "1400000002", "1400000003"]
    assert shared.ids() == recent
    assert shared.ids(date_to=shared.day(0)) == recent
    assert shared.ids(date_from=shared.day(60)) == ["1400000004"]


def test_listing_counts_whole_days_unless_time_is_used(shared: Client) -> None:
    moment, fraction = next(row["date_downloaded"] for row in shared.rows() if row["id"] == PHOTO).split(".")
    assert fraction == "000"
    assert PHOTO in shared.ids(date_from=moment[:10], date_to=moment[:10])
    assert PHOTO in shared.ids(date_from=moment, date_to=moment, use_time="true")
    assert shared.ids(date_from=moment[:10], date_to=f"{moment[:10]}T00:00", use_time="true") == []


def test_listing_of_a_long_window_is_refused_until_switched_off(client: Client) -> None:
    window = {"date_from": client.day(31), "date_to": client.day(0)}
    assert client.code(**window) == (400, "InvalidParameterValue")
    client.control("window_limit", on=False)
    assert client.code(**window)[0] == 200


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("downloads", {"page_size": 101}, (400, "InvalidPageSize")),
        ("downloads", {"page": 0}, (400, "InvalidPage")),
        ("downloads", {"date_from": "yesterday"}, (400, "InvalidParameterValue")),
        ("downloads", {"product_type": "creditpack,aigen"}, (400, "InvalidParameterValue")),
        ("downloads", {"product_type": "premiumaccess"}, (403, "NoAccessToProductType")),
        ("downloads", {"company_downloads": "true"}, (403, "Forbidden")),
        ("images", {}, (400, "ImageIdMustBeSpecified")),
        ("images", {"ids": ",".join(["1"] * 101)}, (400, "InvalidParameterValue")),
        ("images", {"ids": PHOTO, "fields": "photographer"}, (400, "InvalidParameterValue")),
        ("images", {"ids": FILM}, (404, "ImageNotFound")),
        ("videos", {"ids": PHOTO}, (404, "VideosNotFound")),
        ("videos", {"ids": FILM, "fields": "credit_line"}, (400, "InvalidParameterValue")),
    ],
)
def test_wrong_question_is_refused(shared: Client, path: str, query: Any, expected: Any) -> None:
    assert shared.code(path, **query) == expected


def test_listing_of_the_company_needs_the_right(client: Client) -> None:
    window = {"date_from": client.day(110), "date_to": client.day(90)}
    client.control("company_right")
    assert client.ids(**window, company_downloads="true") == ["1400000003"]
    assert client.ids(**window) == []


def test_listing_has_credits_only_when_asked(client: Client) -> None:
    client.control("license", id=FILM, product_type="creditpack")
    assert client.ids(product_type="creditpack") == [FILM]
    assert FILM not in client.ids()


def test_listing_pages_hold_every_row_once_in_no_order(client: Client) -> None:
    client.control("license", count=50, spread_days=20)
    pages = [client.rows(page=page, page_size=20) for page in (1, 2, 3)]
    dates = [row["date_downloaded"] for page in pages for row in page]
    assert [len(page) for page in pages] == [20, 20, 14]
    assert dates not in (sorted(dates), sorted(dates, reverse=True))


def test_listing_grows_while_it_is_paged(client: Client) -> None:
    client.control("license", count=3, after_pages=2)
    assert [len(client.rows()) for _ in range(3)] == [4, 4, 7]


def test_images_answer_only_the_fields_asked_for(shared: Client) -> None:
    query = {"ids": f"{PHOTO},999", "fields": "artist,credit_line"}
    answer = shared.api.get("/v3/images", params=query).json()
    record = {"artist": "Mara Lindqvist", "credit_line": "Mara Lindqvist/iStock", "id": PHOTO}
    assert answer == {"images": [record], "images_not_found": ["999"]}
    assert "credit_line" not in shared.api.get(f"/v3/images/{PHOTO}").json()["images"][0]
    assert "artist" not in shared.api.get(f"/v3/videos/{FILM}").json()["videos"][0]


def test_download_spends_credits_when_no_product_is_named(client: Client) -> None:
    answer = client.api.post(f"/v3/downloads/images/{PHOTO}", follow_redirects=False)
    assert (answer.status_code, client.sandbox.world.counts["credits"]) == (303, 1)
    assert answer.headers["Location"].startswith(client.sandbox.origins["istock-delivery"])


def test_download_counts_and_adds_a_row_until_it_is_free_again(client: Client) -> None:
    left = client.left()
    assert client.post().status_code == client.post().status_code == 200
    assert (left - client.left(), client.sandbox.world.counts[f"licences:{PHOTO}"]) == (2, 2)
    client.control("redownload", free=True, adds_row=False)
    client.post()
    assert (left - client.left(), client.ids().count(PHOTO)) == (2, 3)


def test_download_at_the_limit_is_refused_until_next_month(client: Client) -> None:
    client.control("allowance", remaining=0)
    answer = client.post()
    assert (answer.status_code, answer.json()["ErrorCode"]) == (403, "OverageLimitReached")
    client.advance(days=31)
    client.sign_in()
    assert client.post().status_code == 200


@pytest.mark.parametrize(
    ("asset", "query", "status"),
    [
        (f"images/{PHOTO}", {"file_type": "eps"}, 400),
        (f"images/{PHOTO}", {"height": 123}, 400),
        (f"images/{PHOTO}", {"product_type": "premiumaccess"}, 403),
        (f"images/{PHOTO}", {"product_id": 1}, 403),
        (f"images/{PHOTO}", {"height": 400}, 200),
        (f"images/{VECTOR}", {"file_type": "eps"}, 200),
        (f"images/{FILM}", {}, 404),
        ("images/1499999999", {}, 404),
        (f"videos/{FILM}", {"size": "lwf"}, 200),
        (f"videos/{FILM}", {"size": "imax"}, 400),
    ],
)
def test_download_answers_by_what_is_asked(client: Client, asset: str, query: Any, status: int) -> None:
    assert client.post(asset, **query).status_code == status


@pytest.mark.parametrize(("action", "status"), [("withdraw", 404), ("call_for_image", 403)])
def test_download_of_what_is_not_on_offer_is_refused(client: Client, action: str, status: int) -> None:
    client.control(action, id=PHOTO)
    assert client.post().status_code == status
    assert client.sandbox.world.counts["licences"] == 0


def test_download_needs_a_project_code_when_switched(client: Client) -> None:
    client.control("require_project_code", codes=["P-7"])
    assert client.post().json()["ErrorCode"] == "MissingRequiredQueryParameters"
    answer = client.api.post(f"/v3/downloads/videos/{FILM}", json={"project_code": "P-7"})
    assert answer.status_code == 200


def test_file_comes_through_a_redirect_with_its_name_and_length(client: Client) -> None:
    answer = client.files.get(client.post(f"images/{VECTOR}", file_type="eps").json()["uri"])
    names = ("Content-Disposition", "Content-Length", "Content-Type")
    about = [f"attachment; filename={VECTOR}.eps", "40000", "application/postscript"]
    assert [hop.status_code for hop in answer.history] == [302]
    assert [answer.headers[name] for name in names] == about
    assert answer.content == b"".join(MEDIA[4].read())


def test_file_has_ranges_and_a_validator_as_switched(client: Client) -> None:
    part = {"Range": "bytes=29990-"}
    answer = client.file(**part)
    assert (answer.headers["Content-Range"], "ETag" in answer.headers) == ("bytes 29990-29999/30000", False)
    assert answer.content == b"".join(MEDIA[0].read(29_990))
    client.control("etag")
    etag = client.file().headers["ETag"]
    asked = [client.file(**part, **{"If-Range": validator}) for validator in (etag, '"another"')]
    assert [answer.status_code for answer in asked] == [206, 200]
    client.control("ranges", on=False)
    assert client.file(**part).status_code == 200


def test_file_address_dies_after_a_day(client: Client) -> None:
    uri = client.post().json()["uri"]
    client.advance(hours=24)
    assert client.files.get(uri).status_code == 403


def test_file_host_refuses_credentials(client: Client) -> None:
    assert client.file(**{"Api-Key": "secret"}).status_code == 400
    assert client.file(Authorization="Bearer secret").status_code == 400


def test_calls_over_the_limit_are_refused_in_the_old_words(client: Client) -> None:
    client.control("rate_limit", per_second=2)
    client.advance(seconds=2)
    answers = [client.api.get("/v3/products") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[2].text == "Account Over Queries Per Second Limit"


def test_state_tells_what_is_licensed(shared: Client) -> None:
    licensed = {asset["id"]: asset for asset in shared.sandbox.part("istock").state()["licensed"]}
    assert (len(licensed), licensed[PHOTO]["sha256"]) == (len(MEDIA), MEDIA[0].sha256())
    assert licensed["1400000006"]["users"] == ["sandbox.colleague"]
    assert licensed["1400000004"]["product_types"] == ["creditpack", SUBSCRIPTION]
