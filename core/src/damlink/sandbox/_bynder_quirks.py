"""The shapes that differ from portal to portal, each with a switch."""

from __future__ import annotations

import attrs


@attrs.define
class Quirks:
    """How the portal writes what other portals write in another way; control action `settings`.

    Attributes:
        numbers_as_strings: `width`, `height` and `fileSize` are text. Source: reference 2.4.
        single_option_as_string: the value of a metaproperty that takes one option is its name, not a list of
            one. Source: reference 5.3.
        omit_empty_tags: an asset without tags has no `tags`, else an empty list. Source: reference 3.1.
        capital_is_public: a collection has `IsPublic` and not `isPublic`. Source: reference 2.4.
        legacy_collection_dates: collections are dated `March, 08 2017 14:17:37 +0000`, else in ISO 8601.
            Source: reference 2.3.
        solr_cursor: lists of assets can be walked by cursor. Source: reference 3.1.
        seo_base_url: public assets show `original`. Source: reference 3.1.
    """

    numbers_as_strings: bool = False
    single_option_as_string: bool = False
    omit_empty_tags: bool = True
    capital_is_public: bool = False
    legacy_collection_dates: bool = True
    solr_cursor: bool = False
    seo_base_url: bool = True
