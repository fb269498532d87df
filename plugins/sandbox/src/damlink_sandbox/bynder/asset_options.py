"""The values that assets have of metaproperties. Source: Bynder's published definition of assets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from damlink_sandbox.bynder.portal import (
    Portal,
    answer_created,
    json_object,
    moment,
    numeric_refusal,
    refusal,
    words,
)
from damlink_sandbox.bynder.state import Asset, Metaproperty
from damlink_sandbox.router import Answer, Call, Routes

routes: Routes[Portal] = Routes()


@routes.add("POST /api/media/options", scopes="asset:write")
def _add(portal: Portal, call: Call) -> Answer:
    asset, metaproperty, ids = _read_call(portal, call)
    held = asset.values.get(metaproperty.id, ())
    values = tuple(dict.fromkeys((*held, *ids)))
    # one that takes a single option keeps the one sent last (assumed)
    _store(portal, asset, metaproperty, values if metaproperty.is_multiselect else values[-1:])
    return answer_created()


@routes.add("DELETE /api/media/options", scopes="asset:write")
def _remove(portal: Portal, call: Call) -> Answer:
    asset, metaproperty, ids = _read_call(portal, call)
    held = asset.values.get(metaproperty.id, ())
    _store(portal, asset, metaproperty, [value for value in held if value not in ids])
    return Answer(204)


def _read_call(portal: Portal, call: Call) -> tuple[Asset, Metaproperty, tuple[str, ...]]:
    if "MEDIAEDIT" not in call.caller.roles:
        # Not the guard: here the code is a number.
        raise numeric_refusal(403, "Access denied")
    data = json_object(call) or {}
    try:
        asset_id, metaproperty_id = data["asset_id"].upper(), data["metaproperty_id"].upper()
        ids = tuple(one.upper() for one in data["metaproperty_option_ids"])
    except (KeyError, TypeError, AttributeError) as error:
        raise numeric_refusal(400, "Invalid JSON") from error  # assumed
    asset, metaproperty = portal.assets.get(asset_id), portal.metaproperties.get(metaproperty_id)
    if (
        asset is None
        or not asset.visible
        or metaproperty is None
        or not metaproperty.options.keys() >= set(ids)
    ):
        raise numeric_refusal(404, "Not Found")
    return asset, metaproperty, ids


def _store(portal: Portal, asset: Asset, metaproperty: Metaproperty, values: Sequence[str]) -> None:
    changed = {**asset.values, metaproperty.id: tuple(values)}
    portal.store(attrs.evolve(asset, values=changed, modified=portal.world.clock.now()))
    portal.world.counts.add("modifications")


def values_given(portal: Portal, fields: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read the values of all fields `metaproperty.<id>`; an empty one clears (seen in an integration).

    Raises:
        Refusal: 400: an unknown metaproperty or option, or a malformed date. Unknown what a portal does;
            assumed strict, see `Settings.check_metaproperties`.
    """
    given = {}
    for field, text in fields.items():
        prefix, _, key = field.partition(".")
        if prefix == "metaproperty":
            metaproperty = portal.metaproperties.get(key.upper())
            if metaproperty is not None:
                given[metaproperty.id] = _value(portal, metaproperty, text)
            elif portal.settings.check_metaproperties:
                raise refusal(400, "Invalid metaproperty ID")
    return given


def _value(portal: Portal, metaproperty: Metaproperty, text: str) -> tuple[str, ...]:
    if not text:
        return ()
    if metaproperty.takes_options:
        return _choose(metaproperty, text, _complaint(portal, "Invalid metaproperty option id sent"))
    if metaproperty.type == "date" and portal.settings.check_metaproperties:
        moment(text)
    return (text,)


def _complaint(portal: Portal, message: str) -> Callable[[], None]:
    def complain() -> None:
        if portal.settings.check_metaproperties:
            raise refusal(400, message)

    return complain


def _choose(metaproperty: Metaproperty, text: str, complain: Callable[[], None]) -> tuple[str, ...]:
    # A name may hold a comma.
    names = (text,) if metaproperty.option(text) else words(text)
    found = [metaproperty.option(name) for name in names]
    chosen = tuple(dict.fromkeys(option.id for option in found if option is not None))
    if None in found or (len(chosen) > 1 and not metaproperty.is_multiselect):
        complain()
    return chosen
