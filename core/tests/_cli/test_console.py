"""`damlink console` refuses what it cannot do safely."""

from __future__ import annotations

import sys
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
