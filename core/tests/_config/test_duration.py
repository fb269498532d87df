from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink._config.duration import Duration

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("2h", 7200), ("1d", 86400), ("0.5h", 1800), (" 1s ", 1), ("0s", 0)],
)
def test_parse_when_written_with_a_unit_gives_seconds(text: str, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "90", "s", "-1s", "1 h", "1h30m", "1w", "1.h", ".5h", "1H", "1e3s", "nan"]
)
def test_parse_when_written_otherwise_says_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration such as 90s, 15m, 2h or 1d, got"):
        Duration.parse(text)


@given(st.integers(0, 10_000), st.sampled_from("smhd"))
def test_parse_when_whole_is_read_back_from_what_is_shown(number: int, unit: str) -> None:
    parsed = Duration.parse(f"{number}{unit}")
    assert parsed == number * UNITS[unit]
    assert Duration.parse(str(parsed)) == parsed


@given(st.text(max_size=8) | st.from_regex(r"\A[0-9.]{1,4}[smhdw]\Z"))
def test_parse_when_anything_is_written_gives_a_duration_or_one_line(text: str) -> None:
    try:
        parsed = Duration.parse(text)
    except ValueError as error:
        assert repr(text) in str(error)  # noqa: PT017 - either outcome is right
    else:
        assert parsed == float(text.strip()[:-1]) * UNITS[text.strip()[-1]]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (90, "90s"), (900, "15m"), (7200, "2h"), (172800, "2d"), (0.5, "0.5s")]
)
def test_str_when_shown_uses_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    assert str(Duration(seconds)) == text
