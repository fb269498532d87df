"""What the steps of an upload send and are answered, as types. Unknown fields are kept in `raw`.

Source: api.bynder.com, "Asset upload".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from damlink.bynder._once import id_of
from damlink.bynder.records.convert import text
from damlink.errors import ArgumentError

__all__ = ["Import", "Poll", "Saved", "Ticket", "closing_fields", "s3_fields"]


@attrs.frozen(kw_only=True)
class Ticket:
    """An upload that the portal has opened: what every later step of flow A needs.

    Attributes:
        multipart_params: what S3 wants with every chunk, verbatim but for `key`.
    """

    upload_id: str
    target_id: str
    s3_filename: str
    multipart_params: Mapping[str, str]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Import:
    """A finalised upload under conversion."""

    import_id: str
    batch_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Import:
        """From the portal's JSON.

        Raises:
            ValueError: it names no import.
        """
        return cls(import_id=id_of(raw, "importId"), batch_id=text(raw.get("batchId")), raw=raw)


@attrs.frozen(kw_only=True)
class Poll:
    """What became of finalised uploads; those under conversion are in none of the three."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    rejected: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Saved:
    """What a save has made.

    Attributes:
        media_id: of the asset; an additional may be told by its `item_id` alone.
        access_request_id: the batch of the waiting room, where it went there.
    """

    media_id: str
    item_id: str
    batch_id: str
    access_request_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Saved:
        """From the portal's JSON about an asset.

        Raises:
            ValueError: it names none.
        """
        id_of(raw, "mediaid")
        return cls._of(raw)

    @classmethod
    def read_additional(cls, raw: Mapping[str, Any]) -> Saved:
        """From the portal's JSON about a file beside an asset.

        Raises:
            ValueError: it names neither.
        """
        id_of(raw, "itemId", "mediaid")
        return cls._of(raw)

    @classmethod
    def _of(cls, raw: Mapping[str, Any]) -> Saved:
        return cls(
            media_id=text(raw.get("mediaid")),
            item_id=text(raw.get("itemId")),
            batch_id=text(raw.get("batchId")),
            access_request_id=text(raw.get("accessRequestId")),
            raw=raw,
        )


def s3_fields(params: Mapping[str, Any], filename: str, chunk: int, chunks: int) -> dict[str, str]:
    """The form that S3 wants with one chunk: the portal's own fields, and where it goes."""
    if not params.get("key"):
        raise ArgumentError("the parameters of a part have no key", hint="give them as `init` answered them")
    key = f"{params['key']}/p{chunk}"
    return {
        **{name: str(value) for name, value in params.items()},
        "key": key,
        "Filename": key,
        "name": filename,
        "chunk": str(chunk),
        "chunks": str(chunks),
    }


def closing_fields(target_id: str, s3_filename: str, chunks: int) -> dict[str, str]:
    """The form that closes an upload by S3."""
    return {"targetid": target_id, "s3_filename": s3_filename, "chunks": str(chunks)}
