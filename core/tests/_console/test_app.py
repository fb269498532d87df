"""Pages and forms of the console at the wire, and every address against hostile requests."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from console_addresses import ADDRESSES
from ledger_rows import claim

import damlink
from damlink._config.load import loads
from damlink._console.app import make_app
from damlink._console.charts import DAYS
from damlink._console.cookies import COOKIE
from damlink._console.forms import MOST_FIELDS, MOST_FORM_BYTES
from damlink._console.jobs import Jobs
from damlink._console.marks import reader_of
from damlink._console.pages import PAGES
from damlink._console.roles import LASTING_PATHS, OPEN_PATHS, SAFE_METHODS
from damlink._console.sessions import Sessions
from damlink._model import SourceAsset
from damlink._run.session import Session
from damlink._state.inbox import DISPATCHER
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.runs import Runs
from damlink._state.tables import latency
from damlink._state.tables import ledger as rows

UNOPENED = Session(loads("", Path("damlink.toml")))
ROUTES = [
    (method, route.path)
    for route in make_app(UNOPENED, Sessions(UNOPENED)).routes
    for method in sorted(route.methods - {"HEAD"})
]
UNSAFE = [each for each in ROUTES if each[0] not in SAFE_METHODS]
CLOSED = [each for each in ROUTES if each[1] not in OPEN_PATHS]
FORGED = {
    "another-origin": {"Origin": "http://evil.example"},
    "null-origin": {"Origin": "null"},
    "no-origin": {},
    "another-port": {"Origin": "http://127.0.0.1:1"},
    "tls-origin": {"Origin": "https://{host}"},
    "origin-and-path": {"Origin": "http://{host}/"},
    "cross-site": {"Origin": "http://{host}", "Sec-Fetch-Site": "cross-site"},
    "same-site": {"Origin": "http://{host}", "Sec-Fetch-Site": "same-site"},
    "no-site": {"Origin": "http://{host}", "Sec-Fetch-Site": "none"},
}
LASTING = "private, max-age=31536000, immutable"
HOSTS = ["evil.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "0.0.0.0:{port}", ""]
SCRIPT = re.compile(r'<script src="/htmx-[a-z0-9.-]+\.min\.js" defer></script>')
COOKIES = ["", "x", "0" * 43, "../../etc/passwd", "%00"]


def _sent(shown: Any, method: str, path: str, **headers: str) -> httpx.Response:
    """A request without the cookie jar, so that the test alone says what is sent."""
    with httpx.Client(base_url=shown.url, trust_env=False) as client:
        own = {"Cookie": f"{COOKIE}={shown.client.cookies[COOKIE]}", "Origin": shown.url} | headers
        return client.request(
            method, path, headers={name: value for name, value in own.items() if value != "-"}
        )


def test_addresses_when_listed_are_all_pages() -> None:
    assert set(ADDRESSES) == set(PAGES)


@pytest.mark.parametrize("path", ADDRESSES.values(), ids=list(ADDRESSES))
def test_page_when_asked_for_by_a_browser_is_html_with_its_command(shown: Any, path: str) -> None:
    answer = shown.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert shown.json(path)["command"] in answer.text
    assert answer.text.count("<script") == len(SCRIPT.findall(answer.text))
    assert not re.search("&lt;/?(p|div|form|section|label)", answer.text)
    assert "style=" not in answer.text


def test_overview_when_rows_are_not_carried_groups_them_by_cause(shown: Any) -> None:
    causes = shown.json("/")["causes"]
    assert [(each["state"], each["count"]) for each in causes] == [("rejected", 1), ("uncertain", 1)]
    assert "… may have arrived" in causes[1]["cause"]


NEXT_RUN = "no schedule is being kept: start <code>damlink serve</code>"


@pytest.mark.parametrize("path", ["/", "/connectors", "/connector?connector=hourly"])
def test_next_run_when_no_process_keeps_the_schedule_says_what_to_start(
    shown: Any, hourly: None, path: str
) -> None:
    assert NEXT_RUN in shown.client.get(path).text
    with Lease(shown.session.database, DISPATCHER):
        page = shown.client.get(path).text
    assert NEXT_RUN not in page
    assert re.search(r"<td>\s*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\s*</td>", page)


@pytest.fixture
def hourly(shown: Any) -> Iterator[None]:
    """One more connector, with an interval."""
    path = shown.session.config.path
    before = path.read_text()
    path.write_text(f'{before}\n[connectors.hourly]\nplugin = "missing"\nevery = "1h"\n')
    yield
    path.write_text(before)


def test_stream_when_a_serve_begins_has_another_mark(shown: Any) -> None:
    read = reader_of(shown.session, Jobs(shown.session.config.path))
    before = read().of("stock")
    with Lease(shown.session.database, DISPATCHER):
        assert read().of("stock") != before


def test_charts_when_runs_have_delivered_show_each_day_and_the_same_figures_in_a_table(shown: Any) -> None:
    runs = Runs(shown.session.database, "stock")
    for count in (2, 3):
        runs.end(runs.begin(1), 1, {"outcomes": {"pushed": count, "failed": 1}, "bytes": 1000})
    days = shown.json("/connector?connector=stock")["days"]
    assert len(days) == DAYS
    assert (days[-1]["assets"], days[-1]["bytes"]) == (5, 2000)
    assert days[-1]["outcomes"] == {"pushed": 5, "failed": 2}
    page = shown.client.get("/connector?connector=stock").text
    assert page.count("<rect ") == 2 * DAYS
    assert f'<th scope="row">{days[-1]["day"]}</th><td>5</td><td>2.0 kB</td>' in page


NONE = "\N{EN DASH}"


def test_times_from_event_to_delivery_are_a_chart_and_a_table(shown: Any) -> None:
    today = shown.session.now().date().isoformat()
    row = {"connector": "stock", "day": today}
    with shown.session.database.write() as connection:
        connection.execute(
            sa.insert(latency), [row | {"bucket": 30, "count": 90}, row | {"bucket": 60, "count": 10}]
        )
    days = shown.json("/")["latencies"]
    assert len(days) == DAYS
    assert (days[0]["count"], days[0]["p50"]) == (0, None)
    assert (days[-1]["day"], days[-1]["count"]) == (today, 100)
    assert (round(days[-1]["p50"]), round(days[-1]["p95"])) == (24, 5635)
    page = shown.client.get("/").text
    assert f'<th scope="row">{today}</th><td>100</td><td>23.7 s</td><td>1.6 h</td>' in page
    assert f'<th scope="row">{days[0]["day"]}</th><td>0</td><td>{NONE}</td><td>{NONE}</td>' in page
    assert f"<title>{today}: 23.7 s</title>" in page


@pytest.mark.parametrize(
    ("query", "count"),
    [("", 50), ("&page=2", 10), ("&state=rejected", 1), ("&search=ID-01", 10), ("&search=%25", 0)],
    ids=["first-page", "second-page", "state", "part-of-an-id", "no-wildcard"],
)
def test_assets_when_filtered_are_those_alone(shown: Any, query: str, count: int) -> None:
    assert len(shown.json(f"/assets?connector=stock{query}")["assets"]) == count


def test_assets_when_filtered_by_a_cause_are_those_of_that_cause(shown: Any) -> None:
    cause = shown.json("/")["causes"][1]["cause"]
    query = httpx.QueryParams({"connector": "stock", "cause": cause})
    assert [each["source_id"] for each in shown.json(f"/assets?{query}")["assets"]] == ["id-000"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/assets?connector=nobody", 404),
        ("/assets?connector=stock&state=broken", 400),
        ("/assets?connector=stock&page=0", 400),
        ("/assets?connector=stock&page=99999999999999999999", 400),
        ("/asset?connector=stock&id=nothing", 404),
        ("/assets?connector=stock&since=yesterday", 400),
        ("/assets?connector=stock&until=0001-01-01", 400),
        ("/export?connector=nobody", 404),
        ("/connector", 404),
        ("/plan?id=nothing", 404),
        ("/draft?id=nothing", 404),
        ("/events?portal=nobody", 404),
        ("/add?plugin=nothing", 404),
        ("/setup?id=new&step=9", 400),
        ("/setup?id=known&step=0", 400),
        ("/plan?id=known&action=all", 400),
        ("/asset?connector=stock&id=%00", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/console.css/../../app.py", 404),
        ("/assets/", 404),
    ],
)
def test_page_when_asked_wrongly_says_so(shown: Any, path: str, status: int) -> None:
    assert shown.client.get(path).status_code == status


def test_asset_when_made_due_again_shows_it(shown: Any) -> None:
    answer = shown.post("/retry", connector="stock", id="id-001")
    assert (answer.status_code, answer.headers["location"]) == (303, "/asset?connector=stock&id=id-001")
    assert shown.json(answer.headers["location"])["asset"]["state"] == "due"
    # As it was, for the other tests.
    _reject_again(shown)


def _reject_again(shown: Any) -> None:
    with Lease(shown.session.database, "stock") as lease:
        ledger = Ledger(shown.session.database, "stock", lease.epoch)
        ledger.mark_rejected(ledger.find(["id-001"])["id-001"], "too large")


def test_asset_when_uncertain_is_not_made_due_by_retry(shown: Any) -> None:
    assert shown.post("/retry", connector="stock", id="id-000").status_code == 409
    assert shown.json(ADDRESSES["/asset"])["asset"]["state"] == "uncertain"


def test_asset_when_a_run_is_active_and_does_not_carry_it_is_made_due(shown: Any) -> None:
    with Lease(shown.session.database, "stock"):
        assert shown.post("/retry", connector="stock", id="id-001").status_code == 303
    assert shown.json("/asset?connector=stock&id=id-001")["asset"]["state"] == "due"
    _reject_again(shown)


def test_asset_when_a_run_carries_it_stays_as_it_is(shown: Any) -> None:
    with Lease(shown.session.database, "stock") as lease:
        ledger = Ledger(shown.session.database, "stock", lease.epoch)
        row = claim(ledger)
        answer = shown.post("/retry", connector="stock", id=row.source_id)
        assert shown.ledger().find([row.source_id])[row.source_id].state == "running"
        ledger.release()
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "form",
    [
        {"connector": "stock"},
        {"connector": "stock", "id": "id-000"},
        {"connector": "stock", "id": "id-000", "arrived": "maybe"},
        {"connector": "stock", "id": "id-000", "arrived": "no", "target_id": "x"},
    ],
    ids=["no-id", "no-answer", "another-answer", "id-of-what-is-not-there"],
)
def test_form_when_filled_wrongly_changes_nothing(shown: Any, form: dict[str, str]) -> None:
    assert shown.post("/settle", **form).status_code == 400
    assert shown.json(ADDRESSES["/asset"])["asset"]["state"] == "uncertain"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"a=" + b"x" * MOST_FORM_BYTES, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a=1" for _ in range(MOST_FIELDS + 1)), "application/x-www-form-urlencoded", 400),
        (b"\xff=1", "application/x-www-form-urlencoded", 400),
        (b"{}", "application/json", 415),
        (b"a=1", "text/plain", 415),
    ],
    ids=["too-large", "too-many-fields", "no-ascii", "json", "plain"],
)
def test_form_when_it_is_none_is_refused(shown: Any, body: bytes, kind: str, status: int) -> None:
    headers = {"Origin": shown.url, "Content-Type": kind}
    assert shown.client.post("/retry", content=body, headers=headers).status_code == status


def test_asset_when_its_id_is_odd_can_be_decided_by_its_page(shown: Any) -> None:
    odd = "zz\x1b[31m \n&?#/../\u202e%41\"'>"
    _list(shown, odd)
    page = shown.client.get("/asset", params={"connector": "stock", "id": odd}).text
    action = re.search('action="(/retry[^"]*)"', page)
    assert action is not None
    answer = shown.post(html.unescape(action[1]), button="")
    assert shown.json(answer.headers["location"])["asset"]["source_id"] == odd
    assert not {"\x1b", "\u202e"} & set(page)
    _forget(shown, odd)


def _list(shown: Any, source_id: str) -> None:
    with Lease(shown.session.database, "stock") as lease:
        ledger = Ledger(shown.session.database, "stock", lease.epoch)
        ledger.record(Listed([SourceAsset(source_id, "v1", "odd")]), "all")


def _forget(shown: Any, source_id: str) -> None:
    with shown.session.database.write() as connection:
        connection.execute(sa.delete(rows).where(rows.c.source_id == source_id))


def test_page_when_the_config_is_broken_names_the_place_and_comes_back(shown: Any) -> None:
    path = shown.session.config.path
    text = path.read_text()
    path.write_text("[connectors.stock")
    answer = shown.client.get("/")
    path.write_text(text)
    assert answer.status_code == 503
    assert "damlink.toml: not valid TOML" in answer.text
    assert shown.client.get("/").status_code == 200


@pytest.mark.parametrize("path", LASTING_PATHS)
def test_script_when_loaded_is_the_one_that_the_readme_names(shown: Any, path: str) -> None:
    content = shown.client.get(path).content
    readme = (Path(damlink.__file__).parent / "_console" / "vendored" / "README.md").read_text()
    assert f"`{path[1:]}`" in readme
    assert hashlib.sha256(content).hexdigest() in readme
    assert (Path(damlink.__file__).parent / "_console" / "vendored" / f"{path[1:-7]}.LICENSE").is_file()


def test_first_page_when_loaded_with_all_it_needs_is_small(shown: Any) -> None:
    sizes = [_transferred(shown, path) for path in ("/", "/console.css", *LASTING_PATHS)]
    assert 20_000 < sum(sizes) <= 80 * 1024


def _transferred(shown: Any, path: str) -> int:
    """Return the size of an answer as it is sent to a browser."""
    cookie = {COOKIE: shown.client.cookies[COOKIE]}
    with (
        httpx.Client(base_url=shown.url, cookies=cookie, trust_env=False) as client,
        client.stream("GET", path, headers={"Accept": "text/html"}) as answer,
    ):
        assert answer.headers["content-encoding"] == "gzip"
        return sum(map(len, answer.iter_raw()))


# --- hostile requests ------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_route_when_the_host_is_another_is_refused(shown: Any, method: str, path: str, host: str) -> None:
    given = host.format(port=httpx.URL(shown.url).port)
    assert _sent(shown, method, path, Host=given, Origin=f"http://{given}").status_code in (400, 421)


@pytest.mark.parametrize("forged", FORGED.values(), ids=list(FORGED))
@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_form_when_another_site_sends_it_is_refused(
    shown: Any, method: str, path: str, forged: dict[str, str]
) -> None:
    host = shown.url.removeprefix("http://")
    headers = {name: value.format(host=host) for name, value in ({"Origin": "-"} | forged).items()}
    assert _sent(shown, method, path, **headers).status_code == 403


@pytest.mark.parametrize("cookie", COOKIES)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_route_when_there_is_no_session_is_refused(shown: Any, method: str, path: str, cookie: str) -> None:
    answer = _sent(shown, method, path, Cookie=f"{COOKIE}={cookie}")
    assert answer.status_code == 401
    assert "stock" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"])
@pytest.mark.parametrize("path", sorted({path for _, path in ROUTES}))
def test_route_when_the_method_is_another_is_refused(shown: Any, method: str, path: str) -> None:
    assert _sent(shown, method, path).status_code in (400, 405)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("cookie", ["-", ""], ids=["signed-out", "empty"])
def test_answer_when_sent_carries_every_header(shown: Any, method: str, path: str, cookie: str) -> None:
    headers = _sent(shown, method, path, Cookie=cookie).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert {"script-src 'self'", "connect-src 'self'"} < set(policy.split("; "))
    assert (headers["x-frame-options"], headers["x-content-type-options"]) == ("DENY", "nosniff")
    assert headers["referrer-policy"] == headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cache-control"] == (LASTING if path in LASTING_PATHS else "no-store")


def test_link_when_used_a_second_time_is_refused(shown: Any) -> None:
    assert _sent(shown, "GET", shown.link).status_code == 401


def test_link_when_only_looked_at_stays_good(shown: Any) -> None:
    path = f"/enter?link={shown.console.sessions.make_link()}"
    assert _sent(shown, "HEAD", path).status_code == 401
    cookie = _sent(shown, "GET", path).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_session_when_left_is_over(shown: Any) -> None:
    link = shown.console.sessions.make_link()
    cookie = _sent(shown, "GET", f"/enter?link={link}", Cookie="-").headers["set-cookie"].partition(";")[0]
    assert _sent(shown, "POST", "/leave", Cookie=cookie).status_code == 200
    assert _sent(shown, "GET", "/", Cookie=cookie).status_code == 401


def test_session_when_planted_by_another_is_not_taken_over(shown: Any) -> None:
    link = shown.console.sessions.make_link()
    answer = _sent(shown, "GET", f"/enter?link={link}", Cookie=f"{COOKIE}=planted")
    assert "planted" not in answer.headers["set-cookie"]
    assert _sent(shown, "GET", "/", Cookie=f"{COOKIE}=planted").status_code == 401


def test_style_when_loaded_is_small(shown: Any) -> None:
    assert len(shown.client.get("/console.css").content) < 15_000
