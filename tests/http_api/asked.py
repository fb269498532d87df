"""Asks a console for all that it answers, and reads members, parameters and ways of answering from that."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest
from http_api.filled import OTHER_TOPIC, PASSWORD, Filled, fill, open_console
from http_api.members import Members
from loopback import until

from damlink._console.acts import ACTS
from damlink._console.pages import PAGES
from damlink._serve.sent_event import USUAL_EVENT

__all__ = ["Asked", "ask_all"]

_EMPTY: Final = {
    "/": ("/",),
    "/activity": ("/activity",),
    "/asset": (),
    "/assets": ("/assets?connector=stock",),
    "/connector": ("/connector?connector=shelf", "/connector?connector=other"),
    "/connectors": ("/connectors",),
    "/events": ("/events?portal=brand",),
    "/plans": ("/plans?connector=stock",),
    "/portals": ("/portals",),
    "/runs": ("/runs?connector=stock",),
}
_FILLED: Final = {
    "/": ("/",),
    "/activity": ("/activity", "/activity?before=50"),
    "/add": ("/add?plugin=acme",),
    "/asset": tuple(
        f"/asset?connector={name}&id={id_}&preview=yes"
        for name, id_ in (
            *(("stock", "id-000"), ("stock", "id-001"), ("stock", "id-002"), ("stock", "id-003")),
            *(("stock", "id-004"), ("stock", "id-030"), ("shelf", "1")),
        )
    ),
    "/assets": (
        "/assets?connector=stock&page=1",
        "/assets?connector=stock&state=uncertain&cause=x",
        "/assets?connector=stock&search=asset&since=2020-01-01&until=2100-01-01&after=",
        "/assets?connector=stock&state=pushed&search=id-003",
    ),
    "/connector": tuple(f"/connector?connector={name}" for name in ("stock", "shelf", "other")),
    "/connectors": ("/connectors",),
    "/diagnostics": ("/diagnostics",),
    "/draft": ("/draft?id=known", "/draft?id=fresh"),
    "/edit": ("/edit?connector=shelf",),
    "/event": tuple(f"/event?portal=brand&number={number}" for number in (1, 2, 3, 4)),
    "/events": ("/events?portal=brand&page=1",),
    "/password": ("/password",),
    "/plan": (),
    "/plans": ("/plans?connector=stock",),
    "/plugins": ("/plugins",),
    "/portals": ("/portals",),
    "/runs": ("/runs?connector=stock", "/runs?connector=shelf"),
    "/setup": ("/setup?id=fresh&step=0", "/setup?id=fresh&step=2"),
    "/user": ("/user?name=ann", "/user?name=bob"),
    "/users": ("/users",),
}
# What a form shows when it has something to show is a page; of these it is that of another address.
_SHOWN_AS: Final = {
    "POST /begin": "GET /add",
    "POST /change": "GET /edit",
    "POST /events/approve": "GET /events",
    "POST /events/subscribe": "GET /events",
    "POST /password": "GET /password",
    "POST /step": "GET /setup",
}


class _Read(Mapping[str, str]):
    """The fields of one request; it notes which of them are read."""

    def __init__(self, given: Mapping[str, str], noted: set[str]) -> None:
        self._given, self._noted = given, noted

    def __getitem__(self, key: str) -> str:
        self._noted.add(_as_documented(key))
        return self._given[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)


def _as_documented(key: str) -> str:
    if not key.startswith("set."):
        return key
    return "set.NAME.new" if key.endswith(".new") else "set.NAME"


@attrs.define
class Asked:
    """What was asked, and answered.

    Attributes:
        members: of the JSON of each page and form, as `GET /assets`.
        keys: the parameters or fields that each has read.
        ways: how each form has answered.
    """

    members: dict[str, Members] = attrs.field(factory=lambda: defaultdict(Members))
    keys: dict[str, set[str]] = attrs.field(factory=lambda: defaultdict(set))
    ways: dict[str, set[str]] = attrs.field(factory=lambda: defaultdict(set))

    def note(self, page: str, answer: httpx.Response) -> None:
        """Note one answer."""
        if page.startswith("POST"):
            self.ways[page].add(_way_of(answer))
        if answer.status_code == 303:
            return
        assert answer.headers["content-type"] == "application/json", (page, answer.text)
        shown = answer.json()
        if "error" in shown:
            assert answer.status_code >= 400, answer.text
            page = "errors"
        self.members[_SHOWN_AS.get(page, page)].add(shown)

    def types(self) -> dict[str, dict[str, list[str]]]:
        """Return the types of each member, by page and path."""
        return {page: dict(members.types()) for page, members in self.members.items()}

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Note what the functions of pages and forms read of their fields, while a console is made."""
        with pytest.MonkeyPatch.context() as patch:
            for method, functions in (("GET", PAGES), ("POST", ACTS)):
                for path, function in functions.items():
                    noting = self._noting(function, self.keys[f"{method} {path}"])
                    patch.setitem(functions, path, noting)  # type: ignore[arg-type]
            yield

    def _noting(self, function: Any, noted: set[str]) -> Any:
        return lambda desk, given: function(desk, _Read(given, noted))


def _way_of(answer: httpx.Response) -> str:
    if answer.status_code != 303:
        return str(answer.status_code)
    return f"303 {httpx.URL(answer.headers['location']).path}"


def ask_all(folder: Path) -> Asked:
    """Ask a console that is empty, and then full, for each page and by each form."""
    asked = Asked()
    with asked.listening(), open_console(folder) as console:
        _show(asked, console, _EMPTY)
        fill(console.session)
        _run_connector(asked, console)
        _show(asked, console, _FILLED)
        for plan in console.ask("GET", "/plans?connector=stock").json()["plans"]:
            for action in ("", "new"):
                address = f"/plan?id={plan['id']}&action={action}&page=1"
                asked.note("GET /plan", console.ask("GET", address))
        _send_forms(asked, console)
    return asked


def _show(asked: Asked, console: Filled, addresses: Mapping[str, tuple[str, ...]]) -> None:
    for path, cases in addresses.items():
        for address in cases:
            answer = console.ask("GET", address)
            assert answer.status_code == 200, (address, answer.text)
            asked.note(f"GET {path}", answer)


def _send(asked: Asked, console: Filled, path: str, expected: int, **form: str) -> httpx.Response:
    answer = console.ask("POST", path, **form)
    assert answer.status_code == expected, (path, form, answer.status_code, answer.text)
    asked.note(f"POST {path.partition('?')[0]}", answer)
    return answer


def _run_connector(asked: Asked, console: Filled) -> None:
    """Start a run, look at it while it goes on, and let it end."""
    _send(asked, console, "/run", 303, connector="shelf")
    _send(asked, console, "/run", 409, connector="shelf")
    _wait_for_runs(console, is_done=False)
    _show(asked, console, {path: _FILLED[path] for path in ("/", "/connector", "/connectors", "/runs")})
    _show(asked, console, {"/plans": ("/plans?connector=shelf",)})
    console.gate.touch()
    _wait_for_runs(console, is_done=True)
    _show(asked, console, {"/plans": ("/plans?connector=shelf",)})


def _wait_for_runs(console: Filled, *, is_done: bool) -> None:
    def is_so() -> bool:
        shown = console.ask("GET", "/connector?connector=shelf").json()
        last, job = shown["standing"]["last_run"], shown["jobs"][0]
        assert is_done or job["exit_code"] is None, job
        return bool(last) and (job["exit_code"] is not None) is is_done

    until(is_so)


def _send_forms(asked: Asked, console: Filled) -> None:
    _decide(asked, console)
    _change_settings(asked, console)
    _add_connector(asked, console)
    _plan(asked, console)
    _change_events(asked, console)
    _change_users(asked, console)


def _decide(asked: Asked, console: Filled) -> None:
    stock = {"connector": "stock"}
    _send(asked, console, "/retry", 303, **stock, id="id-001")
    _send(asked, console, "/retry", 400, **stock)
    _send(asked, console, "/settle", 303, **stock, id="id-000", arrived="yes", target_id="t")
    _send(asked, console, "/settle", 409, **stock, id="id-000", arrived="yes")
    _send(asked, console, "/bulk", 200, **stock, act="skip", state="due", search="id-03")
    _send(asked, console, "/bulk", 200, **stock, act="retry", cause="no answer")
    _send(asked, console, "/bulk", 200, **stock, act="retry", state="due", search="id-04")


def _change_settings(asked: Asked, console: Filled) -> None:
    base = console.ask("GET", "/edit?connector=shelf").json()["base"]
    form = {"connector": "shelf", "base": base}
    _send(asked, console, "/change", 409, **form, set__pages="0")
    _send(asked, console, "/change", 400, **form, set__key="none")
    _send(asked, console, "/change", 303, **form)
    changed = _send(asked, console, "/change", 303, **form, set__pages="4", set__key__new=PASSWORD)
    draft = _id_of(changed)
    _send(asked, console, "/try-draft", 303, id=draft)
    _show(asked, console, {"/draft": (f"/draft?id={draft}",)})
    _send(asked, console, "/rebase-draft", 303, id=draft)
    _send(asked, console, "/write-draft", 303, id=draft)
    switched = _send(asked, console, "/switch", 303, connector="shelf", enabled="yes")
    _send(asked, console, "/drop-draft", 303, id=_id_of(switched))
    _send(asked, console, "/write-draft", 303, id="known")


def _id_of(answer: httpx.Response) -> str:
    return str(httpx.URL(answer.headers["location"]).params["id"])


def _add_connector(asked: Asked, console: Filled) -> None:
    form = {"plugin": "acme", "title": "New one"}
    _send(asked, console, "/begin", 400, **form)
    number = _id_of(_send(asked, console, "/begin", 303, **form, portal="brand"))
    _send(asked, console, "/step", 400, id=number, step="0")
    _send(asked, console, "/step", 303, id=number, step="0", set__key="env:API_TOKEN")
    _send(asked, console, "/step", 303, id=number, step="1")
    _send(asked, console, "/write-draft", 303, id=number, enabled="no", then="plan")
    fresh = _id_of(_send(asked, console, "/begin", 303, **form | {"title": "2"}, new_portal="a"))
    _send(asked, console, "/drop-draft", 303, id=fresh)


def _plan(asked: Asked, console: Filled) -> None:
    plan = console.ask("GET", "/plans?connector=stock").json()["plans"][0]["id"]
    _send(asked, console, "/approve", 303, id=plan)
    _send(asked, console, "/stop", 303, connector="stock")
    _send(asked, console, "/make-plan", 303, connector="other")


def _change_events(asked: Asked, console: Filled) -> None:
    _send(asked, console, "/replay", 303, portal="brand", first="2", last="3")
    _send(asked, console, "/events/approve", 303, portal="brand", topic=OTHER_TOPIC)
    _send(asked, console, "/events/approve", 400, portal="brand", topic="x")
    _send(asked, console, "/events/send", 303, portal="brand", asset="A-1", event=USUAL_EVENT)
    _send(asked, console, "/events/send", 400, portal="brand", asset="A-1", event="x")
    _send(asked, console, "/events/subscribe", 503, portal="brand")


def _change_users(asked: Asked, console: Filled) -> None:
    _send(asked, console, "/users/add", 303, name="cid", role="viewer", password=PASSWORD)
    _send(asked, console, "/users/role", 303, name="cid", role="operator")
    _send(asked, console, "/users/token", 200, name="cid", label="a report", days="30")
    _send(asked, console, "/users/link", 200, name="cid")
    token = console.ask("GET", "/user?name=cid").json()["access"][0]["id"]
    _send(asked, console, "/users/end", 303, name="cid", id=token)
    _send(asked, console, "/users/revoke", 303, name="cid")
    _send(asked, console, "/users/remove", 303, name="cid")
    new = {"current": PASSWORD, "new": f"{PASSWORD} 2", "again": f"{PASSWORD} 2"}
    _send(asked, console, "/password", 200, **new)
