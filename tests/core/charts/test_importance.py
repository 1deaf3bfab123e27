"""Importances as shares of their sum."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.importance import importance_bars
from core.charts.palette import ACCENT, NEUTRAL


def test_bars_fall_from_the_top_and_are_percent_of_the_sum() -> None:
    figure = importance_bars({"latitude": 10.0, "median_income": 30.0})
    bars = figure.data[0]
    assert list(bars.x) == [75.0, 25.0]
    assert list(figure.layout.yaxis.ticktext) == ["Median income", "Latitude"]
    assert list(bars.text) == ["75.0 %", "25.0 %"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]


def test_pairs_and_a_mapping_draw_the_same() -> None:
    pairs = [("latitude", 1.0), ("households", 2.0)]
    assert importance_bars(pairs) == importance_bars(dict(pairs))


def test_the_hover_is_a_sentence_with_share_and_rank() -> None:
    bars = importance_bars({"latitude": 1.0, "median_income": 3.0}).data[0]
    assert bars.hovertext[1] == "Latitude: 25.0 % of all importance,<br>number 2 of 2 features"


def test_what_does_not_fit_is_summed_in_one_neutral_bar() -> None:
    figure = importance_bars({f"column {place}": 1.0 for place in range(10)}, most=4)
    assert list(figure.layout.yaxis.ticktext)[-1] == "6 others"
    assert figure.data[0].x[-1] == pytest.approx(60.0)
    assert list(figure.data[0].marker.color) == [ACCENT] * 4 + [NEUTRAL]


def test_a_value_that_is_no_number_is_left_out_and_counted() -> None:
    figure = importance_bars({"latitude": 1.0, "longitude": math.nan})
    assert list(figure.data[0].x) == [100.0]
    assert figure.layout.title.subtitle.text == "1 without a number left out"


def test_a_long_name_is_cut_on_the_axis_and_whole_in_the_hover() -> None:
    figure = importance_bars({"price_of_the_nearest_neighbours_out_of_fold": 1.0})
    assert figure.layout.yaxis.ticktext[0].endswith("…")
    assert "Price of the nearest neighbours out of fold" in figure.data[0].hovertext[0]


def test_a_location_class_is_no_markup() -> None:
    figure = importance_bars({"ocean_proximity_<1H OCEAN": 1.0})
    assert "&lt;1H" in figure.layout.yaxis.ticktext[0]
    assert "&lt;1H OCEAN: 100.0 %" in figure.data[0].hovertext[0]


def test_a_permutation_importance_below_zero_is_drawn_below_zero() -> None:
    figure = importance_bars({"latitude": 2.0, "households": -0.1})
    assert figure.data[0].x[1] == pytest.approx(-5.0)
    assert figure.layout.xaxis.range[0] < -5.0


@given(st.dictionaries(st.text(min_size=1), st.floats(0.001, 1e9), min_size=1, max_size=30))
def test_the_bars_sum_to_a_hundred_percent(importance: dict[str, float]) -> None:
    assert sum(importance_bars(importance).data[0].x) == pytest.approx(100.0)
