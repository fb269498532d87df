"""The shapes that differ from portal to portal, each with a switch."""

from __future__ import annotations

import attrs


@attrs.define
class Variants:
    """Variants in which portals write the same values; control action `settings`.

    Attributes:
        numbers_as_strings: `width`, `height` and `fileSize` are text. Seen in integrations.
        single_option_as_string: the value of a metaproperty that takes one option is its name, not a list of
            one. Seen in integrations.
        omit_empty_tags: an asset without tags has no `tags`, else an empty list. Assumed.
        capital_is_public: a collection has `IsPublic` and not `isPublic`. Source: the official Java SDK.
        legacy_collection_dates: collections are dated `March, 08 2017 14:17:37 +0000`, else in ISO 8601.
            Source: Bynder's published definition of collections.
        solr_cursor: lists of assets can be walked by cursor. Source: Bynder's published definition of assets.
        seo_base_url: public assets show `original`. Source: Bynder's published definition of assets.
    """

    numbers_as_strings: bool = False
    single_option_as_string: bool = False
    omit_empty_tags: bool = True
    capital_is_public: bool = False
    legacy_collection_dates: bool = True
    solr_cursor: bool = False
    seo_base_url: bool = True
