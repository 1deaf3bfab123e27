"""Where a model is wrong, on the map."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from core.charts.error_map import difference_map, error_map
from core.charts.palette import DIVERGING
from core.domain.geography import MAINLAND
from core.workflows.comparison_views import Comparison
from tests.core.charts.compared import BETTER, EQUAL, HOSTILE, compared
from tests.core.charts.test_theme import AA_MARK, SCHEMES, SEEN_BY, THEME, contrast, difference, rgb

EAST, NORTH = np.array([-122.0, -118.0, -120.0]), np.array([37.5, 34.0, 36.5])
ACTUAL, PREDICTED = np.array([200_000.0, 300_000.0, 100_000.0]), np.array([190_000.0, 350_000.0, 100_000.0])


def points(figure):
    return next(trace for trace in figure.data if trace.mode == "markers")


def test_each_row_stands_at_its_place_with_its_residual_the_largest_on_top() -> None:
    drawn = points(error_map(EAST, NORTH, ACTUAL, PREDICTED, name="forest"))
    assert list(drawn.marker.color) == [0.0, 10_000.0, -50_000.0]
    assert list(drawn.x) == [-120.0, -122.0, -118.0]
    assert list(drawn.y) == [36.5, 37.5, 34.0]
    assert list(drawn.marker.size) == sorted(drawn.marker.size)


def test_the_hover_tells_row_prices_and_direction() -> None:
    drawn = points(error_map(EAST, NORTH, ACTUAL, PREDICTED, name="forest", row_ids=[7, 8, 9]))
    assert drawn.text[2] == ("Row 8<br>Recorded $300,000<br>Predicted $350,000<br>Residual −$50,000, estimate too high")
    assert drawn.text[0].endswith("Residual $0, as recorded")
    assert list(drawn.customdata) == [9, 7, 8]


def test_the_colours_are_centred_at_zero_and_one_row_does_not_stretch_them() -> None:
    rows = 400
    actual = np.full(rows, 200_000.0)
    predicted = actual + np.linspace(-10_000, 10_000, rows)
    predicted[0] = 5_000_000.0
    marker = points(error_map(np.full(rows, -120.0), np.full(rows, 37.0), actual, predicted, name="forest")).marker
    assert marker.cmin == -marker.cmax
    assert marker.cmax == pytest.approx(9_500, rel=0.02)
    assert marker.colorbar.title.text == "Recorded − predicted (1990 $)"
    assert marker.colorbar.tickformat == "$~s"


def test_a_mile_is_as_long_in_both_directions_and_the_state_is_outlined() -> None:
    figure = error_map(EAST, NORTH, ACTUAL, PREDICTED, name="forest")
    assert figure.layout.yaxis.scaleanchor == "x"
    assert figure.layout.yaxis.scaleratio == pytest.approx(1 / math.cos(math.radians(37.3)))
    outline = figure.data[1]
    assert list(zip(outline.x, outline.y, strict=True)) == list(MAINLAND)
    for axis, places in ((figure.layout.xaxis, outline.x), (figure.layout.yaxis, outline.y)):
        assert axis.range[0] < min(places) < max(places) < axis.range[1]


def test_nothing_of_the_map_comes_from_a_server() -> None:
    figure = error_map(EAST, NORTH, ACTUAL, PREDICTED, name="forest")
    assert {trace.type for trace in figure.data} == {"scatter"}


def test_rows_without_a_number_or_a_place_are_left_out_and_counted() -> None:
    figure = error_map([-122.0, math.nan, -120.0], NORTH, ACTUAL, [190_000.0, 1.0, math.nan], name="forest")
    assert len(points(figure).x) == 1
    assert "2 rows without a number left out" in figure.layout.title.subtitle.text.replace("<br>", " ")


def test_without_rows_the_picture_says_so() -> None:
    figure = error_map([], [], [], [], name="forest")
    assert not figure.data
    assert figure.layout.annotations[0].text == "No held-out rows to draw."


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="places have shapes"):
        error_map(EAST[:2], NORTH, ACTUAL, PREDICTED, name="forest")


def test_a_models_name_is_text_and_no_markup() -> None:
    assert "<script" not in error_map(EAST, NORTH, ACTUAL, PREDICTED, name=HOSTILE).layout.title.subtitle.text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_shade_stands_out_from_paper_and_from_night(scheme: str) -> None:
    ends = [rgb(colour) for colour in DIVERGING]
    shades = [one + (other - one) * share for one, other in itertools.pairwise(ends) for share in np.linspace(0, 1, 9)]
    assert min(contrast(shade, rgb(THEME[scheme]["backgroundColor"])) for shade in shades) >= AA_MARK * 0.95


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_too_high_right_and_too_low_differ_for_colour_blind_eyes_too(eyes: str) -> None:
    assert min(difference(*pair, SEEN_BY[eyes]) for pair in itertools.combinations(DIVERGING, 2)) > 8


def cells(comparison: Comparison, run_id: str) -> dict[tuple[float, float], float]:
    heat = difference_map(comparison, run_id).data[0]
    return {
        (x, y): float(heat.z[row][column])
        for row, y in enumerate(heat.y)
        for column, x in enumerate(heat.x)
        if np.isfinite(heat.z[row][column])
    }


def test_a_cell_has_the_runs_rmse_minus_the_baselines() -> None:
    assert cells(compared(), BETTER.run_id) == {
        (-122.25, 37.75): -5_000.0,
        (-121.75, 37.25): 2_000.0,
        (-118.25, 34.25): -5_000.0,
    }


def test_a_cell_without_a_figure_is_left_out() -> None:
    assert cells(compared(), EQUAL.run_id) == {(-122.25, 37.75): 0.0, (-121.75, 37.25): 100.0}


def test_a_cells_hover_tells_rows_both_figures_and_the_difference() -> None:
    words = [one for row in difference_map(compared(), BETTER.run_id).data[0].text for one in row if one]
    assert "120 rows<br>boosted: $47,000<br>forest 150: $52,000<br>Difference −$5,000" in words


def test_a_map_that_cannot_be_drawn_says_why() -> None:
    gone = replace(compared(), cells=None, where_missing="The data file is no longer the runs' own.")
    for figure in (difference_map(gone, BETTER.run_id), difference_map(compared(), "id3")):
        assert not figure.data
    assert difference_map(gone, BETTER.run_id).layout.annotations[0].text.startswith("The data file is no longer")
