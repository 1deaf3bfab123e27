"""The learning curve while it grows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.learning import learning_curve

# A booster's usual course: steep, then flat.
COURSE = [(step, 45_000 + 70_000 * math.exp(-step / 30)) for step in range(1, 201)]


def drawn(count: int, reference: float | None = 48_677.0):
    return learning_curve(COURSE[:count], unit="trees", total=200, reference=reference, reference_name="champion")


@pytest.mark.parametrize("count", [1, 2, 200])
def test_the_curve_is_the_points(count: int) -> None:
    curve, latest = drawn(count).data
    assert list(zip(curve.x, curve.y, strict=True)) == COURSE[:count]
    assert (latest.x[0], latest.y[0]) == COURSE[count - 1]


@pytest.mark.parametrize("count", [1, 2])
def test_one_and_two_points_show_as_marks(count: int) -> None:
    assert drawn(count).data[0].mode == "lines+markers"


def test_the_horizontal_axis_never_moves() -> None:
    assert len({tuple(drawn(count).layout.xaxis.range) for count in (1, 2, 50, 200)}) == 1
    assert drawn(1).layout.xaxis.range[0] == 0


def test_with_a_champion_to_beat_the_vertical_axis_hardly_moves() -> None:
    assert len({tuple(drawn(count).layout.yaxis.range) for count in (1, 2, 5, 20, 80, 200)}) <= 2


@given(st.lists(st.floats(100, 900_000), min_size=1, max_size=30), st.none() | st.floats(100, 900_000))
def test_points_and_reference_lie_within_the_axis(scores: list[float], reference: float | None) -> None:
    figure = learning_curve(list(enumerate(scores, 1)), unit="trees", total=30, reference=reference)
    low, high = figure.layout.yaxis.range
    everything = [*scores, *([] if reference is None else [reference])]
    assert 0 <= low < min(everything)
    assert max(everything) < high
    assert high - low >= 20_000 or low == 0


def test_the_champion_is_a_dashed_line_with_its_name_and_figure() -> None:
    layout = drawn(5).layout
    (line,) = layout.shapes
    assert (line.y0, line.y1, line.line.dash) == (48_677.0, 48_677.0, "dash")
    assert layout.annotations[0].text == "champion $48,677"


@pytest.mark.parametrize("reference", [None, math.nan])
def test_without_a_champion_there_is_no_line(reference: float | None) -> None:
    layout = drawn(5, reference).layout
    assert not layout.shapes
    assert not layout.annotations


def test_the_latest_score_is_written_out() -> None:
    assert drawn(200).layout.title.subtitle.text == "$45,089 after 200 of 200 trees"


def test_the_unit_is_in_axis_and_hover() -> None:
    figure = learning_curve([(10, 5e4)], unit="iterations", total=20)
    assert figure.layout.xaxis.title.text == "Grown so far (iterations)"
    assert "%{x:,} iterations: RMSE %{y:$,.0f}" in figure.data[0].hovertemplate
    assert figure.layout.yaxis.title.text == "RMSE on held-out rows (1990 $)"


def test_points_come_in_any_order_and_gaps_are_passed_over() -> None:
    curve = learning_curve([(3, 3e4), (1, 5e4), (2, math.nan)], unit="trees", total=5).data[0]
    np.testing.assert_array_equal(curve.x, [1, 3])


def test_more_trees_than_promised_widen_the_axis() -> None:
    assert learning_curve([(120, 5e4)], unit="trees", total=100).layout.xaxis.range[1] >= 120
