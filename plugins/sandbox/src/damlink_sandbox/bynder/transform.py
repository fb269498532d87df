"""Dynamic asset transformations: the grammar of their addresses.

Source: Bynder's published definition of them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl

from damlink_sandbox.bynder.picture import encode, picture
from damlink_sandbox.bynder.portal import Portal
from damlink_sandbox.bynder.state import Asset
from damlink_sandbox.bynder.transform_operations import Point, transform_image
from damlink_sandbox.router import Answer, Call, Refusal, Routes

_FORMS = {"": "WEBP", "jpg": "JPEG", "png": "PNG"}

routes: Routes[Portal] = Routes()


@routes.add("GET /transform/{id}/{name}", open=True, slow=True)
# This address is seen in use.
@routes.add("GET /api/transform/{id}/{name}", open=True, slow=True)
def _transform(portal: Portal, call: Call) -> Answer:
    """Transform a picture. Any name will do (assumed); the id is in the form of new services only."""
    with portal.lock:
        asset = find_by_uuid(portal, call.params["id"])
    image = picture(asset.active.content) if asset is not None else None
    if asset is None or image is None:
        raise Refusal(Answer(404, b"Not Found", "text/plain"))
    with _refuse_unsupported():
        middle = _focus(call.query.get("focuspoint")) or asset.focus or (0.5, 0.5)
        form, quality = _FORMS[call.query.get("format", "")], _quality(call.query.get("quality"))
        for operation, given in _operations(parse_qsl(call.query_string, keep_blank_values=True)):
            image = transform_image(image, operation, given, middle)
    return Answer(200, encode(image, form, quality), f"image/{form.lower()}")


def find_by_uuid(portal: Portal, uuid: str) -> Asset | None:
    """Return the visible asset with this id in 8-4-4-4-12."""
    head, _, tail = uuid.upper().rpartition("-")
    asset = portal.assets.get(head + tail) if uuid.count("-") == 4 else None
    return asset if asset is not None and asset.visible else None


@contextlib.contextmanager
def _refuse_unsupported() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError) as error:
        raise Refusal(Answer(400, b"Image Operation not supported", "text/plain")) from error


def _operations(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, dict[str, str]]]:
    """Name and parameters of each `io=transform:NAME,parameter:value,…`, in order.

    Raises:
        ValueError: another form.
    """
    for name, text in pairs:
        if name != "io":
            continue
        prefix, _, rest = text.partition(":")
        operation, *parameters = rest.split(",")
        if prefix != "transform":
            raise ValueError(text)
        yield operation, dict(_parameter(one) for one in parameters)


def _parameter(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (name and colon and value):
        raise ValueError(text)
    return name, value


def _quality(text: str | None) -> int:
    # The default is assumed.
    quality = int(text) if text else 80
    if not 1 <= quality <= 100:
        raise ValueError("quality")
    return quality


def _focus(text: str | None) -> Point | None:
    if not text:
        return None
    x, y = (float(one) for one in text.split(","))
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError("focuspoint")
    return x, y
