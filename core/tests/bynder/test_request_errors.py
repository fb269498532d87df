"""Every error that an answer causes shows that answer: status, request id, body and headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest

from damlink import Portal, Secret
from damlink._content import UnprovenOffsetError
from damlink._http.described import MOST_BODY
from damlink._http.media_kind import WrongKindError
from damlink._secret import REDACTED
from damlink._upload.parts import ChangedContentError
from damlink._upload.save import LostUploadError
from damlink.bynder._bodies import UnreadableError
from damlink.bynder._roles import reject_undownloadable
from damlink.bynder.resources.s3 import PartTooLargeError, StorageRefusedError
from damlink.errors import (
    ArgumentError,
    AssetRejectedError,
    AuthError,
    BynderAuthError,
    BynderError,
    ConnectorError,
    PluginBugError,
    TransientError,
    UnavailableError,
    UnclearError,
    UploadError,
)

TOKEN = "sesame-open-sesame"
HEADERS = {"X-Request-Id": "r-17", "Set-Cookie": "session=c0ffee", "X-Echo": f"Bearer {TOKEN}"}


def get(portal: Portal, _url: str) -> None:
    portal.assets.get("A1")


def create(portal: Portal, _url: str) -> None:
    portal.collections.create(name="spring")


def send_part(portal: Portal, url: str) -> None:
    portal._s3.post(url, idempotent=True, extensions={"damlink.classify": s3_error()})


def s3_error() -> Any:
    from damlink.bynder.resources import s3

    return s3.s3_error


def download(portal: Portal, _url: str) -> None:
    with reject_undownloadable(["DOWNLOAD"]):
        portal.assets.download("A1")


def elsewhere(portal: Portal, url: str) -> None:
    portal._s3.get(f"{url}/signed-path?signature=5ecret")


def sign_in(_portal: Portal, url: str) -> None:
    with Portal.with_client_credentials(url, "app", "secret", pace=None) as other:
        other.assets.get("A1")


@attrs.frozen
class Case:
    """An error class, the answer that causes it, and the call that gets that answer."""

    kind: type[ConnectorError]
    status: int
    body: bytes
    call: Callable[[Portal, str], None] = get


SAID = b'{"message": "no such thing"}'
XML = b"<Error><Code>%s</Code><Message>no</Message></Error>"
CASES = [
    Case(BynderError, 404, SAID),
    Case(BynderAuthError, 401, SAID),
    Case(TransientError, 503, SAID),
    Case(UnreadableError, 200, b"<html>"),
    Case(UnclearError, 502, SAID, create),
    Case(UnclearError, 200, b'{"success": false}', create),
    Case(AssetRejectedError, 403, SAID, download),
    Case(AuthError, 400, SAID, sign_in),
    Case(UnavailableError, 410, SAID, elsewhere),
    Case(StorageRefusedError, 403, XML % b"AccessDenied", send_part),
    Case(PartTooLargeError, 400, XML % b"EntityTooLarge", send_part),
    Case(TransientError, 200, b'{"disclaimer": "none"}', lambda portal, _url: portal.assets.download("A1")),
    Case(BynderError, 400, b"{}", lambda portal, _url: portal.options.create("M1", name="a")),
]
# Raised for what a person, a source or an earlier answer says, or made from one of the others by `about`.
OF_THE_CONSOLE = ("damlink._console.", "damlink._http.id_token")
NOT_FROM_AN_ANSWER = {
    ConnectorError,
    ArgumentError,
    PluginBugError,
    UploadError,
    UnprovenOffsetError,
    WrongKindError,
    ChangedContentError,
    LostUploadError,
}


def classes(kind: type[ConnectorError] = ConnectorError) -> Iterator[type[ConnectorError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from classes(each)


def of_the_client() -> set[type[ConnectorError]]:
    """The errors of requests to portals and partners; a sign-in to the console has others."""
    known = {each for each in classes() if each.__module__.startswith("damlink.")}
    return {each for each in known if not each.__module__.startswith(OF_THE_CONSOLE)}


def test_errors_of_the_client_when_counted_are_all_tried() -> None:
    assert of_the_client() == {case.kind for case in CASES} | NOT_FROM_AN_ANSWER


@pytest.fixture
def portal(server: Any, hurried: None) -> Iterator[Portal]:
    token = Secret(TOKEN)
    token.reveal()  # as every signed request does
    with Portal(server.url, token, pace=None) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind.__name__}-{case.status}")
def test_error_when_an_answer_causes_it_shows_the_answer(portal: Portal, server: Any, case: Case) -> None:
    server.always(case.status, case.body, headers=HEADERS)
    with pytest.raises(case.kind) as caught:
        case.call(portal, server.url)
    error = caught.value
    assert (type(error), error.status, error.request_id) == (case.kind, case.status, "r-17")
    assert error.body == case.body.decode()
    shown = {name: error.headers[name] for name in ("content-length", "set-cookie", "x-echo")}
    expected = {"set-cookie": REDACTED, "x-echo": f"Bearer {REDACTED}"}
    assert shown == {"content-length": str(len(case.body)), **expected}


@pytest.mark.parametrize("kind", sorted(of_the_client(), key=lambda kind: kind.__name__))
def test_error_when_it_is_made_from_another_shows_the_same_answer(
    portal: Portal, server: Any, kind: type[ConnectorError]
) -> None:
    server.always(404, SAID, headers=HEADERS)
    with pytest.raises(BynderError) as caught:
        portal.assets.get("A1")
    made = kind("it failed").about(caught.value)
    assert (made.status, made.request_id, made.body) == (404, "r-17", SAID.decode())
    assert (made.headers, made.request) == (caught.value.headers, caught.value.request)


@pytest.mark.parametrize("kind", sorted(of_the_client(), key=lambda kind: kind.__name__))
def test_error_when_no_answer_causes_it_has_the_same_attributes(kind: type[ConnectorError]) -> None:
    error = kind("it failed")
    assert (error.status, error.request_id, error.body, dict(error.headers)) == (None, None, "", {})


def test_error_when_the_body_is_long_shows_its_beginning(portal: Portal, server: Any) -> None:
    server.always(404, b"a" * 10_000)
    with pytest.raises(BynderError) as caught:
        portal.assets.get("A1")
    assert (len(caught.value.body), caught.value.body[-2:]) == (MOST_BODY, "a…")


def test_error_when_a_body_has_the_token_and_the_address_of_a_file_shows_neither(
    portal: Portal, server: Any
) -> None:
    server.serve(lambda asked: server.reply(410, f"{asked.path} {TOKEN}".encode(), headers=HEADERS))
    with pytest.raises(UnavailableError) as caught:
        elsewhere(portal, server.url)
    assert caught.value.body == f"{REDACTED} {REDACTED}"


def test_error_when_an_answer_names_another_address_hides_it(portal: Portal, server: Any) -> None:
    server.always(404, SAID, headers={"Location": "https://files.invalid/secret"})
    with pytest.raises(BynderError) as caught:
        portal.assets.get("A1")
    assert caught.value.headers["location"] == REDACTED
