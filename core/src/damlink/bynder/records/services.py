"""Records of the quarantine, the product layer, content access and authoring.

Source: Bynder's published definitions of antivirus, the product layer, content access and authoring.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import attrs

from damlink.bynder.records.convert import text
from damlink.bynder.records.record import Key, Record, read_record

__all__ = ["AccessRule", "Document", "Principal", "Product", "ProductOption", "QuarantinedAsset"]


@attrs.frozen(kw_only=True, slots=False)
class QuarantinedAsset(Record):
    """An asset that waits for a person because of the virus scan.

    Attributes:
        id: of the entry in the quarantine.
        asset_id: of the asset.
        scan_status: `PENDING`, `CLEARED`, `INFECTED` or `SKIPPED`.
        review_status: `APPROVED` or `REJECTED`; empty before the review.
    """

    id: str
    asset_id: str
    name: Annotated[str, Key("assetName")]
    scan_status: str
    scan_failure_reason: str
    review_status: str
    reviewed_by_id: str
    requester_id: str
    file_type: str
    file_size: int
    is_safe: bool | None
    is_removed: bool | None
    added: Annotated[datetime | None, Key("dateAdded")]
    modified: Annotated[datetime | None, Key("dateModified")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class ProductOption(Record):
    """An option of a metaproperty of the product layer.

    Attributes:
        children: options that belong to it.
    """

    id: str
    name: str
    label: str
    description: str
    metaproperty_id: Annotated[str, Key("metapropertyid", "metapropertyId")]
    # Of a metaproperty the portal sends `relations`, of a list of options `product_options`.
    children: Annotated[tuple[ProductOption, ...], Key("product_options", "relations")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Product(Record):
    """A metaproperty of the product layer, with its options."""

    id: str
    name: str
    label: str
    description: str
    options: Annotated[tuple[ProductOption, ...], Key("mp_options")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Principal(Record):
    """A user, a group or a profile that has access.

    Attributes:
        type: `user`, `group` or `profile`.
    """

    id: Annotated[str, Key("principalId")]
    type: Annotated[str, Key("principalType")]
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class AccessRule(Record):
    """A rule about the access of a user, a group or a profile to a metaproperty or an option.

    Attributes:
        level: such as `metaproperty.hide`.
        rule_type: such as `allow`.
        principal_type: `user`, `group` or `profile`.
    """

    id: str
    content_id: str
    content_type: str
    level: str
    rule_type: str
    principal_id: str
    principal_type: str
    principal_name: str
    raw: Mapping[str, Any] = attrs.field(repr=False)


@attrs.frozen(kw_only=True, slots=False)
class Document(Record):
    """Text content that was written in the portal.

    Attributes:
        content: the text as a JSON object of ProseMirror.
        group_id: id of the documents that belong together.
    """

    id: str
    html: str
    content: str
    group_id: str
    raw: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Document:
        """Return the document of a JSON:API answer."""
        data = raw.get("data")
        document = data if isinstance(data, Mapping) else {}
        own = document.get("attributes")
        attributes = own if isinstance(own, Mapping) else {}
        return read_record(
            cls,
            raw,
            id=text(document.get("id")),
            html=text(attributes.get("html")),
            content=text(attributes.get("document")),
            group_id=text(attributes.get("documentGroupId")),
        )
