from __future__ import annotations

from typing import Any

import pytest

from damlink import AuthError, TransientError

ROLES = ["MEDIAUPLOAD", "METAPROPERTYMANAGEMENT", "PERMISSIONMANAGEMENT", "MEDIAEDIT", "MEDIAHIGHRES"]


@pytest.fixture
def roles(bench: Any) -> Any:
    yield lambda *given: bench.portal("roles", roles=list(given))
    bench.portal("roles", roles=ROLES)


def wrong(bench: Any, **settings: Any) -> dict[str, Any]:
    trial = bench.trial(**settings)
    return {each.what: each.error for each in trial.connector.check(trial.context) if not each.ok}


def test_check_when_all_is_well_finds_nothing_wrong(bench: Any, roles: Any) -> None:
    roles(*ROLES)
    assert wrong(bench) == {}


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("METAPROPERTYMANAGEMENT", "Metaproperty management"),
        ("PERMISSIONMANAGEMENT", "Permissions management"),
        ("MEDIAEDIT", "Edit media"),
        ("MEDIAHIGHRES", "Download original"),
    ],
)
def test_right_when_missing_is_named_alone_with_its_role(
    bench: Any, roles: Any, role: str, name: str
) -> None:
    roles(*(each for each in ROLES if each != role))
    found = wrong(bench)
    assert list(found) == [name]
    assert role in str(found[name])
    assert found[name].exit_code == 4


def test_rights_without_backlink_are_only_to_download(bench: Any, roles: Any) -> None:
    roles("MEDIAOVERVIEW")
    assert list(wrong(bench, backlink=False)) == ["Download original"]
    trial = bench.trial(backlink=False)
    told = [each.detail for each in trial.connector.check(trial.context) if "only needed with" in each.detail]
    assert len(told) == 3


def test_profile_when_it_may_not_be_read_says_which_scopes(bench: Any) -> None:
    bench.fault("portal", "currentUser", status=403, times=0)
    assert "current.profile:read" in str(wrong(bench)["rights"])


@pytest.mark.parametrize("settings", [{}, {"import_url": "", "status_url": ""}], ids=["import", "dry"])
def test_key_when_refused_is_an_error_of_the_credentials(bench: Any, settings: dict[str, str]) -> None:
    bench.gelato("revoke_key")
    found = wrong(bench, **settings)
    assert isinstance(found["API key"], AuthError)
    assert "refuses the API key (401)" in str(found["API key"])


@pytest.mark.parametrize(("status", "body"), [(500, ""), (200, "<html>")])
def test_catalog_when_it_is_broken_is_no_verdict_on_the_key(bench: Any, status: int, body: str) -> None:
    bench.fault("gelato-products", "catalogs", status=status, body=body, times=0)
    assert isinstance(wrong(bench)["API key"], TransientError)


def test_metaproperty_that_takes_no_text_is_named_with_its_place(bench: Any) -> None:
    name = f"Pick_{bench.tag[6:]}"
    bench.portal("metaproperty", name=name, type="select", options=["Here"])
    found = wrong(bench, backlink_metaproperty=name)
    assert "connectors.gelato.backlink_metaproperty" in str(found["backlink"])
    assert wrong(bench, backlink_metaproperty=name, backlink=False) == {}


def test_key_without_a_catalog_is_not_tried(bench: Any) -> None:
    before = bench.sandbox.world.counts["requests:gelato-products"]
    assert wrong(bench, catalog_url="") == {}
    assert bench.sandbox.world.counts["requests:gelato-products"] == before


def test_check_sends_nothing_and_makes_nothing(bench: Any) -> None:
    bench.add()
    before = bench.sandbox.world.counts["requests:gelato"]
    wrong(bench, backlink_metaproperty="Never made")
    assert bench.sandbox.world.counts["requests:gelato"] == before
    assert "Never_made" not in bench.sandbox.part("bynder").state()["metaproperties"]
