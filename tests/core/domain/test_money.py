"""Figures read alike on every screen, and a missing one is a dash."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import (
    MISSING,
    SURVEY_CAP,
    decimal,
    dollar_change,
    dollars,
    duration,
    file_size,
    is_capped,
    is_figure,
    memory,
    milliseconds,
    percent,
    price_text,
    recorded_text,
    signed,
)


@pytest.mark.parametrize("write", [dollars, dollar_change, decimal, percent, duration, memory])
@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_missing_figure_is_a_dash_and_never_zero(write, missing):
    assert write(missing) == MISSING == "—"


@pytest.mark.parametrize(
    ("amount", "text"),
    [(412300.4, "$412,300"), (0, "$0"), (-350, "−$350"), (-0.4, "$0"), (999.6, "$1,000"), (1234567, "$1,234,567")],
)
def test_dollars_are_whole_with_thousands(amount, text):
    assert dollars(amount) == text


@pytest.mark.parametrize(("amount", "text"), [(1200, "+$1,200"), (-350, "−$350"), (0, "$0"), (0.4, "$0"), (-0.4, "$0")])
def test_a_change_has_its_sign_unless_it_rounds_to_nothing(amount, text):
    assert dollar_change(amount) == text


@given(st.floats(-1e9, 1e9))
def test_dollars_read_back_to_the_nearest_one(amount):
    text = dollars(amount)
    back = float(text.replace("−", "-").replace("$", "").replace(",", ""))
    assert abs(back - amount) <= 0.5
    assert not text.startswith("−$0") or back != 0


def test_decimals_and_percents_keep_their_digits():
    assert decimal(0.81921) == "0.8192"
    assert decimal(0.5, 2) == "0.50"
    assert percent(17.304) == "17.3 %"
    assert percent(0) == "0.0 %"


def test_a_difference_has_its_sign_and_what_rounds_to_nothing_has_none():
    assert [signed(figure, 2) for figure in (0.4, -0.12, 0.004, -0.004, 0.0, None)] == [
        "+0.40",
        "−0.12",
        "0.00",
        "0.00",
        "0.00",
        MISSING,
    ]
    assert signed(1_234.5, 1) == "+1,234.5"


def test_what_is_shown_has_the_minus_of_print_before_it():
    assert [decimal(-0.12), percent(-2), dollars(-350)] == ["−0.1200", "−2.0 %", "−$350"]
    assert is_figure(decimal(-0.12))


@pytest.mark.parametrize("price", [SURVEY_CAP, SURVEY_CAP * 0.97, 700_000])
def test_an_estimate_near_the_cap_reads_as_or_more(price):
    assert is_capped(price)
    assert price_text(price) == "$500,000 or more"


def test_only_the_cap_itself_is_read_as_or_more_where_the_survey_wrote_the_figure():
    assert recorded_text(SURVEY_CAP) == "$500,000 or more"
    assert recorded_text(SURVEY_CAP * 0.99) == "$495,001"


@pytest.mark.parametrize("price", [14_999, SURVEY_CAP * 0.9699])
def test_an_estimate_below_the_cap_is_a_figure(price):
    assert not is_capped(price)
    assert price_text(price) == dollars(price)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (7.4, "7 s"),
        (59.6, "1 min 0 s"),
        (95, "1 min 35 s"),
        (3599.7, "1 h 0 min"),
        (7_320, "2 h 2 min"),
        (0, "0 s"),
        (-3, "0 s"),
    ],
)
def test_a_duration_reads_in_its_two_largest_units(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("megabytes", "text"),
    [
        (0.0, "under 1 MB"),
        (0.99, "under 1 MB"),
        (1, "1 MB"),
        (170.4, "170 MB"),
        (999.4, "999 MB"),
        (999.6, "1.0 GB"),
        (2_340, "2.3 GB"),
        (45_500, "45.5 GB"),
    ],
)
def test_memory_reads_in_its_largest_unit(megabytes, text):
    assert memory(megabytes) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "—"),
        (0, "0 B"),
        (999, "999 B"),
        (38_400, "38 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (2_340_000_000, "2.3 GB"),
    ],
)
def test_a_file_size_reads_in_its_largest_unit(size, text):
    assert file_size(size) == text


@pytest.mark.parametrize(("figure", "text"), [(None, "—"), (math.nan, "—"), (4.26, "4.3 ms"), (212.4, "212 ms")])
def test_milliseconds_have_a_digit_while_it_says_something(figure, text):
    assert milliseconds(figure) == text


@given(
    st.floats(min_value=0, max_value=1e9), st.sampled_from([dollars, dollar_change, decimal, percent, duration, memory])
)
def test_whatever_is_written_here_is_known_as_a_figure(figure, write):
    assert is_figure(write(figure))


@pytest.mark.parametrize(
    "text", ["", MISSING, "champion", "version 3", "2026-11-30 12:00", "1, 2 and 3", "no", "3 trees"]
)
def test_what_is_no_amount_is_no_figure(text):
    assert not is_figure(text)


@pytest.mark.parametrize("text", ["$500,000 or more", "−$210 to −$23", "+0.42 points", "1 min 35 s", "∞", "under 1 MB"])
def test_ranges_changes_and_ends_are_figures_too(text):
    assert is_figure(text)
