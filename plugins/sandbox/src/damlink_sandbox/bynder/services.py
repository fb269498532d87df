"""State of the services beside the asset bank: quarantine, products, access, documents, rules, events."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.define
class Services:
    """What they hold, mostly as it is shown.

    Attributes:
        quarantine: entries by id.
        children: ids of the options that belong to an option of the product layer, by its id.
        access: rules about metaproperties and options, by their id.
        visibility: of options by their id, where it was changed.
        documents: the attributes of each by id.
        rules: of automation by id.
        events: of analytics, oldest first, with every field that any call shows.
    """

    quarantine: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    children: dict[str, list[str]] = attrs.field(factory=dict)
    access: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    visibility: dict[str, str] = attrs.field(factory=dict)
    documents: dict[str, dict[str, str]] = attrs.field(factory=dict)
    rules: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    events: list[dict[str, Any]] = attrs.field(factory=list)
