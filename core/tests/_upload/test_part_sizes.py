from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from damlink._upload.part_sizes import (
    LARGEST_PART_BYTES,
    MOST_PARTS,
    SMALLEST_PART_BYTES,
    PartSizes,
    smallest_part,
)


class Remembered:
    """Durable values of a test."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def put(self, key: str, value: Any) -> None:
        self.values[key] = value


S3_LEAST_BYTES = 5 * 1024 * 1024
S3_MOST_BYTES = 5 * 1024**3
SIZES = [1, 6_291_457, 200_000_000, 512_000_000, 512 * 1024**2, 10**10, 10**12, 5 * 10**13]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, SMALLEST_PART_BYTES),
        (SMALLEST_PART_BYTES * MOST_PARTS, SMALLEST_PART_BYTES),
        (SMALLEST_PART_BYTES * MOST_PARTS + 1, SMALLEST_PART_BYTES + 1),
        (5 * 10**12, 5 * 10**8),
    ],
)
def test_smallest_part_when_the_file_is_large_stays_within_the_most_parts(size: int, expected: int) -> None:
    assert smallest_part(size) == expected
    assert -(-size // smallest_part(size)) <= MOST_PARTS


@pytest.mark.parametrize("size", SIZES)
def test_choose_when_the_file_has_any_size_stays_within_the_limits_of_s3(size: int) -> None:
    chosen = PartSizes().choose(size)
    assert S3_LEAST_BYTES <= chosen <= S3_MOST_BYTES
    assert -(-size // chosen) <= MOST_PARTS


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (1, 1),
        (6_291_456, 1),
        (6_291_457, 2),
        (200_000_000, 4),
        (512_000_000, 4),
        (512 * 1024**2, 4),
        (10**10, 75),
    ],
)
def test_choose_when_large_parts_are_accepted_makes_few(size: int, parts: int) -> None:
    chosen = PartSizes().choose(size)
    assert -(-size // chosen) == parts
    assert chosen <= LARGEST_PART_BYTES


def test_avoid_large_when_they_are_refused_makes_small_parts_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sizes = PartSizes()
    with caplog.at_level(logging.WARNING, "damlink.upload"):
        sizes.avoid_large(LARGEST_PART_BYTES, "S3 answered 413")
        sizes.avoid_large(LARGEST_PART_BYTES, "S3 answered 413")
    assert sizes.choose(512_000_000) == SMALLEST_PART_BYTES
    assert caplog.messages == [
        "parts of 128 MiB are refused; sending parts of 6 MiB from now on: S3 answered 413"
    ]


def test_avoid_large_when_the_parts_were_small_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    sizes = PartSizes()
    sizes.avoid_large(SMALLEST_PART_BYTES, "S3 answered 413")
    assert sizes.choose(512_000_000) > SMALLEST_PART_BYTES
    assert caplog.messages == []


def test_avoid_large_when_it_is_remembered_holds_in_the_next_process() -> None:
    memory = Remembered()
    PartSizes("https://brand", lambda: memory).avoid_large(LARGEST_PART_BYTES, "S3 answered 413")
    assert PartSizes("https://brand", lambda: memory).choose(512_000_000) == SMALLEST_PART_BYTES
    assert PartSizes("https://other", lambda: memory).choose(512_000_000) > SMALLEST_PART_BYTES


def test_avoid_large_when_it_was_long_ago_is_tried_again() -> None:
    memory = Remembered()
    PartSizes("https://brand", lambda: memory).avoid_large(LARGEST_PART_BYTES, "S3 answered 413")
    long_ago = datetime.now(UTC) - timedelta(days=31)
    memory.values = dict.fromkeys(memory.values, long_ago.isoformat())
    assert PartSizes("https://brand", lambda: memory).choose(512_000_000) > SMALLEST_PART_BYTES


def test_choose_when_the_file_is_small_opens_no_memory() -> None:
    assert PartSizes("https://brand", lambda: pytest.fail("opened")).choose(200_000) == SMALLEST_PART_BYTES
