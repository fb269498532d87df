"""Whether a connector is disabled by now: the file decides, whatever else is in it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from damlink._config.load import loads
from damlink._config.watch import ConnectorSwitch, signature_of
from damlink.errors import NotYet

parse = tomllib.loads
PORTAL = '[portals.brand]\nurl = "http://127.0.0.1:9"\ntoken = { env = "T" }\n'
STOCK = '[connectors.stock]\nplugin = "acme"\n'
OFF = f"{STOCK}enabled = false\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "damlink.toml"
    file.write_text(PORTAL + STOCK)
    return file


def switch_of(path: Path) -> ConnectorSwitch:
    return ConnectorSwitch(loads(path.read_text(), path), "stock")


@pytest.mark.parametrize(
    ("text", "is_off"),
    [
        (PORTAL + STOCK, False),
        (PORTAL + OFF, True),
        (PORTAL + "[connectors.other]\nplugin = 'acme'\n", True),
        (OFF, True),
        (f"{PORTAL}{OFF}[serve]\nport = 'x'\n", True),
        (PORTAL + OFF + "[connectors.stock", False),
        (PORTAL, False),
        ("", False),
        (PORTAL + "connectors = 1\n", False),
    ],
    ids=[
        "as before",
        "disabled",
        "taken out",
        "no portal",
        "faulty elsewhere",
        "half",
        "cut",
        "empty",
        "no table",
    ],
)
def test_switch_when_the_file_has_changed_says_what_it_says(path: Path, text: str, is_off: bool) -> None:
    switch = switch_of(path)
    path.write_text(text)
    assert switch.is_off() == is_off


def test_switch_when_the_file_is_gone_changes_nothing(path: Path) -> None:
    switch = switch_of(path)
    path.unlink()
    assert not switch.is_off()


def test_switch_when_disabled_keeps_a_request_back_and_lets_it_go_once_enabled(path: Path) -> None:
    switch = switch_of(path)
    path.write_text(PORTAL + OFF)
    with pytest.raises(NotYet, match="stock is disabled"):
        switch.verify()
    path.write_text(PORTAL + STOCK)
    switch.verify()


def test_switch_when_disabled_from_the_start_is_left_to_whoever_named_it(path: Path) -> None:
    path.write_text(PORTAL + OFF)
    assert not switch_of(path).is_off()


@pytest.mark.parametrize("same", [False, True], ids=["another time", "the same time"])
def test_signature_when_a_file_is_replaced_by_one_as_large_differs(path: Path, same: bool) -> None:
    before, times = signature_of(path), path.stat()
    other = path.with_name("other")
    other.write_text(path.read_text())
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns + (not same)))
    other.replace(path)
    assert signature_of(path) != before


def test_switches_of_very_many_connectors_parse_one_version_of_the_file_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    switches = [switch_of(path) for _ in range(5)]
    path.write_text(PORTAL + OFF)
    monkeypatch.setattr(tomllib, "loads", lambda text: parsed.append(text) or parse(text))
    assert [each.is_off() for each in switches] == [True] * 5
    assert len(parsed) == 1
