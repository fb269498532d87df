"""Previews of assets, at the wire: a portal and its thumbnails that are hostile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from canaries import KEY
from consoles import origin_of, run_console
from ledger_rows import claim
from made_plugins import install_module
from scripted_server import Asked, Reply, Server

from damlink._config.load import load
from damlink._console.cookies import COOKIE
from damlink._console.previews import MOST_AT_ONCE
from damlink._model import PushResult, SourceAsset
from damlink._run.preview import MOST_BYTES, fetch_preview
from damlink._run.session import Session
from damlink._state.access import Access
from damlink._state.lease import Lease
from damlink._state.ledger import Ledger
from damlink._state.listed import Listed
from damlink._state.users import Role, Users
from damlink.errors import TransientError

PLUGIN = """
import attrs
from damlink import *

about = About(title="Acme", summary="Pictures.", uploads={uploads})

@attrs.frozen
class settings_class:
    pass

@hookimpl
def list_source_assets(ctx):
    yield SourceAsset("1", "a", "One")

@hookimpl
def transform(source):
    return PreparedAsset(Content.from_bytes(b"a", "a.jpg"), "a")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
CONFIG = """
[portals.brand]
url = "{portal}"
token = {{ env = "PREVIEW_TOKEN" }}

[connectors.stock]
plugin = "pictured"

[connectors.shelf]
plugin = "received"
"""
CANARY = b"never-in-a-browser"
PICTURES = {
    "image/jpeg": b"\xff\xd8\xff\xe0" + CANARY,
    "image/png": b"\x89PNG\r\n\x1a\n" + CANARY,
    "image/gif": b"GIF89a" + CANARY,
    "image/webp": b"RIFF\x10\x00\x00\x00WEBP" + CANARY,
}
PNG = PICTURES["image/png"]
PREVIEW = "/preview?connector=stock&id=1"


@attrs.define
class Site:
    """A console, its portal, and a viewer."""

    session: Session
    client: httpx.Client
    portal: Server

    def serve(self, thumbnail: Reply, *, url: str = "", record: Reply | None = None) -> None:
        """Let the portal answer so; the thumbnail is at its own address unless another one is given."""

        def answer(asked: Asked) -> Reply:
            if not asked.path.startswith("/api/"):
                return thumbnail
            return record or self.record(url or f"{self.portal.url}/thumb")

        self.portal.asked.clear()
        self.portal.serve(answer)

    def record(self, url: str) -> Reply:
        body = b'{"id":"target-1","name":"One","type":"image","thumbnails":{"thul":"%s"}}' % url.encode()
        return Reply(200, body, {"Content-Type": "application/json"})

    @property
    def paths(self) -> list[str]:
        return [asked.path for asked in self.portal.asked]


@pytest.fixture
def site(tmp_path: Path, server: Server, hurried: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    for name, value in {"DAMLINK_KEY": KEY, "DAMLINK_STATE_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PREVIEW_TOKEN", "a-token-of-the-portal")
    for name, uploads in {"pictured": True, "received": False}.items():
        install_module(tmp_path / "site", name, PLUGIN.format(uploads=uploads))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "damlink.toml").write_text(CONFIG.format(portal=server.url))
    with Session(load(tmp_path / "damlink.toml")) as session:
        for name in ("stock", "shelf"):
            _push(session, name)
        yield from _serve(session, server)


def _push(session: Session, name: str) -> None:
    """Leave one pushed asset whose address is hostile, and one that is due."""
    with Lease(session.database, name) as lease:
        ledger = Ledger(session.database, name, lease.epoch)
        ledger.record(Listed([SourceAsset("1", "a", "One")]), "all")
        ledger.mark_pushed(claim(ledger), PushResult("target-1", url="javascript:alert(1)"))
        ledger.record(Listed([SourceAsset("2", "a", "Two")]), "all")


def _serve(session: Session, portal: Server) -> Iterator[Site]:
    Users(session.database).add("viewer", Role.VIEWER, None)
    with run_console(session) as (_, address):
        cookie = {"Cookie": f"{COOKIE}={Access(session.database).begin('viewer')}"}
        url = origin_of(address)
        with httpx.Client(base_url=url, trust_env=False, headers=cookie, timeout=60) as client:
            yield Site(session, client, portal)


@pytest.mark.parametrize("media_type", PICTURES)
def test_preview_when_it_is_a_picture_is_shown_by_its_own_type(site: Site, media_type: str) -> None:
    site.serve(Reply(200, PICTURES[media_type], {"Content-Type": "text/html"}))
    answer = site.client.get(PREVIEW)
    assert (answer.status_code, answer.content) == (200, PICTURES[media_type])
    headers = answer.headers
    assert headers["content-type"] == media_type
    assert headers["content-disposition"] == "inline"
    assert headers["x-content-type-options"] == "nosniff"
    assert "img-src 'self'" in headers["content-security-policy"]
    assert site.paths == ["/api/v4/media/target-1/", "/thumb"]
    # The thumbnail needs no credentials, and gets none.
    assert "authorization" in site.portal.asked[0].headers
    assert "authorization" not in site.portal.asked[1].headers


HOSTILE = {
    "html": Reply(200, b"<script>" + CANARY, {"Content-Type": "image/png"}),
    "svg": Reply(
        200, b'<svg xmlns="http://www.w3.org/2000/svg">' + CANARY, {"Content-Type": "image/svg+xml"}
    ),
    "huge": Reply(200, PNG + b"x" * MOST_BYTES),
    "huge and chunked": Reply(200, PNG + b"x" * MOST_BYTES, chunked=True),
    "empty": Reply(200, b""),
    "cut off": Reply(200, PNG, cut=12),
    "401": Reply(401, PNG),
    "404": Reply(404, PNG),
    "500": Reply(500, PNG),
    "redirect": Reply(302, PNG, {"Location": "/other"}),
}


def is_empty_handed(answer: httpx.Response) -> bool:
    return answer.status_code == 404 and answer.text == "there is no preview\n"


@pytest.mark.parametrize("thumbnail", HOSTILE.values(), ids=HOSTILE)
def test_preview_when_the_thumbnail_is_hostile_gives_nothing_of_it(site: Site, thumbnail: Reply) -> None:
    site.serve(thumbnail)
    assert is_empty_handed(site.client.get(PREVIEW))
    assert site.paths == ["/api/v4/media/target-1/", "/thumb"]


def test_preview_when_it_redirects_to_another_host_asks_that_host_nothing(
    site: Site, stranger: Server
) -> None:
    stranger.always(200, PNG)
    site.serve(Reply(302, b"", {"Location": f"{stranger.url}/a.png"}))
    assert is_empty_handed(site.client.get(PREVIEW))
    assert stranger.asked == []


def test_preview_when_its_address_is_plain_http_elsewhere_asks_nothing_there(
    site: Site, stranger: Server
) -> None:
    stranger.always(200, PNG)
    site.serve(Reply(200, PNG), url=f"{stranger.url}/a.png")
    assert is_empty_handed(site.client.get(PREVIEW))
    assert stranger.asked == []


@pytest.mark.parametrize(
    "url", ["", "file:///etc/passwd", "//", "http://[", "https://", "javascript:alert(1)"]
)
def test_preview_when_its_address_is_no_address_asks_nothing(site: Site, url: str) -> None:
    site.serve(Reply(200, PNG), record=site.record(url))
    assert is_empty_handed(site.client.get(PREVIEW))
    assert site.paths == ["/api/v4/media/target-1/"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_preview_when_the_portal_refuses_gives_nothing_of_its_answer(site: Site, status: int) -> None:
    site.serve(Reply(200, PNG), record=Reply(status, PNG))
    assert is_empty_handed(site.client.get(PREVIEW))
    assert "/thumb" not in site.paths


@pytest.mark.parametrize(
    "query", ["", "connector=stock", "connector=stock&id=2", "connector=stock&id=3", "connector=no&id=1"]
)
def test_preview_when_nothing_was_uploaded_asks_nothing(site: Site, query: str) -> None:
    site.serve(Reply(200, PNG))
    assert is_empty_handed(site.client.get(f"/preview?{query}"))
    assert site.paths == []


def test_preview_of_what_a_partner_received_asks_the_portal_nothing(site: Site) -> None:
    site.serve(Reply(200, PNG))
    assert is_empty_handed(site.client.get("/preview?connector=shelf&id=1"))
    assert site.paths == []


def test_preview_when_the_time_is_over_is_not_requested(site: Site) -> None:
    site.serve(Reply(200, PNG))
    with pytest.raises(TransientError, match="takes too long"):
        fetch_preview(site.session, "stock", "1", seconds=-1.0)
    assert site.paths == []


def test_preview_when_the_thumbnail_is_slow_ends_in_time(site: Site) -> None:
    over = threading.Event()
    site.portal.serve(_holding(site, over))
    try:
        with pytest.raises(TransientError):
            fetch_preview(site.session, "stock", "1", seconds=1.0)
    finally:
        over.set()
    assert site.paths == ["/api/v4/media/target-1/", "/thumb"]


def test_preview_when_too_many_wait_is_refused_at_once(site: Site, eventually: Callable[..., Any]) -> None:
    over = threading.Event()
    site.portal.serve(_holding(site, over))
    waiting = [threading.Thread(target=site.client.get, args=(PREVIEW,)) for _ in range(MOST_AT_ONCE)]
    for each in waiting:
        each.start()
    try:
        eventually(lambda: site.paths.count("/thumb") == MOST_AT_ONCE)
        assert is_empty_handed(site.client.get(PREVIEW))
        assert site.paths.count("/thumb") == MOST_AT_ONCE
    finally:
        over.set()
        for each in waiting:
            each.join(60)


def _holding(site: Site, over: threading.Event) -> Callable[[Asked], Reply]:
    """Answer the thumbnail only when the test is over."""

    def answer(asked: Asked) -> Reply:
        if not asked.path.startswith("/api/"):
            over.wait(60)
            return Reply(200, PNG)
        return site.record(f"{site.portal.url}/thumb")

    return answer


def test_page_of_an_asset_asks_the_portal_nothing_until_a_person_wants_it(site: Site) -> None:
    site.serve(Reply(200, PNG))
    page = site.client.get("/asset?connector=stock&id=1", headers={"Accept": "text/html"}).text
    assert "preview=yes" in page
    assert "<img" not in page
    wanted = site.client.get("/asset?connector=stock&id=1&preview=yes", headers={"Accept": "text/html"}).text
    assert '<img src="/preview?connector=stock&amp;id=1"' in wanted
    assert site.paths == []


def test_page_of_an_asset_names_the_portal_and_links_no_script(site: Site) -> None:
    page = site.client.get("/asset?connector=stock&id=1", headers={"Accept": "text/html"}).text
    assert site.portal.url in page
    assert "javascript:alert(1)" in page
    assert 'href="javascript:' not in page
    assert (
        site.client.get("/asset?connector=stock&id=2", headers={"Accept": "text/html"}).text.count("preview")
        == 0
    )
