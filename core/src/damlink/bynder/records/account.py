"""The portal's JSON about the account itself as types: settings, derivatives, scopes, webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from damlink.bynder.records.convert import flag, number, text, texts

__all__ = ["Account", "Derivative", "Scope", "Webhook"]


@attrs.frozen(kw_only=True)
class Account:
    """The portal's account."""

    name: str
    time_zone: str
    default_language: str
    languages: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Account:
        """From the portal's JSON."""
        return cls(
            name=text(raw.get("name")),
            time_zone=text(raw.get("timeZone")),
            default_language=text(raw.get("defaultLanguage")),
            languages=texts(raw.get("availableLanguages")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Derivative:
    """A rendition that the portal makes of every asset; sizes in pixels."""

    id: str
    prefix: str
    width: int
    height: int
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Derivative:
        """From the portal's JSON; only a preset has an id."""
        return cls(
            id=text(raw.get("id")),
            prefix=text(raw.get("prefix")),
            width=number(raw.get("width")),
            height=number(raw.get("height")),
            raw=raw,
        )


@attrs.frozen(kw_only=True)
class Scope:
    """An OAuth scope, and the permissions of which a user needs any one to be granted it."""

    name: str
    group: str
    description: str
    any_of_permissions: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any], group: str) -> Scope:
        """From the portal's JSON."""
        return cls(
            name=text(raw.get("name")),
            group=group,
            description=text(raw.get("description")),
            any_of_permissions=texts(raw.get("anyOfPermissions")),
            raw={"group": group, **raw},
        )


@attrs.frozen(kw_only=True)
class Webhook:
    """A webhook configuration; `confirmed` is `None` where the portal does not say."""

    id: str
    name: str
    endpoint: str
    events: tuple[str, ...]
    confirmed: bool | None
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Webhook:
        """From the portal's JSON: `configId` in a list, `id` in the answer to a new one."""
        confirmed = raw.get("confirmed")
        return cls(
            id=text(raw.get("configId") or raw.get("id")),
            name=text(raw.get("name")),
            endpoint=text(raw.get("endpoint")),
            events=texts(raw.get("events")),
            confirmed=None if confirmed is None else flag(confirmed),
            raw=raw,
        )
