from __future__ import annotations

import contextlib
import inspect
from pathlib import Path
from typing import Any

import httpx
import pytest

import damlink
import damlink.bynder
from damlink._upload.portal import Portal
from damlink.bynder import Pace
from damlink.bynder._portal import PortalClient


def test_portal_when_imported_by_either_public_name_is_one_class() -> None:
    assert damlink.Portal is damlink.bynder.Portal is Portal


def test_portal_when_opened_takes_every_option_of_the_client() -> None:
    whole, client = (inspect.signature(kind).parameters for kind in (Portal, PortalClient))
    assert client.keys() <= whole.keys()


def test_client_when_opened_without_the_upload_has_the_same_resources() -> None:
    with Portal("http://localhost", damlink.Secret("t")) as whole:
        resources = {name for name in vars(whole) if not name.startswith("_")}
    with PortalClient("http://localhost", damlink.Secret("t")) as client:
        own = {name for name in vars(client) if not name.startswith("_")}
    assert resources - own == {"index_lag"}


def used(path: Path | None = None) -> int:
    with contextlib.closing(Pace(path)) as pace:
        return pace.budget().used


def own_pace(folder: Path) -> Pace:
    return Pace(folder / "own.db", requests=10)


@pytest.mark.parametrize(
    ("pace", "counted"),
    [(lambda _: {}, (1, 0)), (lambda _: {"pace": None}, (0, 0)), (lambda it: {"pace": own_pace(it)}, (0, 1))],
    ids=["of the machine", "none", "another"],
)
def test_portal_when_used_by_itself_counts_in_the_pace_that_it_is_given(
    server: Any, tmp_path: Path, pace: Any, counted: tuple[int, int]
) -> None:
    server.always(200, b"[]")
    given = pace(tmp_path)
    with Portal.with_token(server.url, "t", **given) as portal:
        portal.brands.list()
    assert (used(), used(tmp_path / "own.db")) == counted
    [each.close() for each in given.values() if each]


def test_portal_when_two_programs_use_it_counts_both(server: Any, tmp_path: Path) -> None:
    server.always(200, b"[]")
    with Portal.with_token(server.url, "t") as one, Portal.with_token(server.url, "t") as other:
        one.brands.list()
        other.brands.list()
        assert used() == 2


def by_token(url: str, **options: Any) -> Portal:
    return Portal.with_token(url, "t", **options)


def by_oauth1(url: str, **options: Any) -> Portal:
    return Portal.with_oauth1(url, "a", "b", "c", "d", **options)


@pytest.mark.parametrize("open_portal", [by_token, by_oauth1])
def test_portal_when_it_has_a_transport_sends_by_it(open_portal: Any, tmp_path: Path) -> None:
    seen: list[str] = []
    transport = httpx.MockTransport(
        lambda request: seen.append(request.url.path) or httpx.Response(200, json=[])
    )
    with open_portal("https://brand.invalid", transport=transport, timeout=3.0) as portal:
        portal.brands.list()
    assert seen == ["/api/v4/brands/"]


def test_portal_when_it_has_time_outs_uses_them_for_files_too(server: Any) -> None:
    with Portal.with_token(server.url, "t", timeout=httpx.Timeout(30.0, read=0.001)) as portal:
        assert portal._client.timeout.read == portal._s3.timeout.read == 0.001
