from __future__ import annotations

from typing import Any

import pytest

from damlink.errors import ConfigError
from damlink.testing import make_context

SFTP = {"address": "sftp://ada@host/out", "known_hosts": "known_hosts"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"address": ""}, "address: is empty", id="nowhere"),
        pytest.param({"address": "ftp://host/out"}, "address: is neither a path", id="ftp"),
        pytest.param({"fields": {"title": "a"}}, "title.*no field of an asset", id="field"),
        pytest.param({"several": ["region"]}, "several.*not in `metaproperties`", id="several"),
        pytest.param({"separator": ""}, "separator.*empty", id="separator"),
        pytest.param({"move": True, "failed": "done"}, "failed.*same folder", id="same-folder"),
        pytest.param({"done": "../out"}, "done", id="outside"),
        pytest.param({"done": "a/b"}, "done", id="two-levels"),
        pytest.param({"settle": "1h"}, "settle", id="settle"),
        pytest.param({"report": "xml"}, "report", id="report"),
    ],
)
def test_settings_when_they_do_not_fit_name_the_place(hot: Any, changes: dict[str, Any], said: str) -> None:
    given = {"address": str(hot.path), **changes}
    with pytest.raises(ConfigError, match=said), make_context("folder", hot.sandbox, hot.folder, **given):
        pass


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({}, "key_file.*needed for SFTP", id="no-credentials"),
        pytest.param({"known_hosts": ""}, "known_hosts.*needed", id="no-known-hosts"),
        pytest.param({"address": "sftp://host/out"}, "names no user", id="no-user"),
        pytest.param({"address": "sftp://ada:pw@host/out"}, "contains a password", id="password-in-address"),
        pytest.param({"report": "csv", "password": "pw"}, "report", id="csv"),
    ],
)
def test_settings_of_sftp_when_they_do_not_fit_name_the_place(
    hot: Any, changes: dict[str, Any], said: str
) -> None:
    given = SFTP | changes
    with pytest.raises(ConfigError, match=said), make_context("folder", hot.sandbox, hot.folder, **given):
        pass


@pytest.mark.parametrize(("name", "problem"), [("photographer", False), ("nothing", True)])
def test_check_finds_the_folder_and_each_metaproperty(hot: Any, name: str, problem: bool) -> None:
    portal = hot.sandbox.part("bynder")
    portal.control("metaproperty", {"name": "photographer", "type": "text"})
    trial = hot.open(metaproperties={name: "artist"})
    found = list(trial.connector.check(trial.context))
    assert [each.ok for each in found] == [True, not problem]


def test_check_when_the_folder_is_missing_names_it(hot: Any) -> None:
    hot.path.rmdir()
    trial = hot.open()
    [found] = trial.connector.check(trial.context)
    assert str(hot.path) in found.detail
