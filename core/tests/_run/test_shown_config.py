from __future__ import annotations

from typing import Any

import pytest

from damlink._run.shown_config import NOT_SHOWN, show_config


def shown(tables: dict[str, Any]) -> Any:
    return show_config(tables, lambda _name: ())


@pytest.mark.parametrize(
    ("given", "safe", "hidden"),
    [
        (
            "postgresql://damlink:pa/ss@db.example/damlink?sslpassword=abc",
            "postgresql://db.example/damlink",
            ["damlink:pa/ss@", "?sslpassword=abc"],
        ),
        ("postgresql://db.example/damlink", "postgresql://db.example/damlink", []),
        ("sqlite:///damlink.db", "sqlite:///damlink.db", []),
    ],
    ids=["password", "none", "file"],
)
def test_address_of_the_database_is_shown_without_user_password_and_query(
    given: str, safe: str, hidden: list[str]
) -> None:
    found = shown({"state": {"url": given}})
    assert found.tables == {"state": {"url": safe}}
    assert list(found.hidden) == hidden


@pytest.mark.parametrize(
    "value",
    ["a text", 12345, 1.5, ["a", "b"], {"inner": "a text"}],
    ids=["text", "int", "float", "list", "table"],
)
def test_value_of_a_setting_that_is_not_declared_is_not_shown(value: Any) -> None:
    found = shown({"connectors": {"stock": {"plugin": "missing", "unknown": value}}})
    assert found.tables["connectors"]["stock"]["plugin"] == "missing"
    assert str(found.tables).count(NOT_SHOWN) == (2 if isinstance(value, list) else 1)


def test_secret_of_a_list_is_shown_as_a_reference_and_else_not() -> None:
    found = shown({"notify": {"urls": [{"env": "SLACK"}, "slack://token"]}})
    assert found.tables["notify"]["urls"] == [{"env": "SLACK"}, NOT_SHOWN]
    assert (found.references, found.hidden) == ([{"env": "SLACK"}], ["slack://token"])


def test_secret_of_an_issuer_is_not_shown_and_its_address_is() -> None:
    oidc = {"issuer": "https://login.example", "client_secret": "a secret"}
    found = shown({"console": {"enabled": True, "oidc": oidc}})
    assert found.tables["console"] == {
        "enabled": True,
        "oidc": {"issuer": "https://login.example", "client_secret": NOT_SHOWN},
    }
