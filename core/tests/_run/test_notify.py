"""People are told once when a connector begins to fail, and once when it works again."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink._config.edit import document
from damlink._config.load import load
from damlink._run.notify import Notifier
from damlink._run.report import RunReport
from damlink._run.runner import RunOptions, run_connector
from damlink._run.session import Session
from damlink._secret import Secret
from damlink._state.lease import Lease
from damlink.errors import ConfigError, DamlinkError, RunActiveError

PLUGIN = """
import attrs
from pathlib import Path
from damlink import *

@attrs.frozen
class settings_class:
    folder: str = setting()
    key: Secret | None = setting(default=None)

@hookimpl
def list_source_assets(ctx):
    if (Path(ctx.settings.folder) / "refused").exists():
        raise AuthError("the partner refused the key (401)", hint="set ACME_KEY")
    yield SourceAsset("1", (Path(ctx.settings.folder) / "version").read_text())

@hookimpl
def on_event(ctx):
    return ()

@hookimpl
def transform(ctx, source):
    if (Path(ctx.settings.folder) / "rejected").exists():
        raise AssetRejectedError("too large")
    return Skip("enough")

@hookimpl
def push(source):
    return PushResult(source.source_id)
"""
SECRET_PATH = "a-secret-path"


@attrs.define
class Site:
    """A connector that fails where the test says so, and somebody who is told."""

    folder: Path
    listener: Any
    tables: dict[str, Any]

    def write(self, **tables: Any) -> None:
        self.tables |= tables
        (self.folder / "damlink.toml").write_text(document(self.tables))

    def run(self, **options: Any) -> RunReport:
        with Session(load(self.folder / "damlink.toml")) as session:
            return run_connector(session, "stock", RunOptions(**options))

    def fails(self, how: str = "refused") -> None:
        (self.folder / how).touch()

    def works(self, how: str = "refused") -> None:
        (self.folder / how).unlink()

    def change(self) -> None:
        (self.folder / "version").write_text(f"{(self.folder / 'version').read_text()}1")

    @property
    def told(self) -> list[tuple[str, str]]:
        sent = [json.loads(asked.body) for asked in self.listener.asked]
        return [(each["title"], each["message"]) for each in sent]


@pytest.fixture
def site(tmp_path: Path, install: Callable[..., Path], server: Any, monkeypatch: pytest.MonkeyPatch) -> Site:
    install("acme", PLUGIN)
    monkeypatch.setenv("NOTIFY_URL", f"json://{server.host}/{SECRET_PATH}")
    site = Site(tmp_path, server, {})
    (tmp_path / "version").write_text("1")
    site.write(
        notify={"urls": [{"env": "NOTIFY_URL"}]},
        portals={"brand": {"url": server.url, "token": {"env": "DAMLINK_KEY"}}},
        connectors={"stock": {"plugin": "acme", "folder": str(tmp_path)}},
    )
    return site


FAILS = ("Damlink: stock fails", "stock: the partner refused the key (401); set ACME_KEY")
WORKS = ("Damlink: stock works again", "stock: the last run went well")


def test_notify_when_a_connector_fails_and_recovers_tells_each_once(site: Site) -> None:
    site.run()
    assert site.told == []
    site.fails()
    codes = [site.run().exit_code for _ in range(3)]
    assert (codes, site.told) == ([4, 4, 4], [FAILS])
    site.works()
    site.run()
    site.run()
    assert site.told == [FAILS, WORKS]
    site.fails()
    site.run()
    assert site.told == [FAILS, WORKS, FAILS]


def test_notify_when_assets_are_left_behind_says_how_many_and_where_to_look(site: Site) -> None:
    site.fails("rejected")
    assert site.run().exit_code == 1
    assert site.told == [
        ("Damlink: stock fails", "stock: 1 rejected; `damlink assets stock` says which and why")
    ]


def test_notify_when_a_run_cannot_even_begin_tells_why(site: Site) -> None:
    site.tables["connectors"]["stock"]["key"] = {"env": "NOT_SET"}
    site.write()
    with pytest.raises(ConfigError):
        site.run()
    ((title, body),) = site.told
    assert title == "Damlink: stock fails"
    assert body.endswith("connectors.stock.key: the environment variable NOT_SET is not set; set NOT_SET")


def test_notify_when_another_run_is_active_says_nothing(site: Site) -> None:
    config = load(site.folder / "damlink.toml")
    with Session(config) as session, Lease(session.database, "stock"), pytest.raises(RunActiveError):
        site.run()
    assert site.told == []


def test_notify_when_only_events_are_carried_does_not_call_a_failing_listing_well(site: Site) -> None:
    site.fails()
    site.run()
    site.run(events_only=True)
    assert site.told == [FAILS]
    site.works()
    site.run()
    assert site.told == [FAILS, WORKS]


def test_notify_when_it_cannot_be_sent_leaves_the_run_alone_and_tries_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.listener.then(500).then(500)
    site.fails("rejected")
    assert site.run().exit_code == 1
    assert "stock fails: the notification could not be sent" in caplog.text
    site.change()
    site.run()
    site.change()
    site.run()
    site.change()
    site.run()
    assert [asked.path for asked in site.listener.asked] == [f"/{SECRET_PATH}"] * 3


def test_notify_when_one_of_two_addresses_is_dead_tells_the_other_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_DEAD", "json://127.0.0.1:9/dead")
    site.write(notify={"urls": [{"env": "NOTIFY_DEAD"}, {"env": "NOTIFY_URL"}]})
    site.fails()
    site.run()
    site.run()
    assert site.told == [FAILS]


def test_notify_when_everything_is_logged_keeps_the_address_secret(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site.listener.then(500)
    site.fails()
    site.run()
    site.run()
    assert len(site.told) == 2
    assert [record.message for record in caplog.records if SECRET_PATH in record.getMessage()] == []


# --- what is wrong with the config -----------------------------------------------------------------


def refused(site: Site) -> str:
    with pytest.raises(DamlinkError) as caught:
        site.run()
    assert caught.value.exit_code == 3
    assert not (site.folder / "damlink.db").exists()
    return str(caught.value).partition("damlink.toml: ")[2]


def test_notify_when_the_extra_is_missing_says_what_to_install(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert refused(site) == (
        "notify.urls: notifications need Apprise, which is not installed; pip install 'damlink[notify]'"
    )


def test_notify_when_an_address_is_none_says_which_and_not_what(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_URL", "nonsense-that-is-secret")
    said = refused(site)
    assert said.startswith("notify.urls: Apprise does not support address 1")
    assert "nonsense" not in said


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        pytest.param(["json://host/secret"], "expected a list of secrets", id="plain text"),
        pytest.param("json://host", "expected a list of secrets", id="no list"),
        pytest.param([{"env": "A", "file": "b"}], "expected { env", id="two references"),
    ],
)
def test_config_when_notify_is_wrong_says_where(site: Site, urls: Any, said: str) -> None:
    site.write(notify={"urls": urls})
    with pytest.raises(ConfigError, match="notify.urls") as caught:
        load(site.folder / "damlink.toml")
    assert said in str(caught.value)
    assert "host" not in str(caught.value)


def test_config_when_it_is_read_opens_no_address(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_URL")
    assert load(site.folder / "damlink.toml").notify.table["urls"] == [{"env": "NOTIFY_URL"}]
    assert refused(site) == "notify.urls: the environment variable NOTIFY_URL is not set; set NOTIFY_URL"


def test_notification_when_an_error_repeats_a_secret_has_none(server: Any) -> None:
    token = Secret("sesame-open-1234")
    token.reveal()
    notifier = Notifier([Secret(f"json://{server.host}/hook")], "notify.urls")
    assert notifier.send("stock fails", "the portal answered 401: Bearer sesame-open-1234")
    assert b"sesame" not in server.asked[0].body
    assert b"Bearer **redacted**" in server.asked[0].body
