"""Every route of the console over a config, plugins, users, forms and addresses that are hostile.

`test_render_hostile.py` has the texts of runs and plans in the database.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urlencode

import attrs
import httpx
import pytest
import sqlalchemy as sa
from canaries import KEY
from consoles import origin_of, run_console
from ledger_rows import claim
from made_plugins import install_module

import damlink._console as console_package
from damlink._config.edit import document
from damlink._config.load import load, loads
from damlink._console.app import make_app
from damlink._console.cookies import CONSENT_COOKIE
from damlink._console.desk import Desk, Texts
from damlink._console.drafts import Drafts, Kept
from damlink._console.jobs import Jobs
from damlink._console.roles import LASTING_PATHS
from damlink._console.sessions import Sessions
from damlink._model import PushResult, SourceAsset
from damlink._run.session import Session
from damlink._state.access import Access
from damlink._state.audit import Audit
from damlink._state.inbox import Inbox, Notification
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.refusals import Refusals
from damlink._state.refused import RefusedMessages
from damlink._state.tables import inbox
from damlink._state.topics import Topics
from damlink._state.users import Role, Users

# Each has this word, so that it can be found where it is shown.
WORD = "hostile"
PAYLOADS = {
    "attributes": f"\" onmouseover=\"{WORD}()\" ' onfocus='{WORD}()' {WORD}=",
    "elements": "</title></textarea></option></select></pre></td></table></main></style>"
    f"<script>{WORD}()</script><img src=x onerror={WORD}()><svg/onload={WORD}()><{WORD} {WORD}=1>"
    f"<iframe srcdoc='<b>{WORD}</b>'>",
    "comment": f"<!-- {WORD} --><![CDATA[ {WORD} ]]><?{WORD}?><!{WORD}",
    "marks": f'&lt;{WORD}&gt;&#60;{WORD}&#62; `<{WORD}>` `` ` <b>{WORD}</b> `"><{WORD}>`'
    "{{ 7 * 7 }} {% raw %}",
    "characters": f"{WORD}\x00\x01\x07\x08\x0b\x0c\x1b[31m\x1b]0;x\x07\x7f\x9b{WORD}\r\n\t."
    f"\u202e\u202d\u2066\u2069\u200e\u200f\u061c\u2028\u2029\ufeff{WORD}",
    "half-characters": f"{WORD}\ud800\udfff\udc80{WORD}",
    "address": f"=javascript:{WORD}()//{WORD}.example/../../?a=b&c=d#e%00%0d%0a",
    "long": f"<{WORD}>" * 15_000,
}
# What `printable` has to take out, by a list of this test.
DANGEROUS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
PLUGIN = """
import attrs
from damlink import *

TEXT = {text}
about = About(title=TEXT, summary=TEXT, uploads=False)

@attrs.frozen
class settings_class:
    key: Secret = setting(help=TEXT)
    user: str = setting(default=TEXT, help=TEXT)
    kind: str = setting(default=TEXT, choices=(TEXT, "some"), help=TEXT)
    tags: tuple[str, ...] = setting(default=(TEXT,), help=TEXT)
    more: str = setting(default="", advanced=True, help=TEXT)

@hookimpl
def authenticate(ctx):
    return OAuth2("http://127.0.0.1:9/token", TEXT, Secret("a-secret"), authorize_url="http://127.0.0.1:9/auth")

@hookimpl
def list_source_assets(ctx):
    yield SourceAsset("1", "a", TEXT)

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
BROKEN = "raise RuntimeError({text})"
UNOPENED = Session(loads("", Path("damlink.toml")))
ROUTES = make_app(UNOPENED, Sessions(UNOPENED)).routes
GETS = sorted({route.path for route in ROUTES if "GET" in route.methods})  # type: ignore[attr-defined]
POSTS = sorted({route.path for route in ROUTES if "POST" in route.methods})  # type: ignore[attr-defined]
FIELDS = (
    *("connector", "id", "name", "portal", "plugin", "state", "cause", "search", "page", "since", "until"),
    *(
        "step",
        "action",
        "before",
        "after",
        "link",
        "code",
        "error",
        "draft",
        "title",
        "new_portal",
        "arrived",
    ),
    *("target_id", "full", "first", "last", "enabled", "then", "base", "role", "label", "days", "password"),
    *(
        "topic",
        "number",
        "new",
        "again",
        "current",
        "do",
        "set.key",
        "set.key.new",
        "set.user",
        "set.tags",
        "seen",
    ),
)
# Addresses of what was filled in; `{text}` is the payload. Pages are asked for with hostile fields as well.
CASES: Mapping[str, tuple[str, ...]] = {
    "/": ("/",),
    "/activity": ("/activity",),
    "/add": ("/add?plugin=hostile", "/add?plugin=broken"),
    "/asset": ("/asset?connector=stock&id={source_id}", "/asset?connector=stock&id=pushed&preview=yes"),
    "/assets": ("/assets?connector=stock", "/assets?connector=stock&cause={text}&search={text}"),
    "/connector": ("/connector?connector=stock", "/connector?connector=shelf"),
    "/connectors": ("/connectors",),
    "/console.css": ("/console.css",),
    "/diagnostics": ("/diagnostics",),
    "/diagnostics.zip": ("/diagnostics.zip",),
    "/draft": ("/draft?id=known", "/draft?id=fresh"),
    "/edit": ("/edit?connector=shelf",),
    "/enter": (),
    "/event": ("/event?portal=brand&number=1",),
    "/events": ("/events?portal=brand",),
    "/export": ("/export?connector=stock",),
    # Read by `test_live.py`: a stream does not end, and carries digests alone.
    "/live": (),
    "/login": ("/login",),
    "/oidc/begin": ("/oidc/begin",),
    "/oidc/callback": ("/oidc/callback?error={text}&state={text}",),
    "/password": ("/password",),
    "/plan": (),
    "/plans": ("/plans?connector=stock",),
    "/plugins": ("/plugins",),
    "/portals": ("/portals",),
    # Read by `test_previews.py`: a picture, or plain text.
    "/preview": (),
    "/runs": ("/runs?connector=stock",),
    "/setup": ("/setup?id=fresh&step=0", "/setup?id=fresh&step=1"),
    "/sign-in/callback": ("/sign-in/callback?state={text}&code={text}&error={text}",),
    "/sign-in/go": ("/sign-in/go",),
    "/sign-in/result": ("/sign-in/result",),
    "/user": ("/user?name={name}",),
    "/users": ("/users",),
    **dict.fromkeys(("/htmx-2.0.11.min.js", "/htmx-ext-sse-2.2.4.min.js"), ()),
}
# Where the payload is seen: a page that shows none would prove nothing.
SHOWS = {
    *(
        "/",
        "/activity",
        "/add",
        "/asset",
        "/assets",
        "/connector",
        "/connectors",
        "/draft",
        "/edit",
        "/event",
        "/events",
    ),
    *("/plugins", "/portals", "/setup", "/sign-in/result", "/user", "/users"),
}
NO_PAGES = {"/console.css", "/diagnostics.zip", "/export", "/live", "/enter", "/preview", *LASTING_PATHS}
PAGES_OF_HTML = set(CASES) - NO_PAGES


class Shape(HTMLParser):
    """Elements with their attributes, addresses and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: set[tuple[str, str]] = set()
        self.addresses: list[str] = []
        self.others: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.parts |= {(tag, ""), *((tag, name) for name, _ in attributes)}
        for name, value in attributes:
            if name in ("href", "src", "action", "formaction", "hx-get", "sse-connect"):
                self.addresses.append(value or "")
            self.texts.append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    def handle_pi(self, data: str) -> None:
        self.others.append(data)

    def unknown_decl(self, data: str) -> None:
        self.others.append(data)


def _read_own() -> set[tuple[str, str]]:
    """The elements and attributes of the templates, and what is made for words in backticks."""
    folder = Path(console_package.__file__).parent / "templates"
    sources = [re.sub(r"{%.*?%}|{{.*?}}", "", path.read_text()) for path in folder.glob("*.html")]
    return {part for source in sources for part in Shape(source).parts} | {("code", "")}


OWN = _read_own()


@attrs.define
class Filled:
    """A console over a database, a config and plugins that are full of one payload."""

    client: httpx.Client
    url: str
    text: str
    source_id: str
    name: str
    cookies: dict[str, str]

    def address(self, case: str) -> str:
        """A case with the payload in it."""
        given = {"text": self.text[:2000], "source_id": self.source_id, "name": self.name}
        return case.format(**{name: _quoted(value) for name, value in given.items()})

    def get(self, address: str, accept: str = "text/html", **cookies: str) -> httpx.Response:
        headers = {"Accept": accept, "Cookie": self._own(cookies)}
        return self.client.get(f"{self.url}{address}", headers=headers)

    def post(self, path: str, **form: str) -> httpx.Response:
        body = urlencode(form, errors="surrogatepass").encode()
        headers = {
            "Accept": "text/html",
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.url,
            "Cookie": self._own({}),
        }
        return self.client.post(f"{self.url}{path}", content=body, headers=headers)

    def _own(self, cookies: Mapping[str, str]) -> str:
        # Not those of the answers: `/sign-in` and `/login` give others.
        self.client.cookies.clear()
        return "; ".join(f"{name}={value}" for name, value in (self.cookies | dict(cookies)).items())


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _encodable(text: str) -> str:
    """A text as a file can hold it."""
    return text.encode("utf-8", "replace").decode()


def _install(site: Path, name: str, summary: str, source: str) -> None:
    line = " ".join(_encodable(summary).replace("\0", "").split())
    install_module(site, name, source, module=f"damlink_{name}_{site.parent.name}", summary=line)


def _config(text: str) -> str:
    shown = _encodable(text)
    portal = {"url": "http://127.0.0.1:9", "auth": "oauth2-code", "client_id": shown[:500], "brand": shown}
    connector = {"plugin": "hostile", "portal": "brand", "title": shown, "key": {"env": "TOKEN"}}
    return document(
        {
            "portals": {"brand": {**portal, "client_secret": {"env": "TOKEN"}, "scopes": [shown[:500]]}},
            "connectors": {
                "stock": {**connector, "title": f"{shown} 2", "user": shown},
                "shelf": {**connector, "tags": [shown, "two"], "more": shown},
            },
        }
    )


def _fill(session: Session, text: str, config: str) -> str:
    """Put the payload wherever a text from outside is kept; return the id of an asset."""
    database = session.database
    source_id = f"id {text[:200]}".encode("utf-8", "replace").decode().replace("\0", "")
    items = [SourceAsset(source_id, "v1", text, raw={"file": text[:1000]}), SourceAsset("pushed", "v1", text)]
    with Lease(database, "stock") as lease:
        ledger = Ledger(database, "stock", lease.epoch)
        ledger.record(Listed(items), "all")
        found = {row.source_id: row for row in (claim(ledger), claim(ledger))}
        result = PushResult(text[:200], url=f"javascript:{text[:500]}", notice=text)
        ledger.mark_pushed(found["pushed"], result)
        ledger.mark_uncertain(found[source_id], text)
        ledger.record(Listed([SourceAsset("rejected", "v1", text)]), "all")
        ledger.mark_rejected(claim(ledger), text)
    _fill_events(session, text)
    name = text[:2000]
    Users(database).add(name, Role.VIEWER, None)
    Access(database).make_token(name, text, None)
    Audit(database).note(text, text, text, {text[:100]: [text, text]})
    desk = Desk(session.config, session, Jobs(session.config.path), Texts())
    findings = [(text, text, True), (text, text, False)]
    base = f"# {_line(text)}\n{config}"
    known = {"changes": {"user": _encodable(text)}, "base": base, "findings": findings}
    Drafts(desk).save(Kept(id="known", kind="connectors", name="shelf", **known))
    portals = {"other": {"url": "http://127.0.0.1:9", "auth": "oauth2-code", "client_id": _encodable(text)}}
    changes = {"plugin": "hostile", "portal": "other", "title": _encodable(text), "user": _encodable(text)}
    fresh = {"changes": changes, "base": config, "portals": portals, "step": 2}
    Drafts(desk).save(Kept(id="fresh", kind="connectors", name="fresh", **fresh))
    return source_id


def _line(text: str) -> str:
    """A text as a comment of the config can hold it."""
    return re.sub("[\x00-\x08\x0a-\x1f\x7f]", " ", _encodable(text))


def _fill_events(session: Session, text: str) -> None:
    database, now = session.database, session.database.now()
    given = {"portal": "brand", "topic": text[:500], "message": json.dumps({"media_id": text[:500]})}
    for number in range(3):
        event = Notification(
            **given,
            message_id=f"{number} {text[:200]}",
            subject=text,
            occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        Inbox(database).put(event)
    failed = {"attempts": 2, "last_error": text}
    done = {"finished_at": now, "had": json.dumps([text[:200]]), "due_at": None}
    with database.write() as connection:
        for number, values in enumerate((failed, done), start=1):
            connection.execute(sa.update(inbox).where(inbox.c.number == number).values(values))
    Refusals(database).add("brand", text[:200], text[:500], text, text, 3)
    RefusedMessages(database).note("brand", text[:200], text, text)
    Topics(database).note("brand", text[:500], None)


def _run(folder: Path, text: str) -> Iterator[Filled]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"DAMLINK_KEY": KEY, "DAMLINK_STATE_DIR": str(folder), "TOKEN": "a-token"}.items():
            patch.setenv(name, value)
        site = folder / "site"
        _install(site, "hostile", text, PLUGIN.format(text=ascii(text)))
        _install(site, "broken", text, BROKEN.format(text=ascii(text)))
        patch.syspath_prepend(str(site))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
        config = _config(text)
        (folder / "damlink.toml").write_text(config, encoding="utf-8")
        with Session(load(folder / "damlink.toml")) as session:
            yield from _serve(session, text, _fill(session, text, config))


def _serve(session: Session, text: str, source_id: str) -> Iterator[Filled]:
    with run_console(session) as (_, address):
        url = origin_of(address)
        with httpx.Client(trust_env=False, timeout=60) as client:
            (user,) = Users(session.database).listing()
            cookies = dict(client.get(address).cookies)
            filled = Filled(client, url, text, source_id, user.name, cookies)
            _fail_to_sign_in(filled)
            yield filled


def _fail_to_sign_in(filled: Filled) -> None:
    """Leave the result of a sign-in, whose reason is the payload."""
    begun = filled.post("/sign-in", portal="brand")
    filled.cookies |= {CONSENT_COOKIE: begun.cookies[CONSENT_COOKIE]}
    away = httpx.URL(filled.get("/sign-in/go").headers["location"])
    filled.get(f"/sign-in/callback?state={away.params['state']}&error={_quoted(filled.text[:2000])}")


@pytest.fixture(scope="module", params=PAYLOADS.values(), ids=list(PAYLOADS))
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    yield from _run(tmp_path_factory.mktemp("hostile"), request.param)


def _look(page: str) -> Shape:
    """Fail where a page has any part that no template has."""
    shape = Shape(page)
    assert shape.parts - OWN == set()
    assert shape.others == []
    assert [each for each in shape.addresses if not re.match(r"(/(?![/\\\\])|#|$)", each)] == []
    assert DANGEROUS.findall(page) == []
    return shape


def test_cases_when_listed_are_all_routes() -> None:
    assert sorted(CASES) == GETS
    assert SHOWS <= PAGES_OF_HTML


@pytest.mark.parametrize("path", sorted(PAGES_OF_HTML))
def test_page_when_its_texts_are_hostile_has_no_markup_of_theirs(filled: Filled, path: str) -> None:
    shown = []
    for case in CASES[path]:
        answer = filled.get(filled.address(case))
        is_page = path not in ("/sign-in/callback", "/oidc/begin", "/oidc/callback", "/sign-in/go")
        # The result is that of a sign-in that was refused, and one plugin cannot be loaded.
        expected = 403 if path == "/sign-in/result" else 404 if "broken" in case and path != "/add" else 200
        assert answer.status_code == expected or not is_page, answer.text
        shown += _look(answer.text).texts
    assert path not in SHOWS or any(WORD in text for text in shown)


# A stream does not end.
@pytest.mark.parametrize("path", [each for each in GETS if each != "/live"])
def test_page_when_its_fields_are_hostile_has_no_markup_of_theirs(filled: Filled, path: str) -> None:
    for known in (
        {},
        {"connector": "stock", "portal": "brand", "plugin": "hostile", "id": "fresh", "step": "0"},
    ):
        fields = dict.fromkeys(FIELDS, filled.text[:300]) | known
        answer = filled.get(f"{path}?{urlencode(fields, errors='surrogatepass')}")
        assert answer.status_code < 500, answer.text
        if answer.headers.get("content-type", "").startswith("text/html"):
            _look(answer.text)
        else:
            assert answer.headers["x-content-type-options"] == "nosniff"


# One ends the session of the other tests.
@pytest.mark.parametrize("path", [each for each in POSTS if each != "/leave"])
def test_form_when_its_fields_are_hostile_has_no_markup_of_theirs(filled: Filled, path: str) -> None:
    for known in ({}, {"connector": "shelf", "plugin": "hostile", "id": "fresh", "step": "0"}):
        fields = dict.fromkeys(FIELDS, filled.text[:300]) | known
        answer = filled.post(path, **fields)
        assert answer.status_code < 500, answer.text
        if answer.headers.get("content-type", "").startswith("text/html"):
            _look(answer.text)
        assert "\n" not in answer.headers.get("location", "")


@pytest.mark.parametrize("path", sorted(PAGES_OF_HTML))
def test_data_when_its_texts_are_hostile_is_json(filled: Filled, path: str) -> None:
    for case in CASES[path]:
        answer = filled.get(filled.address(case), "application/json")
        if answer.headers.get("content-type", "").startswith("application/json"):
            assert isinstance(json.loads(answer.content.decode("ascii")), dict)
        else:
            assert path in ("/sign-in/callback",)


@pytest.mark.parametrize("target", [{"portal": "brand"}, {"connector": "shelf"}], ids=["portal", "connector"])
def test_sign_in_when_the_client_id_is_hostile_leads_to_the_other_side_or_says_why(
    filled: Filled, target: dict[str, str]
) -> None:
    begun = filled.post("/sign-in", **target)
    _look(begun.text)
    if CONSENT_COOKIE not in begun.cookies:
        assert begun.status_code == 409
        return
    go = filled.get("/sign-in/go", **{CONSENT_COOKIE: begun.cookies[CONSENT_COOKIE]})
    away = httpx.URL(go.headers["location"])
    assert (away.scheme, away.netloc) == ("http", b"127.0.0.1:9")
    assert away.params["redirect_uri"] == f"{filled.url}/sign-in/callback"


def test_table_when_its_texts_are_hostile_is_csv_without_formulas(filled: Filled) -> None:
    answer = filled.get("/export?connector=stock", "*/*")
    assert answer.headers["content-type"].startswith("text/csv")
    csv.field_size_limit(1 << 20)
    first, *rows = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert {len(row) for row in rows} == {len(first)}
    assert len(rows) == 3
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert [cell for cell in cells if DANGEROUS.search(cell) or "\n" in cell] == []


def test_file_for_support_when_texts_are_hostile_can_be_opened(filled: Filled) -> None:
    packed = zipfile.ZipFile(io.BytesIO(filled.get("/diagnostics.zip").content))
    assert packed.testzip() is None
    assert [name for name in packed.namelist() if not re.fullmatch(r"[a-z0-9./_-]+", name)] == []
