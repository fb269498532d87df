"""Settings on pages: saved unchanged they change nothing, and a change is shown before it is written."""

from __future__ import annotations

import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from canaries import holds
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink._config.duration import Duration
from damlink._config.edit import document
from damlink._config.load import connector_fields
from damlink._config.load import load as load_config
from damlink._config.settings import Field, fields_of
from damlink._config.values import choices_of, item_of, value_of
from damlink._console.settings_form import read_changes
from damlink._plugin.discovery import find, list_plugins
from damlink._plugin.loader import load
from damlink._run.setting_changes import fields_of_connector
from damlink._secret import Secret

# Hypothesis tries the texts of sources as well: a page would show what looks like a secret of the tests.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).filter(
    lambda text: not holds(text)
)
VALUES = {
    "user": TEXTS,
    "pages": st.integers(1, 10**6),
    "share": st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9),
    "videos": st.booleans(),
    "kind": st.sampled_from(["all", "some"]),
    "since": st.dates(datetime.date(1, 1, 1)),
    "tags": st.lists(TEXTS, max_size=3),
    "names": st.dictionaries(st.text("abc", min_size=1), TEXTS, max_size=2),
    "title": TEXTS.filter(lambda text: text not in ("stock", "")),
    "every": st.sampled_from(["90s", "2h"]),
    "enabled": st.booleans(),
    "password": st.fixed_dictionaries({"env": st.sampled_from(["TOKEN", "OTHER"])}),
}
START = """
[portals.brand]
url = "http://127.0.0.1:9"
token = { env = "TOKEN" }

[connectors.stock]
plugin = "missing"
"""
TABLES = st.fixed_dictionaries({}, optional=VALUES)
REFERENCES = st.fixed_dictionaries({"env": st.sampled_from(["TOKEN", "OTHER"])})
SINGLE = {
    str: TEXTS,
    bool: st.booleans(),
    int: st.integers(-(10**6), 10**6),
    float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 9),
    datetime.date: st.dates(datetime.date(1, 1, 1)),
    Duration: st.sampled_from(["90s", "1.5h", "2d"]),
    datetime.timedelta: st.sampled_from(["90s", "1.5h", "2d"]),
    Secret: REFERENCES,
}
# The values of a table of any kind, such as a filter.
ANY = st.recursive(
    TEXTS | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS.filter(bool), inner, max_size=2),
    max_leaves=4,
)
PLUGINS = [info.name for info in list_plugins()]


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """What may stand in the config for a setting: of its type, or of another one."""
    kind = field.type
    choices = choices_of(field.part_type or kind) or field.choices
    single = st.sampled_from(choices) if choices else SINGLE.get(field.part_type or kind, ANY)
    if item_of(kind):
        single = st.lists(single, max_size=3)
    elif value_of(kind):
        single = st.dictionaries(TEXTS.filter(bool), single, max_size=2)
    return single | ANY | (REFERENCES if kind is str else st.nothing())


def table_of(plugin: str) -> st.SearchStrategy[dict[str, Any]]:
    """Any table of a connector: settings of its plugin and of the core, some of them set."""
    fields = [*fields_of(load(find(plugin)).settings_class), *connector_fields()]
    core = {"title", "portal", "every", "enabled", "workers", "adopt_existing"}
    own = {field.name: values_of(field) for field in fields if field.name not in core}
    of_core = {name: values for name, values in VALUES.items() if name in core}
    return st.fixed_dictionaries({}, optional={**own, **of_core, "workers": st.integers(1, 64)})


class Form(HTMLParser):
    """Fields that a browser would send of the form with the settings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._open: str | None = None
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, given: Any) -> None:
        own = dict(given)
        self._inside = self._inside or (tag == "form" and "settings" in (own.get("class") or ""))
        if not self._inside:
            return
        if tag == "input":
            # A field of one line keeps no line break.
            value = (own.get("value") or "").replace("\n", "").replace("\r", "")
            self.fields[own["name"]] = value
        elif tag in ("select", "textarea"):
            self._open, self.fields[own["name"]] = own["name"], ""
        elif tag == "option" and "selected" in own:
            self.fields[self._open or ""] = own["value"] or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # The first line break of the markup is not part of the text; those of the text are sent as two.
            text = self.fields[self._open or ""].removeprefix("\n")
            self.fields[self._open or ""] = "\r\n".join(text.splitlines())
        self._open = None if tag in ("select", "textarea") else self._open
        self._inside = self._inside and tag != "form"

    def handle_data(self, text: str) -> None:
        if self._open and not self.get_starttag_text().startswith(("<option", "<select")):
            self.fields[self._open] += text


@pytest.fixture
def path(shown: Any) -> Any:
    """The config of the console, which is as it was afterwards."""
    path: Path = shown.session.config.path
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def open_form(shown: Any) -> dict[str, str]:
    answer = shown.client.get("/edit?connector=shelf")
    assert answer.status_code == 200, answer.text
    return Form(answer.text).fields


def change(shown: Any, **fields: str) -> str:
    """Send the form with some fields changed; return the address that it leads to."""
    answer = shown.post("/change?connector=shelf", **open_form(shown) | fields)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def number_of(address: str) -> str:
    return httpx.URL(address).params["id"]


@settings(max_examples=40)
@given(table=TABLES)
def test_form_when_opened_and_saved_unchanged_leaves_the_file_byte_for_byte_as_it_is(
    shown: Any, path: Path, table: dict[str, Any]
) -> None:
    text = document({"connectors": {"shelf": {"plugin": "acme", "key": {"env": "TOKEN"}, **table}}})
    path.write_bytes(f"{START}# a comment\r\n{text.replace(' = ', '   =  ', 3)}# the end".encode())
    before = path.read_bytes()
    assert change(shown) == "/connector?connector=shelf"
    assert path.read_bytes() == before


@pytest.mark.parametrize("plugin", PLUGINS)
@settings(max_examples=30)
@given(data=st.data())
def test_form_of_a_plugin_when_saved_unchanged_or_with_one_change_touches_nothing_else(
    shown: Any, path: Path, plugin: str, data: st.DataObject
) -> None:
    table = data.draw(table_of(plugin))
    text = document({"connectors": {"shelf": {"plugin": plugin, **table}}})
    path.write_bytes(f"{START}# a comment\r\n{text.replace(' = ', '   =  ', 3)}# the end".encode())
    before = path.read_bytes()
    assert change(shown) == "/connector?connector=shelf"
    assert path.read_bytes() == before
    config = load_config(path)
    fields, values = fields_of_connector(config, "shelf"), config.connectors["shelf"].table
    form = open_form(shown) | {"set.workers": "65"}
    assert read_changes(fields, values, form, lambda *_: {}) == {"workers": 65}


def test_plugins_when_their_forms_are_tried_are_all_of_ours() -> None:
    assert {"istock", "imatag", "gelato", "folder"} <= {*PLUGINS}


def test_change_when_made_is_shown_first_and_keeps_every_other_line(shown: Any, path: Path) -> None:
    before = path.read_text()
    address = change(shown, **{"set.pages": "7", "set.videos": "true"})
    assert path.read_text() == before
    found = shown.json(address)
    assert [line for line in found["difference"] if line[0] in "+-"] == ["+pages = 7", "+videos = true"]
    assert found["command"] == "damlink edit shelf --set pages=7 --set videos=true"
    assert (
        shown.post("/write-draft", id=number_of(address)).headers["location"] == "/connector?connector=shelf"
    )
    assert path.read_text() == f"{before}pages = 7\nvideos = true\n"
    assert shown.client.get(address).status_code == 404


def test_change_when_the_file_was_changed_meanwhile_shows_both_and_overwrites_nothing(
    shown: Any, path: Path
) -> None:
    address = change(shown, **{"set.pages": "8"})
    path.write_text(path.read_text().replace("The shelf", "By hand"))
    by_hand = path.read_text()
    assert shown.post("/write-draft", id=number_of(address)).headers["location"] == address
    assert path.read_text() == by_hand
    others = shown.json(address)["difference_of_others"]
    assert '+title = "By hand"' in others
    shown.post("/rebase-draft", id=number_of(address))
    shown.post("/write-draft", id=number_of(address))
    assert path.read_text() == f"{by_hand}pages = 8\n"


def test_form_when_the_file_was_changed_while_it_was_open_is_compared_with_its_own(
    shown: Any, path: Path
) -> None:
    fields = open_form(shown)
    path.write_text(path.read_text().replace("The shelf", "By hand"))
    address = shown.post("/change?connector=shelf", **fields | {"set.pages": "9"}).headers["location"]
    found = shown.json(address)
    assert [line for line in found["difference"] if line[0] in "+-"] == ["+pages = 9"]
    assert found["difference_of_others"]


def test_secret_when_typed_is_stored_and_neither_shown_nor_written(shown: Any, path: Path) -> None:
    address = change(shown, **{"set.password.new": "a-typed-secret", "set.user": "jane"})
    page = shown.client.get(address).text
    assert "shelf.password" in page
    shown.post("/write-draft", id=number_of(address))
    assert "a-typed-secret" not in page + path.read_text() + shown.client.get("/edit?connector=shelf").text
    assert 'password = {secret = "shelf.password"}' in path.read_text()
    assert shown.session.secrets.get("shelf.password") == "a-typed-secret"


def test_reference_when_shown_is_one_and_can_be_changed(shown: Any, path: Path) -> None:
    assert open_form(shown)["set.key"] == "env:TOKEN"
    address = change(shown, **{"set.key": "env:OTHER"})
    assert any('key = {env = "OTHER"}' in line for line in shown.json(address)["difference"])
    shown.post("/drop-draft", id=number_of(address))
    assert shown.client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"set.pages": "many"}, 409),
        ({"set.pages": "0"}, 409),
        ({"set.kind": "none"}, 409),
        ({"set.key": "a-typed-secret"}, 400),
        ({"base": "0" * 64}, 409),
    ],
    ids=["no-number", "too-small", "no-choice", "no-reference", "unknown-form"],
)
def test_form_when_filled_wrongly_is_refused_and_keeps_nothing(
    shown: Any, path: Path, fields: dict[str, str], status: int
) -> None:
    before = path.read_bytes(), shown.session.credentials.names("draft:")
    assert shown.post("/change?connector=shelf", **open_form(shown) | fields).status_code == status
    assert (path.read_bytes(), shown.session.credentials.names("draft:")) == before


def test_connector_when_disabled_on_a_page_is_so_after_the_difference_is_confirmed(
    shown: Any, path: Path
) -> None:
    address = shown.post("/switch", connector="shelf", enabled="no").headers["location"]
    assert shown.json("/connector?connector=shelf")["standing"]["enabled"]
    shown.post("/write-draft", id=number_of(address))
    assert not shown.json("/connector?connector=shelf")["standing"]["enabled"]


def test_trial_when_asked_for_says_what_both_sides_say(shown: Any, path: Path, hurried: None) -> None:
    address = change(shown, **{"set.user": "jane"})
    shown.post("/try-draft", id=number_of(address))
    findings = {each["what"]: each for each in shown.json(address)["findings"]}
    assert not all(each["ok"] for each in findings.values())
