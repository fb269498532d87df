"""`damlink bynder RESOURCE --help` says what its commands need."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from damlink._cli.bynder import command, resources
from damlink.bynder._calls import calls_of, rights_of_resource


@pytest.mark.parametrize("resource", sorted(resources()))
def test_help_of_a_resource_when_there_is_no_config_shows_its_scopes_and_roles(
    resource: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Of `raw` the help is that of its one command.
    shown = CliRunner().invoke(command, [resource, "--help"], terminal_width=1000)
    rights = [each for _, each in rights_of_resource(resource)]
    wanted = {each.scope for each in rights} | {role for each in rights for role in each.roles}
    assert (shown.exit_code, [name for name in wanted if name not in shown.output]) == (0, [])


def test_calls_when_a_method_makes_several_are_all_known() -> None:
    calls = calls_of("assets.download")
    assert [each.rpartition("/media/")[2] for each in calls] == [
        "{id}/download/{item_id}/",
        "{id}/download/",
        "{id}/1/download/",
    ]
    assert calls_of("assets.nothing") == ()
