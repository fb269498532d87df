"""The files for operators: they name what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from damlink._cli import COMMANDS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
METRICS = (ROOT / "core/src/damlink/_serve/metrics.py").read_text(encoding="utf-8")
# Prometheus names a counter with this at its end.
COUNTED = "_total"


def named_metrics(path: Path) -> set[str]:
    return set(re.findall(r"\bdamlink_[a-z_]+", path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["grafana/damlink.json", "prometheus/damlink.rules.yaml"])
def test_metrics_when_named_by_a_dashboard_or_a_rule_exist(name: str) -> None:
    known = set(re.findall(r'"(damlink_[a-z_]+)"', METRICS))
    named = {metric.removesuffix(COUNTED) for metric in named_metrics(DEPLOY / name)}
    assert named
    assert named <= known


def test_dashboard_when_read_has_a_query_in_each_panel() -> None:
    panels = json.loads((DEPLOY / "grafana/damlink.json").read_text(encoding="utf-8"))["panels"]
    assert all(panel["targets"][0]["expr"] for panel in panels)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_rules_when_read_each_say_what_to_do() -> None:
    (group,) = yaml.safe_load((DEPLOY / "prometheus/damlink.rules.yaml").read_text(encoding="utf-8"))[
        "groups"
    ]
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in group["rules"])


def test_compose_file_when_read_starts_commands_that_exist() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = {name: each for name, each in services.items() if each.get("image") == "damlink"}
    assert {each["command"][0] for each in ours.values()} <= set(COMMANDS)
    assert all(each["read_only"] for each in ours.values())


@pytest.mark.parametrize("path", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.name)
def test_unit_when_read_starts_a_command_that_exists(path: Path) -> None:
    (command,) = re.findall(r"^ExecStart=\S+/damlink (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert command in COMMANDS
