"""Records of automation rules.

Source: Bynder's published definition of automation workflows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from damlink.bynder.records.convert import records, text
from damlink.bynder.records.record import Key, Record

__all__ = ["AutomationActions", "AutomationCondition", "AutomationConditions", "AutomationRule"]


@attrs.frozen(kw_only=True, slots=False)
class AutomationRule(Record):
    """A rule: what happens to assets, and when.

    Attributes:
        status: such as `PUBLISHED` or `PAUSED`.
        triggers: names of the events that start the rule.
        steps: conditions and actions, in the portal's JSON.
    """

    id: str
    name: str
    status: str
    created_by_id: Annotated[str, Key("created_by_id")]
    edited_by_id: Annotated[str, Key("edited_by_id")]
    created: Annotated[datetime | None, Key("date_created")]
    modified: Annotated[datetime | None, Key("date_modified")]
    removed: Annotated[datetime | None, Key("date_removed")]
    triggers: tuple[str, ...]
    steps: tuple[Mapping[str, Any], ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class AutomationCondition(Record):
    """A condition that a rule may have, with the operators and terms that it accepts."""

    name: str
    operators: tuple[str, ...]
    terms: tuple[Mapping[str, Any], ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class AutomationConditions(Record):
    """The conditions that rules may have.

    Attributes:
        most: maximum number in a rule.
    """

    conditions: tuple[AutomationCondition, ...]
    most: Annotated[int, Key("max_conditions_count")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


def _types(value: Any) -> tuple[str, ...]:
    return tuple(text(each.get("action_type")) for each in records(value))


@attrs.frozen(kw_only=True, slots=False)
class AutomationActions(Record):
    """The actions that the current user may put into a rule.

    Attributes:
        actions: types of actions.
        most: maximum number in a rule.
    """

    actions: Annotated[tuple[str, ...], _types]
    most: Annotated[int, Key("max_actions_limit")]
    raw: Mapping[str, Any] = attrs.field(repr=False)
