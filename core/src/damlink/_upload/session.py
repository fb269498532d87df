"""An upload that the portal has opened: its parts, and those that are sent so far."""

from __future__ import annotations

import attrs

from damlink._content import Content
from damlink._upload.checksums import combine_crc32
from damlink._upload.parts import Part

__all__ = ["UploadSession"]


@attrs.define(kw_only=True)
class UploadSession:
    """Upload that the portal has opened, with the parts sent so far. Kept in the checkpoint.

    Attributes:
        part_bytes: size of each part but the last; fixed for the whole upload.
        transport: name of the transport that opened it.
        fields: form fields that S3 requires with every part, verbatim.
        digests: digests of the registered parts, in order.
        crc32: checksum of all their bytes.
        validator: the content's strong validator when the upload was opened.
        closing: the request that finalises it may have been sent; the upload cannot be continued.
    """

    upload_id: str
    filename: str
    size: int
    part_bytes: int
    transport: str = "s3"
    target_id: str = ""
    s3_filename: str = ""
    endpoint: str = ""
    fields: dict[str, str] = attrs.field(factory=dict)
    validator: str | None = None
    digests: list[str] = attrs.field(factory=list)
    crc32: int = 0
    closing: bool = False

    @property
    def parts(self) -> int:
        """Number of parts in all."""
        return -(-self.size // self.part_bytes)

    def bytes_of(self, number: int) -> int:
        """Return the size of a part; parts count from 1."""
        return min(self.part_bytes, self.size - (number - 1) * self.part_bytes)

    def fits(self, content: Content) -> bool:
        """Return whether this content can be the one that the upload was opened for."""
        return content.size == self.size and content.filename == self.filename

    def is_proven(self, content: Content) -> bool:
        """Return whether the validator proves that this is the content of the registered parts."""
        return self.validator is not None and self.validator == content.validator

    def register(self, part: Part) -> None:
        """Add a part that the portal has accepted."""
        self.digests.append(part.digest)
        self.crc32 = combine_crc32(self.crc32, part.crc32, part.size)
