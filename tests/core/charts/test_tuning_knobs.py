"""All trials over all knobs, and which knob matters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.charts.palette import family_colour
from core.charts.tuning import NO_SCORE
from core.charts.tuning_knobs import knob_importance_bars, parallel_coordinates
from core.domain.hyperparameters import ModelFamily
from core.domain.sweeps import TrialState
from tests.core.charts.sweeps import RIDGE, scored, sweep, trial


def lines(trace) -> list[list[tuple[float, float]]]:
    """The lines of one trace: its points between the gaps."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(trace.x, trace.y, strict=True):
        if x is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return [line for line in found if line]


def test_a_line_runs_over_every_knob_to_the_score() -> None:
    best = trial(0, 41_000.0, learning_rate=0.06, n_estimators=2_100)
    worst = trial(1, 43_000.0, learning_rate=0.01, n_estimators=1_100)
    figure = parallel_coordinates(sweep([best, worst]))
    assert lines(figure.data[-1]) == [[(pytest.approx(0.25), 0), (1.0, 1), (0.0, 2)]]
    assert lines(figure.data[0]) == [[(0.0, 0), (0.5, 1), (1.0, 2)]]


def test_the_axes_are_named_with_their_ends() -> None:
    figure = parallel_coordinates(sweep(scored([43_000.0, 41_000.0])))
    assert list(figure.layout.yaxis.ticktext) == [
        "Learning rate<br>0.01 to 0.21",
        "Trees<br>100 to 2,100",
        "<b>RMSE (1990 $)</b><br>$41,000 to $43,000",
    ]
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < 0 < 2 < bottom
    assert figure.layout.xaxis.title.text


def test_a_logarithmic_knob_is_spread_by_ratio() -> None:
    figure = parallel_coordinates(sweep([trial(0, 68_000.0, plan=RIDGE, alpha=1.0)], RIDGE))
    assert figure.data[-1].x[0] == pytest.approx(0.5)
    assert figure.layout.yaxis.ticktext[0] == "Penalty<br>0.01 to 100, log"


@given(st.lists(st.floats(20_000, 200_000), min_size=1, max_size=20))
def test_each_complete_trial_is_one_line_within_the_axes(scores: list[float]) -> None:
    figure = parallel_coordinates(sweep(scored(scores)))
    drawn = [line for trace in figure.data for line in lines(trace)]
    assert len(drawn) == len(scores)
    assert all(0 <= x <= 1 for line in drawn for x, _ in line)


def test_the_best_is_drawn_last_and_boldest_and_the_worst_first_and_faintest() -> None:
    figure = parallel_coordinates(sweep(scored([40_000.0 + 100 * place for place in range(20)])))
    assert [trace.name for trace in figure.data] == [
        "worst quarter",
        "third quarter",
        "second quarter",
        "best quarter",
        "best",
    ]
    assert figure.data[-1].customdata[0].startswith("<b>Trial 1</b>, RMSE $40,000")
    assert figure.data[0].customdata[0].startswith("<b>Trial 20</b>")
    opacities = [float(trace.line.color.split(",")[-1].strip(" )")) for trace in figure.data[:-1]]
    assert opacities == sorted(opacities)
    assert figure.data[-1].line.color == family_colour("lightgbm")
    assert figure.data[-1].line.width > figure.data[0].line.width


def test_the_hover_tells_trial_score_and_knobs_at_every_point_of_the_line() -> None:
    (line,) = parallel_coordinates(sweep([trial(3, 41_000.0, learning_rate=0.06, n_estimators=500)])).data
    assert list(line.customdata) == ["<b>Trial 4</b>, RMSE $41,000<br>Learning rate 0.06, Trees 500"] * 3 + [None]


def test_a_hopeless_trial_ends_at_the_right_and_the_axis_says_that_there_is_more() -> None:
    scores = [*(42_000.0 + 100 * place for place in range(9)), 190_000.0]
    figure = parallel_coordinates(sweep(scored(scores)))
    assert lines(figure.data[0])[0][-1] == (1.0, 2)
    assert figure.layout.yaxis.ticktext[-1].endswith("+")
    assert "$190,000" in figure.data[0].customdata[0]


@pytest.mark.parametrize("state", [state for state in TrialState if state is not TrialState.COMPLETE])
def test_only_complete_trials_have_a_line(state: TrialState) -> None:
    figure = parallel_coordinates(sweep([*scored([42_000.0]), trial(1, state=state, steps=[(1, 5e4)])]))
    assert sum(len(lines(trace)) for trace in figure.data) == 1
    assert figure.layout.title.subtitle.text.startswith("1 complete trial;")


@pytest.mark.parametrize("rmse", [None, math.nan])
def test_without_a_score_the_picture_says_so(rmse: float | None) -> None:
    figure = parallel_coordinates(sweep([trial(0, rmse)]))
    assert not figure.data
    assert figure.layout.annotations[0].text == NO_SCORE


def test_equal_scores_are_drawn_too() -> None:
    figure = parallel_coordinates(sweep(scored([42_000.0, 42_000.0])))
    assert sum(len(lines(trace)) for trace in figure.data) == 2


def test_knobs_stand_under_their_labels_with_their_share_largest_on_top() -> None:
    figure = knob_importance_bars((("num_leaves", 0.75), ("reg_lambda", 0.25)), ModelFamily.LIGHTGBM)
    (bars,) = figure.data
    assert list(figure.layout.yaxis.ticktext) == ["Leaves", "L2 penalty"]
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]
    assert list(bars.x) == [75.0, 25.0]
    assert list(bars.text) == ["75.0 %", "25.0 %"]
    assert bars.marker.color == family_colour("lightgbm")
    assert figure.layout.xaxis.title.text == "Share of the RMSE's variance (%)"
    assert bars.hovertext[1].replace("<br>", " ") == (
        "L2 penalty alone explains 25.0 % of how the trials differ in RMSE, number 2 of 2 knobs"
    )


def test_while_no_share_is_known_the_picture_says_why() -> None:
    figure = knob_importance_bars((), ModelFamily.LIGHTGBM)
    assert not figure.data
    assert figure.layout.annotations[0].text == "Too few complete trials to say."
