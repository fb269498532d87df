"""One request to a stand-in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from starlette.datastructures import UploadFile

__all__ = ["Call"]

_NO_PATH: Final = Path(os.devnull)


@attrs.frozen
class Call:
    """One request to a stand-in.

    Attributes:
        url: the whole address.
        params: values of the names in the route, such as `{"id": "p-1"}`.
        query: as given; of a name that is given twice, the last value.
        headers: names in any case.
        body: the bytes as they came; empty for a form, and where the route has `to_disk`.
        path: the file with the body where the route has `to_disk`; deleted after the answer if not moved.
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
    path: Path = _NO_PATH
