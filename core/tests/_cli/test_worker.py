"""`damlink worker` where it cannot work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from damlink._cli import main
from damlink._config.edit import document


def test_worker_when_the_engine_is_not_installed_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    portals = {"brand": {"url": "http://127.0.0.1:9", "token": {"env": "DAMLINK_KEY"}}}
    tables = {"state": {"url": "postgresql://nobody@127.0.0.1:9/none"}, "portals": portals}
    (tmp_path / "damlink.toml").write_text(document(tables))
    monkeypatch.delitem(sys.modules, "damlink._serve.engine", raising=False)
    monkeypatch.setitem(sys.modules, "procrastinate", None)
    with pytest.raises(SystemExit) as ended:
        main(["worker", "--config", str(tmp_path / "damlink.toml")])
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert said == "damlink: worker needs procrastinate; pip install 'damlink[cluster]'\n"
