"""One request to a stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from starlette.datastructures import UploadFile

__all__ = ["Call"]


@attrs.frozen
class Call:
    """One request to a stand-in.

    Attributes:
        url: the whole address.
        params: values of the names in the route, such as `{"id": "p-1"}`.
        query: as given; of a name that is given twice, the last value.
        headers: names in any case.
        body: the bytes as they came; empty for a form.
        fields: of the form, or of the JSON object in the body.
        files: files of the form, by the names of their fields; open while the call is answered.
    """

    method: str
    url: str
    params: Mapping[str, str] = attrs.field(factory=dict)
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""
    fields: Mapping[str, Any] = attrs.field(factory=dict)
    files: Mapping[str, UploadFile] = attrs.field(factory=dict)
