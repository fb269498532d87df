"""All rules of the kit, in the order in which they are tried."""

from __future__ import annotations

from damlink.testing import asset_rules as asset_rules
from damlink.testing import event_rules as event_rules
from damlink.testing import kill_rules as kill_rules
from damlink.testing import listing_rules as listing_rules
from damlink.testing import memory_rules as memory_rules
from damlink.testing import misbehaviour as misbehaviour
from damlink.testing import parallel_rules as parallel_rules
from damlink.testing import partner_rules as partner_rules
from damlink.testing import plugin_rules as plugin_rules
from damlink.testing import schedule_rules as schedule_rules
from damlink.testing import secret_rules as secret_rules
from damlink.testing import state_rules as state_rules
from damlink.testing.rule import RULES, Rule

__all__ = ["ORDER", "all_rules"]

ORDER = (
    "plugin",
    "settings",
    "listing",
    "event",
    "transform",
    "content",
    "push",
    "run",
    "state",
    "partner",
    "log",
)


def all_rules() -> list[Rule]:
    """Return every rule, by its subject."""
    return sorted(RULES.values(), key=lambda rule: ORDER.index(rule.id.partition(".")[0]))
