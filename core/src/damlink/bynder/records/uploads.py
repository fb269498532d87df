"""Records and forms of the steps of an upload.

Source: api.bynder.com, "Asset upload".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import attrs

from damlink.bynder._once import id_of
from damlink.bynder.records.record import Key, Record, read_record
from damlink.errors import ArgumentError

__all__ = ["Import", "Poll", "Saved", "Ticket", "closing_fields", "s3_fields"]


@attrs.frozen(kw_only=True)
class Ticket:
    """An upload to S3 that the portal has opened.

    Attributes:
        multipart_params: form fields that S3 requires with every chunk; only `key` is extended.
    """

    upload_id: str
    target_id: str
    s3_filename: str
    multipart_params: Mapping[str, str]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Import(Record):
    """A finalised upload that the portal is converting."""

    import_id: str
    batch_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Import:
        """Return the import that the portal's JSON describes.

        Raises:
            ValueError: the JSON contains no import id.
        """
        return read_record(cls, raw, import_id=id_of(raw, "importId"))


@attrs.frozen(kw_only=True)
class Poll:
    """The states of finalised uploads. One that is still converting is in none of the three lists."""

    done: tuple[str, ...]
    failed: tuple[str, ...]
    rejected: tuple[str, ...]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Saved(Record):
    """The result of a save.

    Attributes:
        media_id: id of the asset; the portal may send only the `item_id` of an additional file.
        access_request_id: id of the batch in the waiting room, if the asset went there.
    """

    media_id: Annotated[str, Key("mediaid")]
    item_id: str
    batch_id: str
    access_request_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Saved:
        """Return the result of a save as an asset or a version.

        Raises:
            ValueError: the JSON contains no id of an asset.
        """
        id_of(raw, "mediaid")
        return read_record(cls, raw)

    @classmethod
    def read_additional(cls, raw: Mapping[str, Any]) -> Saved:
        """Return the result of a save as an additional file of an asset.

        Raises:
            ValueError: the JSON contains neither the id of an item nor of an asset.
        """
        id_of(raw, "itemId", "mediaid")
        return read_record(cls, raw)


def s3_fields(params: Mapping[str, Any], filename: str, chunk: int, chunks: int) -> dict[str, str]:
    """Return the form fields of one chunk for S3: the portal's own fields, and the chunk's key."""
    if not params.get("key"):
        raise ArgumentError(
            "the parameters of a part have no key", hint="pass the `multipart_params` that `init` returned"
        )
    # S3 stores each chunk under a key of its own, which `register` repeats to the portal.
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
    """Return the form fields that close an upload to S3."""
    return {"targetid": target_id, "s3_filename": s3_filename, "chunks": str(chunks)}
