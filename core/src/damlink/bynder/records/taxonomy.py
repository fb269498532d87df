"""Records of the taxonomy service.

Source: Bynder's published definition of taxonomy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from damlink.bynder.records.record import Record

__all__ = ["TaxonomyOption"]


@attrs.frozen(kw_only=True, slots=False)
class TaxonomyOption(Record):
    """An option of a metaproperty, in the form of the taxonomy service: ids are written 8-4-4-4-12."""

    id: str
    name: str
    external_reference: str
    icon: str
    metaproperty_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)
