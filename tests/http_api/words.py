"""Words of the reference of the HTTP API: each parameter of a page, and each field of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["FIELDS", "PARAMETERS"]

CONNECTOR: Final = "the name of a connector"
PORTAL: Final = "the name of a portal"
USER: Final = "the name of the user"
PAGE: Final = "which page of the list, from 1; left out: 1"
DRAFT: Final = "the id of the change, from the address that began it"
SETTING: Final = (
    "the value of a setting as the form shows it; `inputs[].name` has the names; left out: unchanged"
)
NEW_SECRET: Final = "a new secret, in place of a reference; it is stored encrypted"
ROLE: Final = "`viewer`, `operator` or `administrator`"
FILTER: Final = {
    "state": "only assets in this state, such as `due` or `uncertain`",
    "cause": "only assets that were not carried for this cause, from the overview",
    "search": "only assets with this in their id or title",
    "since": "only assets that have changed on this day or later",
    "until": "only assets that have changed on this day or before",
}

PARAMETERS: Final[Mapping[str, Mapping[str, str]]] = {
    "/activity": {"before": "only entries with a smaller number"},
    "/add": {"plugin": "the name of an installed plugin"},
    "/asset": {
        "connector": CONNECTOR,
        "id": "the id of the asset at its source",
        "preview": "`yes`: `preview` has the address of a picture",
    },
    "/assets": {
        "connector": CONNECTOR,
        **FILTER,
        "page": PAGE,
        "after": "of a search that has not ended: go on behind this, the last answer's `after`",
    },
    "/connector": {"connector": CONNECTOR},
    "/draft": {"id": DRAFT},
    "/edit": {"connector": CONNECTOR, "set.NAME": "what a field shows in place of its present value"},
    "/event": {"portal": PORTAL, "number": "the number of the event"},
    "/events": {"portal": PORTAL, "page": PAGE},
    "/plan": {
        "id": "the id of the plan",
        "action": "only assets with this action: `new`, `version`, `remove` or `skip`",
        "page": PAGE,
    },
    "/plans": {"connector": CONNECTOR},
    "/runs": {"connector": CONNECTOR},
    "/setup": {"id": DRAFT, "step": "the number of the step, from 0; left out: the next one"},
    "/user": {"name": USER},
}

FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "/approve": {"id": "the id of the plan"},
    "/begin": {
        "plugin": "the name of an installed plugin",
        "title": "the name of the new connector",
        "portal": "a portal that is there",
        "new_portal": "the name of a new portal, in place of `portal`",
    },
    "/bulk": {
        "connector": CONNECTOR,
        "act": "`retry`, `skip`, `arrived` (uncertain ones have), or `again` (they have not)",
        **FILTER,
    },
    "/change": {
        "connector": CONNECTOR,
        "base": "`base` of `/edit`: the file that the form was made of",
        "set.NAME": SETTING,
        "set.NAME.new": NEW_SECRET,
    },
    "/drop-draft": {"id": DRAFT},
    "/events/approve": {"portal": PORTAL, "topic": "the ARN of the topic"},
    "/events/send": {
        "portal": PORTAL,
        "asset": "the id of the asset in the portal",
        "event": "the name of the event, one of `kinds` of `/events`",
    },
    "/events/subscribe": {"portal": PORTAL},
    "/make-plan": {"connector": CONNECTOR},
    "/password": {
        "current": "the present password, if there is one",
        "new": "the new password",
        "again": "the new password once more",
    },
    "/rebase-draft": {"id": DRAFT},
    "/replay": {
        "portal": PORTAL,
        "first": "the number of the event, or of the first one",
        "last": "the number of the last one; left out: `first`",
    },
    "/retry": {"connector": CONNECTOR, "id": "the id of the asset at its source"},
    "/run": {"connector": CONNECTOR, "full": "`yes`: list the source from its beginning; or left out"},
    "/settle": {
        "connector": CONNECTOR,
        "id": "the id of the asset at its source",
        "arrived": "`yes` or `no`",
        "target_id": "its id in the portal, if known",
    },
    "/step": {
        "id": DRAFT,
        "step": "the number of the step; left out: the next one",
        "set.NAME": SETTING,
        "set.NAME.new": NEW_SECRET,
    },
    "/stop": {"connector": CONNECTOR},
    "/switch": {"connector": CONNECTOR, "enabled": "`yes` or `no`"},
    "/try-draft": {"id": DRAFT},
    "/users/add": {"name": USER, "role": ROLE, "password": "a password; left out: none yet"},
    "/users/end": {"name": USER, "id": "`access[].id` of `/user`"},
    "/users/link": {"name": USER},
    "/users/remove": {"name": USER},
    "/users/revoke": {"name": USER},
    "/users/role": {"name": USER, "role": ROLE},
    "/users/token": {
        "name": USER,
        "label": "what the token is for",
        "days": "for how many days it is good, up to 3650",
    },
    "/write-draft": {
        "id": DRAFT,
        "enabled": "of a new connector: `no` writes it disabled",
        "then": "`plan`: make a plan at once; or left out",
    },
}
