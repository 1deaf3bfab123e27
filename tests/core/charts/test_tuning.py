"""A sweep as it goes, as a reader sees it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import NEUTRAL, family_colour
from core.charts.tuning import NO_SCORE, best_so_far, ceiling, rmse_range, slice_plot
from core.domain.errors import InvalidSpec
from core.domain.sweeps import TrialState
from tests.core.charts.sweeps import GRID, RIDGE, scored, sweep, trial

SCORES = st.lists(st.floats(20_000, 200_000), min_size=1, max_size=20)


def named(figure, name: str):
    return next(trace for trace in figure.data if trace.name == name)


def test_each_trial_stands_at_its_number_counted_from_one() -> None:
    points = named(best_so_far(sweep(scored([43_000.0, 41_000.0, 42_000.0]))), "complete")
    assert list(zip(points.x, points.y, strict=True)) == [(1, 43_000.0), (2, 41_000.0), (3, 42_000.0)]
    assert [data[-1] for data in points.customdata] == [0, 1, 2]


@given(SCORES)
def test_the_steps_fall_to_the_best(scores: list[float]) -> None:
    steps = named(best_so_far(sweep(scored(scores))), "best so far")
    assert list(steps.y) == [min(scores[:count]) for count in range(1, len(scores) + 1)]
    assert steps.line.shape == "hv"


def test_the_steps_go_on_to_the_last_ended_trial() -> None:
    trials = [*scored([43_000.0]), trial(1, state=TrialState.FAILED), trial(2, state=TrialState.RUNNING)]
    steps = named(best_so_far(sweep(trials)), "best so far")
    assert list(zip(steps.x, steps.y, strict=True)) == [(1, 43_000.0), (2, 43_000.0)]


def test_a_trial_given_up_has_its_own_symbol_and_stands_where_it_was_left() -> None:
    given_up = trial(1, state=TrialState.PRUNED, steps=[(1, 60_000.0), (2, 42_500.0)])
    figure = best_so_far(sweep([*scored([43_000.0]), given_up]))
    crosses, points = named(figure, "given up"), named(figure, "complete")
    assert (list(crosses.x), list(crosses.y)) == ([2], [42_500.0])
    assert crosses.marker.symbol != points.marker.symbol
    assert figure.layout.showlegend
    assert crosses.customdata[0][0].startswith("<b>Trial 2</b>, given up after 2 steps<br>RMSE $42,500 so far")


def test_a_trial_given_up_is_never_the_best() -> None:
    given_up = trial(1, state=TrialState.PRUNED, steps=[(1, 30_000.0)])
    figure = best_so_far(sweep([*scored([43_000.0]), given_up]))
    assert min(named(figure, "best so far").y) == 43_000.0
    assert figure.layout.title.subtitle.text.startswith("$43,000 in trial 1")


@pytest.mark.parametrize("state", [TrialState.FAILED, TrialState.CANCELLED, TrialState.RUNNING, TrialState.PRUNED])
def test_a_trial_without_a_score_is_not_drawn(state: TrialState) -> None:
    figure = best_so_far(sweep([*scored([43_000.0, 42_000.0]), trial(2, state=state)]))
    assert {value for trace in figure.data for value in trace.x if trace.mode == "markers"} == {1, 2}
    assert all(value > 0 for trace in figure.data for value in trace.y)


@pytest.mark.parametrize("rmse", [math.nan, math.inf, None])
def test_a_complete_trial_without_a_number_is_not_drawn(rmse: float | None) -> None:
    figure = best_so_far(sweep([*scored([43_000.0]), trial(1, rmse)]))
    assert list(named(figure, "complete").y) == [43_000.0]


def test_what_failed_and_what_was_cancelled_is_counted() -> None:
    states = [TrialState.FAILED, TrialState.CANCELLED, TrialState.CANCELLED, TrialState.RUNNING]
    trials = [*scored([43_000.0]), *(trial(place, state=state) for place, state in enumerate(states, start=1))]
    text = best_so_far(sweep(trials)).layout.title.subtitle.text.replace("<br>", " ")
    assert text == "$43,000 in trial 1; 4 of 20 trials ended; 1 failed; 2 cancelled"


def test_the_hover_tells_trial_score_and_the_knobs_that_vary() -> None:
    one = trial(6, 42_310.4, learning_rate=0.035, n_estimators=1_200)
    (data,) = named(best_so_far(sweep([one])), "complete").customdata
    assert data[0] == "<b>Trial 7</b>, RMSE $42,310<br>Learning rate 0.035, Trees 1,200"


def test_the_hover_of_a_grid_tells_the_seed() -> None:
    (data,) = named(best_so_far(sweep([trial(0, 49_000.0, plan=GRID, n_estimators=150)], GRID)), "complete").customdata
    assert data[0].endswith("Trees 150, seed 42")


def test_the_axes_are_named_and_the_horizontal_one_spans_the_whole_plan() -> None:
    ranges = set()
    for count in (1, 5, 20):
        layout = best_so_far(sweep(scored([42_000.0] * count))).layout
        ranges.add(tuple(layout.xaxis.range))
        assert (layout.xaxis.title.text, layout.yaxis.title.text) == ("Trial", "RMSE in cross-validation (1990 $)")
    ((low, high),) = ranges
    assert low < 1 < 20 < high


@given(SCORES)
def test_every_point_is_in_the_picture_and_the_hover_keeps_the_true_figure(scores: list[float]) -> None:
    figure = best_so_far(sweep(scored(scores)))
    low, high = figure.layout.yaxis.range
    points = named(figure, "complete")
    assert all(low <= rmse <= high for rmse in points.y)
    for rmse, data in zip(scores, points.customdata, strict=True):
        assert f"RMSE ${rmse:,.0f}<br>" in data[0]


def test_a_hopeless_trial_stands_at_the_edge_and_is_counted() -> None:
    figure = best_so_far(sweep(scored([*(42_000.0 + 100 * place for place in range(9)), 190_000.0])))
    top = figure.layout.yaxis.range[1]
    assert top < 50_000
    assert named(figure, "complete").y[-1] == top
    assert f"1 above ${top:,.0f} at the edge" in figure.layout.title.subtitle.text.replace("<br>", " ")


@pytest.mark.parametrize("trials", [[], [trial(0, state=TrialState.RUNNING)], [trial(0, state=TrialState.FAILED)]])
def test_without_a_score_the_picture_says_so(trials) -> None:
    for figure in (best_so_far(sweep(trials)), slice_plot(sweep(trials), "learning_rate")):
        assert not figure.data
        assert figure.layout.annotations[0].text == NO_SCORE


def test_trials_given_up_alone_are_drawn_without_a_best() -> None:
    figure = best_so_far(sweep([trial(0, state=TrialState.PRUNED, steps=[(1, 6e4)])]))
    assert [trace.name for trace in figure.data] == ["given up"]
    assert figure.layout.title.subtitle.text == "1 of 20 trials ended"


@given(SCORES)
def test_the_range_holds_the_best_and_half_of_the_others(scores: list[float]) -> None:
    low, high = rmse_range(scores)
    assert 0 <= low < min(scores)
    assert sum(rmse <= ceiling(scores) for rmse in scores) >= len(scores) / 2
    assert ceiling(scores) < high


def test_a_slice_has_the_knob_below_and_the_score_beside_it() -> None:
    one, other = trial(0, 43_000.0, learning_rate=0.05), trial(1, 42_000.0, learning_rate=0.1)
    figure = slice_plot(sweep([one, other]), "learning_rate")
    points = named(figure, "complete")
    assert list(zip(points.x, points.y, strict=True)) == [(0.05, 43_000.0), (0.1, 42_000.0)]
    assert figure.layout.xaxis.title.text == "Learning rate"
    assert figure.layout.yaxis.title.text == "RMSE in cross-validation (1990 $)"
    assert figure.layout.title.text == "RMSE by learning rate"
    assert points.customdata[1][0].startswith("<b>Trial 2</b>, RMSE $42,000<br>Learning rate 0.1")


def test_a_slice_rings_the_best_and_colours_the_late() -> None:
    figure = slice_plot(sweep(scored([43_000.0, 41_000.0, 42_000.0])), "learning_rate")
    ring, points = named(figure, "best"), named(figure, "complete")
    assert (ring.x[0], ring.y[0]) == (points.x[1], points.y[1])
    assert list(points.marker.color) == [0, 1, 2]
    assert [colour for _, colour in points.marker.colorscale] == [NEUTRAL, family_colour("lightgbm")]
    assert (points.marker.cmin, points.marker.cmax) == (0, 19)


def test_a_slice_spans_the_plans_range() -> None:
    low, high = slice_plot(sweep(scored([42_000.0])), "learning_rate").layout.xaxis.range
    assert 0 <= low < 0.01
    assert 0.21 < high < 0.25


def test_a_logarithmic_knob_has_a_logarithmic_axis() -> None:
    figure = slice_plot(sweep([trial(0, 68_000.0, plan=RIDGE, alpha=1.0)], RIDGE), "alpha")
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.xaxis.range == pytest.approx((-2.2, 2.2))
    assert figure.layout.xaxis.title.text == "Penalty (logarithmic)"


def test_a_hopeless_trial_of_a_slice_stands_at_the_edge() -> None:
    figure = slice_plot(sweep(scored([*(42_000.0 + 100 * place for place in range(9)), 190_000.0])), "learning_rate")
    assert named(figure, "complete").y[-1] == figure.layout.yaxis.range[1]
    assert "1 above" in figure.layout.title.subtitle.text


def test_a_slice_of_a_knob_that_does_not_vary_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="num_leaves does not vary"):
        slice_plot(sweep([]), "num_leaves")
