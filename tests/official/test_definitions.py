"""What the client sends and the sandbox answers is as published, but for what is known."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest
from official.calls_refused import refuse_all
from official.definitions import Definitions
from official.every_call import make_every_call, open_portal, open_world
from official.parameters import NOT_SENT, deviations, unsent
from recorder import Exchange, RecordedSandbox
from workspace.deviations import DEVIATIONS
from workspace.published import folder, read_inventory

from damlink import Secret
from damlink._cli._derived import parameters_of
from damlink._cli.bynder import actions, resources
from damlink._http.oauth2 import OAuth2
from damlink.bynder import Portal

# Of an argument that only goes where no definition is, or that is not sent at all.
UNSENT: Final = {"extra", "raw.request", "uploads.file"}


class Arguments:
    """Notes with which arguments the marked methods are called."""

    def __init__(self) -> None:
        self._methods = {
            inspect.unwrap(method).__code__: f"{resource}.{name}"
            for resource, kind in resources().items()
            for name, method in actions(kind)
        }
        self.given: dict[str, set[str]] = {}

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        """As `sys.setprofile` calls it."""
        method = self._methods.get(frame.f_code) if event == "call" else None
        if method:
            code = frame.f_code
            keywords = code.co_varnames[code.co_argcount + code.co_kwonlyargcount :][:1]
            is_open = bool(code.co_flags & inspect.CO_VARKEYWORDS)
            values = {**frame.f_locals, **(frame.f_locals[keywords[0]] if is_open else {})}
            given = {name for name, value in values.items() if value is not None}
            self.given.setdefault(method, set()).update(given)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RecordedSandbox]:
    with open_portal() as running:
        yield running


@pytest.fixture(scope="module")
def arguments(sandbox: RecordedSandbox, tmp_path_factory: pytest.TempPathFactory) -> Arguments:
    """All calls have been made; with which arguments."""
    noted = Arguments()
    with open_world(sandbox, tmp_path_factory.mktemp("upload") / "small.jpg") as world:
        sys.setprofile(noted)
        try:
            make_every_call(world)
            sign_in(sandbox)
            refuse_all(world)
        finally:
            sys.setprofile(None)
    return noted


def sign_in(sandbox: RecordedSandbox) -> None:
    """With client credentials, with a person's consent, and with the token that this gave."""
    part: Any = sandbox.part("bynder")
    origin = sandbox.origins["portal"]
    client = (f"{origin}/v6/authentication/oauth2/token", part.client_id, Secret(part.client_secret))
    with Portal(origin, OAuth2(*client, scopes=("asset:read",)), pace=None) as portal:
        portal.brands.list()
    auth = OAuth2(
        *client,
        scopes=("asset:read", "offline"),
        authorize_url=f"{origin}/v6/authentication/oauth2/auth",
        login_only=True,
    )
    with httpx.Client() as browser:
        address = auth.consent_url("state")
        while not address.startswith(auth.redirect_url):
            address = urljoin(address, browser.get(address).headers["location"])
        auth.redeem(Secret(parse_qs(urlsplit(address).query)["code"][0]), browser)
    part.control("tokens", {"expire": True})
    with Portal(origin, auth, pace=None) as portal:
        portal.brands.list()


@pytest.fixture(scope="module")
def found(arguments: Arguments, sandbox: RecordedSandbox) -> set[tuple[str, str]]:
    """Every deviation of every exchange; a temporary address is nobody's operation."""
    where = folder()
    if where is None:
        pytest.skip("needs Bynder's published definitions: name their folder in DAMLINK_OPENAPI")
    definitions = Definitions(where)
    judged = [each for each in sandbox.exchanges if not is_temporary(each)]
    assert len(judged) > 200
    return {deviation for exchange in judged for deviation in definitions.deviations(exchange)}


def is_temporary(exchange: Exchange) -> bool:
    return exchange.service == "s3" and exchange.method == "GET"


def test_every_method_was_called_with_every_argument(arguments: Arguments) -> None:
    missing = [
        f"{resource}.{name}: {parameter.name}"
        for resource, kind in resources().items()
        for name, method in actions(kind)
        for parameter in parameters_of(method)
        if f"{resource}.{name}" not in UNSENT and parameter.name not in UNSENT
        if parameter.name not in arguments.given.get(f"{resource}.{name}", ())
    ]
    uncalled = {f"{resource}.{name}" for resource, kind in resources().items() for name, _ in actions(kind)}
    assert (missing, uncalled - arguments.given.keys()) == ([], set())


def test_parameter_when_published_is_sent(arguments: Arguments, sandbox: RecordedSandbox) -> None:
    assert set(unsent(read_inventory(), sandbox.exchanges)) == set(NOT_SENT)


def test_exchange_when_the_inventory_knows_its_operation_is_as_it_says(
    arguments: Arguments, sandbox: RecordedSandbox
) -> None:
    judged = [each for each in sandbox.exchanges if each.service == "portal"]
    found = set(deviations(read_inventory(), judged))
    assert [each for each in sorted(found) if not any(known.covers(*each) for known in DEVIATIONS)] == []


def test_deviation_when_found_is_known(found: set[tuple[str, str]]) -> None:
    unknown = [each for each in sorted(found) if not any(known.covers(*each) for known in DEVIATIONS)]
    assert unknown == []


@pytest.mark.parametrize("known", DEVIATIONS, ids=lambda known: f"{known.call}: {known.what}")
def test_deviation_when_listed_still_occurs(found: set[tuple[str, str]], known: Any) -> None:
    assert any(known.covers(*each) for each in found)
