"""`damlink console` refuses what it cannot do safely."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from damlink._cli import main


@pytest.fixture
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "damlink.toml").write_text("")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_config")
@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", ":0"])
def test_console_when_not_on_loopback_does_not_start(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["console", "--no-browser", "--listen", address])
    assert ended.value.code == 3
    assert "give 127.0.0.1:PORT" in capsys.readouterr().err


@pytest.mark.usefixtures("_config")
def test_console_when_its_extra_is_missing_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "damlink._console.server", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit) as ended:
        main(["console", "--no-browser"])
    assert ended.value.code == 3
    assert "pip install 'damlink[console]'" in capsys.readouterr().err


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound.getsockname()[1]


def test_console_when_there_is_no_config_makes_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken_port: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAMLINK_CONFIG", raising=False)
    monkeypatch.setenv("DAMLINK_STATE_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["console", "--no-browser", "--listen", f"127.0.0.1:{taken_port}"])
    assert "damlink.toml is made, and empty" in capsys.readouterr().err
    assert (tmp_path / "damlink.toml").read_bytes() == b""


def test_console_when_the_config_that_is_named_is_missing_makes_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "damlink.tml"
    with pytest.raises(SystemExit) as ended:
        main(["console", "--no-browser", "--config", str(path)])
    assert ended.value.code == 3
    assert "there is no such file" in capsys.readouterr().err
    assert not path.exists()
