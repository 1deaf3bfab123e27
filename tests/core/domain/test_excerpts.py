"""What an error repeats of somebody's text can be read, and does nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.excerpts import LONGEST, excerpt, listed, quoted


@given(st.text() | st.integers() | st.floats() | st.none() | st.lists(st.text()))
def test_a_quoted_value_is_one_short_line_of_signs_that_can_be_shown(value: object) -> None:
    told = quoted(value)
    assert told.isprintable()
    # A sign that cannot be shown is written in up to ten.
    assert len(told) <= 10 * LONGEST + 3


def test_a_short_text_is_repeated_whole_and_a_long_one_cut() -> None:
    assert quoted("NEAR BAY") == "'NEAR BAY'"
    assert quoted("x" * 1_000_000) == f"'{'x' * LONGEST}'…"
    assert excerpt("x" * 61) == f"{'x' * 60}…"
    assert excerpt("short") == "short"


def test_a_number_python_does_not_write_is_described() -> None:
    assert quoted(10**5_000) == "a number of thousands of digits"


@pytest.mark.parametrize(
    ("count", "end"), [(1, "'c0'"), (12, "'c11'"), (13, "'c11' and 1 more"), (5_012, " and 5,000 more")]
)
def test_of_many_names_a_dozen_is_listed(count: int, end: str) -> None:
    assert listed([f"c{number}" for number in range(count)]).endswith(end)
