"""Cells that a spreadsheet takes for text or for numbers, and never for a formula."""

from __future__ import annotations

import csv
import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.spreadsheet import cell


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+CMD|'/C calc'!A0", "'+CMD|'/C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("-7", "-7"),
        ("+1.5e-3", "+1.5e-3"),
        ("-", "'-"),
        ("forest", "forest"),
        ("", ""),
        (-7.5, "-7.5"),
        (0.1 + 0.2, "0.30000000000000004"),
        (12, "12"),
        (math.nan, ""),
        (None, ""),
        (math.inf, "Infinity"),
        (-math.inf, "'-Infinity"),
    ],
)
def test_a_cell_holds_the_value_and_runs_nothing(value: str | float | None, text: str) -> None:
    assert cell(value) == text


@given(st.text() | st.from_regex(r"[=+\-@\t\r][ -~]*", fullmatch=True))
def test_a_text_comes_back_from_csv_whole_and_starts_no_formula(value: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow(["x", cell(value)])
    ((_, read),) = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert read in (value, f"'{value}")
    if read.startswith(("=", "+", "-", "@", "\t", "\r")):
        float(read)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_every_digit(value: float) -> None:
    assert float(cell(value)) == value
