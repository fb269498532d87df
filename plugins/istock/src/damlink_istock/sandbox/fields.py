"""Fields of the metadata calls, and the contents of each set.

Source: the Getty Images API v3 definition: `ImageDetailFieldValues`, `VideoDetailFieldValues`, and its
prose on what each set holds.
"""

from __future__ import annotations

from collections.abc import Mapping

_BOTH = """
    allowed_use artist asset_family call_for_image caption city collection_code collection_id collection_name
    color_type comp copyright country date_created date_submitted detail_set display_set download_product
    download_sizes downloads editorial_segments entity_details event_ids id is_ai_editable istock_collection
    istock_licenses keywords license_model max_dimensions object_name orientation people preview product_types
    quality_rank referral_destinations state_province summary_set thumb title
"""
IMAGE_FIELDS = frozenset(f"""{_BOTH}
    alternative_ids artist_title comp_webp credit_line date_camera_shot editorial_source graphical_style
    largest_downloads links uri_oembed
""".split())  # fmt: skip
VIDEO_FIELDS = frozenset(
    f"{_BOTH} clip_length era key_frames mastered_to originally_shot_on shot_speed source".split()
)

_IMAGE_SUMMARY = """
    artist asset_family caption collection_code collection_id collection_name license_model max_dimensions
    title
"""
_SETS = {"comp": "display_sizes", "preview": "display_sizes", "thumb": "display_sizes"}
IMAGE_SETS = _SETS | {
    "summary_set": _IMAGE_SUMMARY,
    "detail_set": f"""{_IMAGE_SUMMARY}
        allowed_use artist_title call_for_image city color_type copyright country credit_line date_created
        date_submitted download_sizes editorial_segments event_ids graphical_style orientation product_types
        quality_rank referral_destinations state_province
    """,
    "display_set": "display_sizes",
    "comp_webp": "display_sizes",
}
VIDEO_SETS = _SETS | {
    "summary_set": "asset_family caption collection_code collection_name display_sizes license_model title",
    "detail_set": """
        allowed_use artist asset_family call_for_image caption clip_length collection_code collection_id
        collection_name color_type copyright date_created display_sizes download_sizes era event_ids
        license_model mastered_to originally_shot_on product_types quality_rank shot_speed source title
    """,
    "display_set": "display_sizes key_frames",
}


def expand(asked: list[str], sets: Mapping[str, str]) -> list[str]:
    """Return the requested fields one by one, sets expanded; `id` always."""
    names = " ".join(sets.get(name, name) for name in asked)
    return sorted({"id", *names.split()})
