"""Records of the account: settings, brands, derivatives, scopes, security profiles, webhooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import attrs

from damlink.bynder.records.convert import records
from damlink.bynder.records.record import Key, Record, read_record

__all__ = ["Account", "Brand", "Derivative", "Profile", "Scope", "Webhook"]


@attrs.frozen(kw_only=True, slots=False)
class Account(Record):
    """The portal's account."""

    name: str
    time_zone: str
    default_language: str
    languages: Annotated[tuple[str, ...], Key("availableLanguages")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(slots=False)
class Brand(Record):
    """A brand or a sub-brand.

    Attributes:
        parent_id: id of the brand that a sub-brand belongs to; `None` for a brand.
    """

    id: str
    name: str
    description: str = ""
    parent_id: str | None = None
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)

    @classmethod
    def read_all(cls, raw: Any, parent_id: str | None = None) -> Iterator[Brand]:
        """Yield the brands in the portal's JSON, each followed by its sub-brands."""
        for each in records(raw):
            brand = read_record(cls, each, parent_id=parent_id)
            yield brand
            yield from cls.read_all(each.get("subBrands"), brand.id)


@attrs.frozen(kw_only=True, slots=False)
class Derivative(Record):
    """A rendition that the portal creates of every asset; sizes in pixels. Only a preset has an id."""

    id: str
    prefix: str
    width: int
    height: int
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(slots=False)
class Profile(Record):
    """A security profile with its roles."""

    id: str
    name: str
    roles: frozenset[str]
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen(kw_only=True, slots=False)
class Scope(Record):
    """An OAuth scope, and the permissions of which a user needs one to be granted it."""

    name: str
    group: str
    description: str
    any_of_permissions: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Webhook(Record):
    """A webhook configuration; `confirmed` is `None` if the portal does not say."""

    # The portal sends `configId` in a list and `id` after a creation.
    id: Annotated[str, Key("configId", "id")]
    name: str
    endpoint: str
    events: tuple[str, ...]
    confirmed: bool | None
    raw: Mapping[str, Any] = attrs.field(repr=False)
