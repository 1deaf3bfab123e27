"""The next spec: in range, on the slider, never twice, and the same each time it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings

from core.domain.hyperparameters import KNOBS
from core.domain.settings import PROJECT_ROOT
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial, TrialState
from core.search.proposal import propose
from core.search.space import axes_of
from tests.core.search.sweeps import FOREST, LIGHTGBM, RIDGE, histories, landscape, on_slider, searches, trial


def searched(plan: SweepPlan, count: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        spec = propose(plan, trials, number)
        trials.append(trial(number, spec, rmse=landscape(spec)))
    return trials


@given(histories())
@settings(max_examples=40, deadline=None)
def test_a_proposal_lies_in_range_and_on_the_slider(history) -> None:
    plan, trials = history
    spec = propose(plan, trials, max(1, len(trials)))
    for one, axis in zip(plan.varied, axes_of(plan), strict=True):
        knob, value = KNOBS[plan.family][one.name], spec.values[one.name]
        assert one.low <= value <= one.high
        assert type(value) is type(one.low)
        has_a_stop = axis.points != (one.low, one.high)
        assert on_slider(knob, value) or not has_a_stop


@given(histories())
@settings(max_examples=40, deadline=None)
def test_what_does_not_vary_stays_as_in_the_base(history) -> None:
    plan, trials = history
    spec = propose(plan, trials, len(trials))
    varied = {one.name for one in plan.varied}
    assert (spec.family, spec.seed) == (plan.family, plan.base.seed)
    assert {name: value for name, value in spec.values.items() if name not in varied} == {
        name: value for name, value in plan.base.values.items() if name not in varied
    }


@given(histories())
@settings(max_examples=40, deadline=None)
def test_the_same_question_has_the_same_answer_in_whatever_order_the_trials_come(history) -> None:
    plan, trials = history
    assert propose(plan, trials, len(trials)) == propose(plan, trials[::-1], len(trials))


@given(histories())
@settings(max_examples=40, deadline=None)
def test_no_spec_is_tried_twice_while_others_are_left(history) -> None:
    plan, trials = history
    specs = [one.spec for one in trials]
    untried_left = len(set(specs)) < _size(plan)
    assert propose(plan, trials, len(trials)) not in specs or not untried_left


@given(searches())
@settings(max_examples=40, deadline=None)
def test_a_search_starts_from_its_base_if_that_is_in_range(plan: SweepPlan) -> None:
    inside = all(one.low <= plan.base.values[one.name] <= one.high for one in plan.varied)
    assert (propose(plan, [], 0) == plan.base) == inside


def test_workers_who_ask_while_others_are_under_way_get_different_specs() -> None:
    plan = SweepPlan.search(LIGHTGBM, trials=60, workers=8)
    trials = searched(plan, 20)
    for number in range(20, 28):
        trials.append(trial(number, propose(plan, trials, number), TrialState.RUNNING))
    assert len({one.spec for one in trials}) == 28


def test_a_small_space_is_searched_to_its_last_spec_and_only_then_again() -> None:
    plan = SweepPlan.search(FOREST, {"max_depth": (19, 21), "min_samples_leaf": (1, 3)}, trials=11)
    specs = []
    trials: list[Trial] = []
    for number in range(11):
        specs.append(propose(plan, trials, number))
        trials.append(trial(number, specs[-1], rmse=50_000.0 + number))
    assert len(set(specs[:9])) == 9
    assert set(specs[9:]) <= set(specs[:9])


def test_a_range_within_one_step_of_the_slider_has_its_ends() -> None:
    plan = SweepPlan.search(FOREST, {"max_features": (0.31, 0.33)}, trials=2)
    trials = searched_forest(plan, 2)
    assert {one.spec.values["max_features"] for one in trials} == {0.31, 0.33}


def test_the_trial_that_asks_does_not_stand_in_its_own_way() -> None:
    plan = SweepPlan.search(LIGHTGBM, trials=30)
    trials = searched(plan, 12)
    spec = propose(plan, trials, 12)
    assert propose(plan, [*trials, trial(12, spec, TrialState.RUNNING)], 12) == spec


def test_a_penalty_is_searched_by_ratio() -> None:
    """Drawn evenly, nine in ten would lie in the top decade; by ratio each of the six has its share."""
    plan = SweepPlan.search(RIDGE, trials=500)
    drawn = [propose(plan, [], number).values["alpha"] for number in range(1, 61)]
    for decade in range(-3, 3):
        assert sum(10.0**decade <= alpha < 10.0 ** (decade + 1) for alpha in drawn) >= 4


def test_the_search_finds_what_random_trials_do_not() -> None:
    plan = SweepPlan.search(LIGHTGBM, {"learning_rate": (0.005, 0.5), "num_leaves": (4, 255)}, trials=40)
    guided = min(one.cv_rmse for one in searched(plan, 40) if one.cv_rmse is not None)
    blind = min(landscape(propose(plan, [], number)) for number in range(1, 41))
    assert guided < blind


def test_a_bad_trial_teaches_and_a_failed_one_does_not() -> None:
    plan = SweepPlan.search(LIGHTGBM, trials=60)
    trials = searched(plan, 30)
    worst = max(trials, key=landscape_of)
    better = [trial(one.number, one.spec, rmse=30_000.0) if one is worst else one for one in trials]
    assert propose(plan, better, 30) != propose(plan, trials, 30)
    failed = Trial(30, worst.spec, TrialState.FAILED, "j", cv_rmse=None, reason="out of memory")
    cancelled = Trial(30, worst.spec, TrialState.CANCELLED, "j")
    assert propose(plan, [*trials, failed], 31) == propose(plan, [*trials, cancelled], 31)


def test_a_grid_names_its_specs_itself() -> None:
    plan = SweepPlan.grid(FOREST, {"n_estimators": (100, 150)}, repeats=2)
    assert [propose(plan, [], number) for number in range(4)] == [plan.grid_spec(number) for number in range(4)]


@pytest.mark.parametrize("score", [None, float("nan"), float("inf")])
def test_a_complete_trial_without_a_number_is_no_score(score: float | None) -> None:
    plan = SweepPlan.search(LIGHTGBM, trials=12)
    trials = [*searched(plan, 6), trial(6, LIGHTGBM, rmse=score)]
    failed = [*trials[:6], trial(6, LIGHTGBM, TrialState.FAILED)]
    assert propose(plan, trials, 7) == propose(plan, failed, 7)


def test_optuna_is_loaded_for_a_search_alone_and_says_nothing() -> None:
    code = (
        "import sys\n"
        "from core.domain.hyperparameters import TrainingSpec\n"
        "from core.domain.sweeps import SweepPlan\n"
        "from core.search.importance import knob_importance\n"
        "from core.search.proposal import propose\n"
        "from core.search.pruning import should_prune\n"
        "plan = SweepPlan.search(TrainingSpec.create('ridge'), trials=9)\n"
        "propose(plan, [], 0), should_prune(plan, [], [(1, 2.0)]), knob_importance(plan, [])\n"
        "assert 'optuna' not in sys.modules\n"
        "propose(plan, [], 1)\n"
        "assert 'optuna' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=PROJECT_ROOT, check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def searched_forest(plan: SweepPlan, count: int) -> list[Trial]:
    trials: list[Trial] = []
    for number in range(count):
        trials.append(trial(number, propose(plan, trials, number), rmse=50_000.0))
    return trials


def landscape_of(one: Trial) -> float:
    return landscape(one.spec)


def _size(plan: SweepPlan) -> int:
    size = 1
    for axis in axes_of(plan):
        size *= len(axis.points)
    return size
