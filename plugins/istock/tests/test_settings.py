from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import pytest
from canaries import CANARY

from damlink import Secret
from damlink.errors import ConfigError
from damlink.testing import make_context
from damlink_istock.sandbox import IStockSandbox
from damlink_istock.settings import IStockSettings
from damlink_sandbox import Sandbox
from damlink_sandbox.mark import SECRET_MARK

REQUIRED: dict[str, Any] = {"api_key": Secret("key"), "api_secret": Secret(CANARY)}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox([IStockSandbox], folder=tmp_path_factory.mktemp("world"), media=[]) as running:
        yield running


def test_settings_need_no_more_than_a_key_and_its_secret() -> None:
    settings = IStockSettings(**REQUIRED)
    assert (settings.product_type, settings.include_videos) == ("royaltyfreesubscription", False)


def test_licence_model_chooses_what_pays() -> None:
    assert IStockSettings(**REQUIRED, license_model="credits").product_type == "creditpack"


def test_every_address_of_istocks_is_a_setting_with_a_public_https_default() -> None:
    addresses = [field.default for field in attrs.fields(IStockSettings) if field.name.endswith("_url")]
    assert len(addresses) == 3
    assert all(str(address).startswith("https://") for address in addresses)


def test_settings_when_printed_show_no_secret() -> None:
    shown = repr(IStockSettings(**REQUIRED, username="sam", password=Secret(CANARY)))
    assert CANARY not in shown
    assert "sam" in shown


def test_settings_when_read_from_a_config_have_their_types(sandbox: Sandbox, tmp_path: Path) -> None:
    with make_context("istock", sandbox, tmp_path, sync_after=date(2024, 1, 1), product_id=4711) as ctx:
        assert (ctx.settings.sync_after, ctx.settings.product_id) == (date(2024, 1, 1), 4711)
        assert ctx.settings.password.reveal() == f"sandbox-password-{SECRET_MARK}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"license_model": "sub"}, "license_model: expected subscription or credits", id="choice"
        ),
        pytest.param({"username": None}, "password is set without username", id="password alone"),
        pytest.param({"requests_per_second": 0}, "requests_per_second must be above 0", id="no pace"),
        pytest.param({"api_key": None}, "api_key: missing", id="no key"),
        pytest.param(
            {"include_videos": "yes"}, "include_videos: expected true or false", id="text for a bool"
        ),
        pytest.param({"sync_after": "2024-13-01"}, "sync_after: expected a date", id="no such day"),
        pytest.param({"licence_model": "credits"}, "did you mean 'license_model'", id="misspelt"),
        pytest.param({"max_downloads_per_run": "ten"}, "expected a whole number", id="text for a number"),
    ],
)
def test_settings_when_wrong_are_refused_by_name(
    sandbox: Sandbox, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said), make_context("istock", sandbox, tmp_path, **changes):
        pass


def test_settings_are_the_rows_of_the_sandboxes_connector(sandbox: Sandbox) -> None:
    table = dict(sandbox.part("istock").connector())
    names = {field.name for field in attrs.fields(IStockSettings)}
    assert json.loads(json.dumps(table)).keys() - {"plugin"} <= names
