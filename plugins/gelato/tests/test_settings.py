from __future__ import annotations

from typing import Any

import attrs
import pytest
from canaries import CANARY

from damlink import Secret
from damlink.errors import ConfigError
from damlink.testing import make_context
from damlink_gelato.settings import GelatoSettings

REQUIRED: dict[str, Any] = {"tag": "Print", "api_key": Secret(CANARY)}
IMPORT = "https://partner.example/dam/v1/accounts/{account_id}/files:import"
STATUS = "https://partner.example/dam/v1/accounts/{account_id}/files/{file_id}"


def test_settings_need_no_more_than_a_tag_and_a_key() -> None:
    settings = GelatoSettings(**REQUIRED)
    assert (settings.mode, settings.folder, settings.backlink) == ("pull", "DAM import", False)
    assert (settings.backlink_metaproperty, settings.import_url) == ("Gelato URL", "")


def test_settings_when_printed_show_no_secret() -> None:
    assert CANARY not in repr(GelatoSettings(**REQUIRED))


def test_addresses_are_filled_in_and_safe() -> None:
    settings = GelatoSettings(**REQUIRED, account_id="a/1", import_url=IMPORT, status_url=STATUS)
    assert settings.import_address() == "https://partner.example/dam/v1/accounts/a%2F1/files:import"
    assert settings.status_address("f?1") == "https://partner.example/dam/v1/accounts/a%2F1/files/f%3F1"


def test_key_is_for_the_host_of_the_import_alone() -> None:
    assert GelatoSettings(**REQUIRED).api_url == "https://product.gelatoapis.com"
    assert GelatoSettings(**REQUIRED, account_id="a", import_url=IMPORT).api_url == "https://partner.example"


def test_settings_are_those_of_the_sandboxes_connector(sandbox: Any) -> None:
    table = dict(sandbox.part("gelato").connector())
    assert table.keys() - {"plugin"} <= {field.name for field in attrs.fields(GelatoSettings)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"tag": None}, "tag: missing", id="no tag"),
        pytest.param({"tag": ""}, "tag is empty", id="empty tag"),
        pytest.param({"api_key": None}, "api_key: missing", id="no key"),
        pytest.param({"mode": "send"}, "mode: expected pull or push", id="mode"),
        pytest.param({"backlink": "yes"}, "backlink: expected true or false", id="text for a bool"),
        pytest.param({"import_url": "http://partner.example/in"}, "begin with https", id="no TLS"),
        pytest.param({"import_url": "http://127.0.0.1.evil.example/"}, "begin with https", id="look-alike"),
        pytest.param({"status_url": STATUS}, "on the host of import_url", id="another host"),
        pytest.param({"account_id": None}, "needs account_id", id="no account"),
        pytest.param({"import_url": IMPORT.replace("account_id", "accountId")}, "accountId", id="place"),
        pytest.param({"checkout_hosts": "gelato.com"}, "checkout_hosts: expected a list", id="no list"),
        pytest.param({"requests_per_second": 0}, "requests_per_second must be above 0", id="no pace"),
        pytest.param({"backlink_property": "x"}, "did you mean 'backlink_metaproperty'", id="misspelt"),
    ],
)
def test_settings_when_wrong_are_refused_by_name(
    sandbox: Any, tmp_path: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said), make_context("gelato", sandbox, tmp_path, **changes):
        pass
