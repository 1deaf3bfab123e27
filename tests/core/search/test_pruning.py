"""Giving up on a trial: late enough, seldom enough, never in a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial, TrialState
from core.search.pruning import FEWEST_COMPLETE, should_prune
from tests.core.search.sweeps import FOREST, LIGHTGBM

PLAN = SweepPlan.search(LIGHTGBM, trials=50)
GRID = SweepPlan.grid(FOREST, {"n_estimators": (100, 200)}, repeats=10)
STEPS = 30


def course(end: float, count: int = STEPS) -> tuple[tuple[int, float], ...]:
    """Steep, then flat, down to ``end`` at the last of 30 steps."""
    return tuple((step, end + 20_000.0 * (1 / step - 1 / STEPS)) for step in range(1, count + 1))


def others(count: int, state: TrialState = TrialState.COMPLETE) -> list[Trial]:
    ends = [40_000.0 + 100.0 * number for number in range(count)]
    return [
        Trial(number, LIGHTGBM, state, "j", cv_rmse=end if state is TrialState.COMPLETE else None, steps=course(end))
        for number, end in enumerate(ends)
    ]


def test_a_trial_above_the_median_is_given_up_and_one_below_goes_on() -> None:
    assert should_prune(PLAN, others(9), course(40_500.0, 20))
    assert not should_prune(PLAN, others(9), course(40_300.0, 20))


def test_the_first_third_is_left_alone() -> None:
    hopeless = course(90_000.0)
    verdicts = [should_prune(PLAN, others(9), hopeless[:count]) for count in range(1, STEPS + 1)]
    assert verdicts == [False] * (STEPS // 3) + [True] * (STEPS - STEPS // 3)


@pytest.mark.parametrize("count", range(FEWEST_COMPLETE))
def test_too_few_complete_trials_prune_nothing(count: int) -> None:
    assert not should_prune(PLAN, others(count), course(90_000.0, 20))


@pytest.mark.parametrize("state", [state for state in TrialState if state is not TrialState.COMPLETE])
def test_only_complete_trials_are_compared_with(state: TrialState) -> None:
    assert not should_prune(PLAN, others(20, state), course(90_000.0, 20))


def test_a_grid_is_never_pruned() -> None:
    assert not should_prune(GRID, others(20), course(90_000.0, 20))


def test_a_trial_without_a_step_is_not_judged() -> None:
    assert not should_prune(PLAN, others(20), ())


def test_trials_of_a_family_that_reports_no_steps_prune_nothing() -> None:
    silent = [Trial(number, LIGHTGBM, TrialState.COMPLETE, "j", cv_rmse=4e4) for number in range(20)]
    assert not should_prune(PLAN, silent, course(90_000.0, 20))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.filterwarnings("error")
def test_scores_that_are_no_number_are_given_up(value: float) -> None:
    assert should_prune(PLAN, others(9), [(step, value) for step in range(1, 21)])


@given(st.lists(st.floats(30_000, 90_000), min_size=1, max_size=STEPS), st.integers(0, 12))
@settings(max_examples=50, deadline=None)
def test_a_trial_below_all_others_always_goes_on(scores: Sequence[float], count: int) -> None:
    steps = [(step, score - 61_000.0) for step, score in enumerate(scores, start=1)]
    assert not should_prune(PLAN, others(count), steps)
