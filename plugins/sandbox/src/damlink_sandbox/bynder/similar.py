"""Search for assets that look alike. What does is assumed: assets that share words; any image for a picture.

Source: Bynder's published definition of similar assets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from damlink_sandbox.bynder.access import no_valid_token
from damlink_sandbox.bynder.portal import Portal, json_object
from damlink_sandbox.bynder.render import kind, uuid_of
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.router import Answer, Call, Refusal, Routes, json_answer

_WAYS = ("assetIds", "imageUrl", "imageData", "textQuery")

routes: Routes[Portal] = Routes()


@routes.add("POST /api/1/assets/similarity-search", scopes="asset:read")
def _search(portal: Portal, call: Call) -> Answer:
    """Only tokens of OAuth 2.0 are accepted; that the answer to others is a 401 is assumed."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    token = portal.access.tokens.get(value.strip())
    if scheme.lower() != "bearer" or token is None or token.expires is None:
        raise no_valid_token()
    data = json_object(call) or {}
    ways = [way for way in _WAYS if data.get(way)]
    if len(ways) != 1:
        text = f"{'Multiple' if ways else 'No'} search parameters provided. "
        text += f"Please provide only one of the following parameters: {', '.join(_WAYS)}."
        reason = "MULTIPLE_SEARCH_PARAMETERS" if ways else "NO_SEARCH_PARAMETERS"
        raise Refusal(json_answer(400, {"message": text, "reason": reason}))
    score = _scorer(portal, ways[0], data[ways[0]])
    scored = [(score(asset), asset.id) for asset in portal.list_indexed().values()]
    found = sorted((each for each in scored if each[0] > 0), reverse=True)
    return json_answer(
        200, {"assets": [{"assetId": uuid_of(key), "similarityScore": much} for much, key in found]}
    )


def _scorer(portal: Portal, way: str, value: Any) -> Callable[[Asset], float]:
    if way in ("imageUrl", "imageData"):
        return lambda asset: 0.5 if kind(asset) == "image" else 0.0
    if way == "textQuery":
        return lambda asset: _share(_words(str(value)), asset)
    own = {str(each).lower() for each in value}
    wanted = {word for asset in portal.assets.values() if uuid_of(asset.id) in own for word in _of(asset)}
    return lambda asset: 0.0 if uuid_of(asset.id) in own else _share(wanted, asset)


def _share(wanted: set[str], asset: Asset) -> float:
    return round(len(wanted & _of(asset)) / max(1, len(wanted)), 2)


def _of(asset: Asset) -> set[str]:
    return _words(" ".join((asset.name, *asset.tags)))


def _words(text: str) -> set[str]:
    return set(text.lower().split())
