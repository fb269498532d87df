from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from damlink import _cli
from damlink._config.load import load
from damlink._run.session import Session
from damlink._state.refusals import Refusals

CONFIG = '[portals.brand]\nurl = "https://brand.example"\ntoken = { env = "TOKEN" }\n'


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "damlink.toml"
    path.write_text(CONFIG)
    with Session(load(path)) as session:
        Refusals(session.database).add("brand", "forged", "arn:a", "no\nsignature", "Notification 1", 3)
    return str(path)


def refused(config: str, *options: str) -> str:
    result = CliRunner().invoke(_cli.root, ["events", "refused", "brand", "--config", config, *options])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_refused_at_the_address_is_a_line_for_each_kind(config: str) -> None:
    head, line = refused(config, "--at-address").splitlines()
    assert head.split("  ")[0] == "first received"
    assert line.endswith("  3         arn:a  Notification 1  no signature")


def test_refused_at_the_address_as_json_has_the_day(config: str) -> None:
    found = json.loads(refused(config, "--at-address", "--json"))
    assert (found["outcome"], found["times"]) == ("forged", 3)
    assert found["first_at"].startswith(found["day"])


def test_refused_in_the_queue_has_none_of_the_address(config: str) -> None:
    assert refused(config, "--json") == ""
