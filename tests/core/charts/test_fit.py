"""The fit and what it leaves over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.fit import fit_plot, residual_plot
from core.charts.palette import ACCENT, family_colour
from core.domain.money import SURVEY_CAP

ACTUAL = np.array([100_000.0, 200_000.0, 500_001.0, 0.0])
PREDICTED = np.array([110_000.0, 190_000.0, 440_000.0, 5_000.0])


def test_the_points_are_the_data() -> None:
    points = fit_plot(ACTUAL, PREDICTED, name="Ridge").data[0]
    np.testing.assert_array_equal(points.x, ACTUAL)
    np.testing.assert_array_equal(points.y, PREDICTED)
    assert points.marker.color == ACCENT


def test_a_model_keeps_its_familys_colour() -> None:
    colour = family_colour("lightgbm")
    assert fit_plot(ACTUAL, PREDICTED, name="L", colour=colour).data[0].marker.color == colour
    assert residual_plot(ACTUAL, PREDICTED, name="L", colour=colour).data[0].marker.color == colour


def test_the_perfect_line_is_the_diagonal_of_two_equal_axes() -> None:
    figure = fit_plot(ACTUAL, PREDICTED, name="Ridge")
    line = figure.data[1]
    assert line.name == "perfect estimate"
    assert list(line.x) == list(line.y) == list(figure.layout.xaxis.range) == list(figure.layout.yaxis.range)
    assert (figure.layout.yaxis.scaleanchor, figure.layout.yaxis.scaleratio) == ("x", 1)


def test_ticks_are_thousands_of_dollars() -> None:
    layout = fit_plot(ACTUAL, PREDICTED, name="Ridge").layout
    assert layout.xaxis.tickformat == layout.yaxis.tickformat == "$~s"


def test_the_survey_cap_is_marked_and_named() -> None:
    layout = fit_plot(ACTUAL, PREDICTED, name="Ridge").layout
    assert [(shape.x0, shape.x1) for shape in layout.shapes] == [(SURVEY_CAP, SURVEY_CAP)]
    assert [note.text for note in layout.annotations] == ["survey cap"]


def test_the_hover_says_row_prices_and_how_far_off_in_which_direction() -> None:
    points = fit_plot(ACTUAL, PREDICTED, name="Ridge", row_ids=[7, 8, 9, 10]).data[0]
    assert points.hovertemplate == (
        "Row %{customdata}<br>Recorded %{x:$,.0f}<br>Predicted %{y:$,.0f}<br>Error %{text}<extra></extra>"
    )
    assert list(points.customdata) == [7, 8, 9, 10]
    assert list(points.text) == [
        "+$10,000 (10.0 % too high)",
        "−$10,000 (5.0 % too low)",
        "−$60,001 (12.0 % too low)",
        "+$5,000",
    ]


def test_residuals_are_recorded_minus_predicted() -> None:
    figure = residual_plot(ACTUAL, PREDICTED, name="Ridge")
    np.testing.assert_array_equal(figure.data[0].x, PREDICTED)
    np.testing.assert_array_equal(figure.data[0].y, ACTUAL - PREDICTED)
    assert figure.layout.yaxis.title.text == "Recorded − predicted (1990 $)"
    assert figure.data[0].text[0] == "Recorded $100,000<br>Residual −$10,000 (10.0 % too high)"
    assert [(shape.y0, shape.y1) for shape in figure.layout.shapes] == [(0, 0)]


def test_rows_without_a_number_are_left_out_and_counted() -> None:
    actual, predicted = np.append(ACTUAL, [np.nan, 1e5]), np.append(PREDICTED, [1e5, np.inf])
    for plot in (fit_plot, residual_plot):
        figure = plot(actual, predicted, name="Ridge", row_ids=[0, 1, 2, 3, 4, 5])
        assert len(figure.data[0].x) == 4
        assert list(figure.data[0].customdata) == [0, 1, 2, 3]
        said = figure.layout.title.subtitle.text.replace("<br>", " ")
        assert "4 held-out block groups" in said
        assert "2 rows without a number left out" in said


def test_a_row_keeps_its_id_when_an_earlier_one_is_left_out() -> None:
    figure = fit_plot([np.nan, 1e5], [1e5, 1.1e5], name="Ridge", row_ids=[40, 41])
    assert list(figure.data[0].customdata) == [41]


def test_only_unusable_rows_are_an_empty_figure_that_counts_them() -> None:
    (note,) = fit_plot([np.nan], [1.0], name="Ridge").layout.annotations
    assert "1 row without a number left out" in note.text


def test_arrays_of_different_length_are_refused_with_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(4,\) and predicted \(3,\)"):
        fit_plot(ACTUAL, PREDICTED[:3], name="Ridge")


def test_the_name_is_text_and_no_markup() -> None:
    assert "&lt;b&gt;" in fit_plot(ACTUAL, PREDICTED, name="<b>").layout.title.subtitle.text


def test_under_twenty_rows_there_is_no_trend() -> None:
    assert [trace.name for trace in residual_plot(ACTUAL, PREDICTED, name="Ridge").data] == ["block group"]


def test_the_trend_is_drawn_over_the_points_and_its_hover_gives_the_band() -> None:
    actual = np.linspace(1e5, 4e5, 200)
    figure = residual_plot(actual, actual - 5_000, name="Ridge")
    assert [trace.name for trace in figure.data] == ["block group", "middle 80 %", "median"]
    median = figure.data[2]
    np.testing.assert_allclose(median.y, 5_000)
    assert median.text[0] == "median residual +$5,000,<br>80 % between $5,000 and $5,000"


@given(st.lists(st.tuples(st.floats(-1e6, 2e6), st.floats(-1e6, 2e6)), min_size=1, max_size=50))
def test_every_point_lies_within_the_axes(pairs: list[tuple[float, float]]) -> None:
    actual, predicted = np.array(pairs).T
    low, high = fit_plot(actual, predicted, name="Ridge").layout.xaxis.range
    assert low <= min(actual.min(), predicted.min(), 0)
    assert high >= max(actual.max(), predicted.max(), SURVEY_CAP)
