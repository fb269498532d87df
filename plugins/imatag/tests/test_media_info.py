from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from damlink import Content
from damlink_imatag.media_info import MANIFEST, Facts, MeasuredFile, measure_content
from damlink_imatag.verify_marked import problem

Painter = Callable[..., bytes]


def in_pieces(data: bytes, size: int) -> Content:
    return Content("x.jpg", lambda at: (data[n : n + size] for n in range(at, len(data), size)), len(data))


@settings(max_examples=60)
@given(st.binary(max_size=300), st.integers(1, 40), st.integers(0, 300))
def test_manifest_when_cut_by_pieces_is_seen_all_the_same(data: bytes, size: int, at: int) -> None:
    whole = data[:at] + MANIFEST + data[at:]
    with measure_content(in_pieces(whole, size)) as file:
        assert file.facts.has_manifest
        assert file.facts.sha256 == hashlib.sha256(whole).hexdigest()


def test_file_that_is_sent_again_is_measured_anew() -> None:
    file = MeasuredFile(in_pieces(b"0123456789", 4))
    assert (file.tell(), file.seek(0, io.SEEK_END)) == (0, 10)
    file.seek(0)
    assert file.read() == b"0123"
    file.seek(0)
    assert b"".join(iter(file.read, b"")) == b"0123456789"
    assert file.facts().sha256 == hashlib.sha256(b"0123456789").hexdigest()


def test_spool_when_read_from_an_offset_gives_the_rest() -> None:
    with measure_content(in_pieces(b"0123456789", 3)) as file:
        assert b"".join(file.pieces(7)) == b"789"


def facts(**changes: Any) -> Facts:
    return attrs.evolve(Facts("aa", 100, "image/jpeg", 160, 96, has_manifest=False), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"sha256": "bb"}, "", id="good"),
        pytest.param({}, "no mark in it", id="the same"),
        pytest.param({"sha256": "bb", "size": 0}, "empty", id="empty"),
        pytest.param({"sha256": "bb", "media_type": "image/png"}, "of type image/png", id="another type"),
        pytest.param({"sha256": "bb", "media_type": ""}, "of type unknown", id="no picture"),
        pytest.param({"sha256": "bb", "width": 159}, "159x96 pixels", id="smaller"),
    ],
)
def test_marked_file_when_judged_says_what_is_wrong(changes: dict[str, object], words: str) -> None:
    said = problem(facts(), facts(**changes))
    assert words in said if words else said == ""


def test_film_in_another_container_is_a_film() -> None:
    before, after = facts(media_type="video/mp4"), facts(media_type="video/quicktime", sha256="bb")
    assert problem(before, after) == ""
