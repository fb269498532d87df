from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink_imatag.directory import normalise, path_of


@pytest.mark.parametrize("given_as", ["acme/bynder", "/acme/bynder/", "  acme/bynder "])
def test_directory_when_written_differently_has_one_spelling(given_as: str) -> None:
    assert normalise(given_as) == "acme/bynder"


def test_directory_when_decomposed_is_composed() -> None:
    assert normalise(unicodedata.normalize("NFD", "acme/café")) == unicodedata.normalize("NFC", "acme/café")


@pytest.mark.parametrize("wrong", ["", "/", "acme//x", "acme/../other", "./acme", "acme/ /x", "acme\\x"])
def test_directory_when_it_could_lead_elsewhere_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no path of folders"):
        normalise(wrong)


@settings(max_examples=100)
@given(st.text(max_size=120), st.sampled_from([".jpg", ".tiff"]))
def test_path_when_the_name_is_anything_stays_in_the_directory(stem: str, suffix: str) -> None:
    path = path_of("acme/bynder", f"x{stem}{suffix}", "ID", "v2", 1)
    folder, _, name = path.rpartition("/")
    assert folder == "acme/bynder"
    assert name.isprintable()
    assert "ID-v2" in name


def test_path_when_tried_again_is_another() -> None:
    assert path_of("a", "photo.jpg", "ID", "v1", 1) == "a/photo-ID-v1.jpg"
    assert path_of("a", "photo.jpg", "ID", "v1", 2) == "a/photo-ID-v1-2.jpg"
