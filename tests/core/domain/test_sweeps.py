"""A plan is whole and within its bounds, or there is none; a sweep says how its trials fared."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.sweep_plans import (
    FOLDS,
    LONGEST_MINUTES,
    MOST_TRIALS,
    MOST_WORKERS,
    PRESETS,
    SearchMethod,
    SweepPlan,
    Varied,
)
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from tests.core.search.sweeps import FOREST, RIDGE, searches

TREES = KNOBS[ModelFamily.RANDOM_FOREST]["n_estimators"]
SMALL_GRID = {"n_estimators": (100, 150, 200), "max_depth": (10, 20)}


@st.composite
def grids(draw: st.DrawFn) -> SweepPlan:
    """A grid of a forest, by any knobs, with workers and a time budget."""
    knobs = draw(st.lists(st.sampled_from(["n_estimators", "max_depth", "max_features"]), min_size=1, unique=True))
    value = {
        "n_estimators": st.integers(10, 500),
        "max_depth": st.integers(2, 40),
        "max_features": st.floats(0.1, 1.0),
    }
    choices = {name: draw(st.lists(value[name], min_size=2, max_size=4, unique=True)) for name in knobs}
    base = TrainingSpec.create(ModelFamily.RANDOM_FOREST, seed=draw(st.integers(0, 1000)))
    return SweepPlan.grid(
        base,
        choices,
        repeats=draw(st.integers(1, 5)),
        workers=draw(st.integers(1, MOST_WORKERS)),
        minutes=draw(st.none() | st.floats(0.01, LONGEST_MINUTES)),
    )


def test_without_ranges_a_search_takes_the_usual_ones() -> None:
    plan = SweepPlan.search(FOREST, trials=20)
    usual = {name: knob.search for name, knob in KNOBS[ModelFamily.RANDOM_FOREST].items() if knob.search}
    assert {one.name: (one.low, one.high) for one in plan.varied} == usual
    assert (plan.method, plan.repeats, plan.default_name) == (SearchMethod.TPE, 1, "random_forest_sweep_20_trials")


def test_the_ends_of_a_range_may_be_text() -> None:
    assert Varied.between(TREES, "100", "300") == Varied("n_estimators", 100, 300)


def test_the_values_of_a_grid_stand_once_and_in_order() -> None:
    assert Varied.over(TREES, ["300", 100, "100.0"]) == Varied("n_estimators", 100, 300, (100, 300))


@pytest.mark.parametrize(
    ("ranges", "what", "remedy"),
    [
        ({"n_estimators": (300, 100)}, "n_estimators should vary from 300 to 100", "between 10 and 500, the smaller"),
        ({"n_estimators": (100, 100)}, "which leaves no choice", "two different values"),
        ({"n_estimators": (100, 1000)}, "n_estimators is 1000: outside 10 to 500", "from 10 to 500"),
        ({"n_estimators": (100, "many")}, "not a number", "a whole number"),
        ({"learning_rate": (0.1, 0.2)}, "random_forest has no hyperparameter learning_rate", "It has n_estimators"),
        ({}, "No knob varies", "Choose from n_estimators"),
    ],
)
def test_a_search_over_a_wrong_range_is_refused(ranges: dict, what: str, remedy: str) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        SweepPlan.search(FOREST, ranges, trials=5)
    assert what in refusal.value.what
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    ("choices", "what", "remedy"),
    [
        ({"n_estimators": (100,)}, "n_estimators has fewer than two values to try", "at least two"),
        ({"n_estimators": (100, "100")}, "n_estimators has fewer than two values to try", "at least two"),
        ({"n_estimators": ()}, "n_estimators has fewer than two values to try", "at least two"),
        ({"n_estimators": (5, 100)}, "n_estimators is 5: outside", "from 10 to 500"),
        ({"trees": (1, 2)}, "random_forest has no hyperparameter trees", "It has n_estimators"),
        ({}, "No knob varies", "Choose from n_estimators"),
        ({"n_estimators": range(10, 310), "max_depth": (10, 20)}, "trials is 600", f"1 to {MOST_TRIALS}"),
    ],
)
def test_a_grid_over_wrong_values_is_refused(choices: dict, what: str, remedy: str) -> None:
    with pytest.raises(InvalidSpec) as refusal:
        SweepPlan.grid(FOREST, choices)
    assert what in refusal.value.what
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize("trials", [0, -1, MOST_TRIALS + 1])
def test_a_number_of_trials_out_of_bounds_is_refused(trials: int) -> None:
    with pytest.raises(InvalidSpec, match=f"trials is {trials}") as refusal:
        SweepPlan.search(FOREST, trials=trials)
    assert f"1 to {MOST_TRIALS}" in refusal.value.remedy


@pytest.mark.parametrize("workers", [0, MOST_WORKERS + 1])
def test_a_number_of_workers_out_of_bounds_is_refused(workers: int) -> None:
    with pytest.raises(InvalidSpec, match=f"workers is {workers}") as refusal:
        SweepPlan.search(FOREST, trials=5, workers=workers)
    assert f"1 to {MOST_WORKERS}" in refusal.value.remedy


@pytest.mark.parametrize("repeats", [0, -2])
def test_a_grid_under_no_seed_is_refused(repeats: int) -> None:
    with pytest.raises(InvalidSpec, match=f"repeats is {repeats}") as refusal:
        SweepPlan.grid(FOREST, SMALL_GRID, repeats=repeats)
    assert f"1 to {MOST_TRIALS}" in refusal.value.remedy


@pytest.mark.parametrize("minutes", [0, -1.0, LONGEST_MINUTES + 1, float("nan"), float("inf")])
def test_a_time_budget_out_of_bounds_is_refused(minutes: float) -> None:
    with pytest.raises(InvalidSpec, match="time budget") as refusal:
        SweepPlan.search(FOREST, trials=5, minutes=minutes)
    assert "10,080 minutes" in refusal.value.remedy


@given(searches() | grids())
def test_a_plan_survives_the_way_through_json(plan: SweepPlan) -> None:
    assert SweepPlan.from_payload(json.loads(json.dumps(plan.as_payload()))) == plan


@given(grids())
def test_a_grid_judges_all_combinations_under_one_seed_before_the_next(plan: SweepPlan) -> None:
    specs = [plan.grid_spec(number) for number in range(plan.trials)]
    combinations = list(itertools.product(*(one.choices for one in plan.varied)))
    names = [one.name for one in plan.varied]
    assert plan.trials == len(combinations) * plan.repeats
    for repeat in range(plan.repeats):
        block = specs[repeat * len(combinations) : (repeat + 1) * len(combinations)]
        assert {spec.seed for spec in block} == {plan.base.seed + repeat}
        assert [tuple(spec.values[name] for name in names) for spec in block] == combinations
    assert len(set(specs)) == plan.trials


def test_a_grid_leaves_the_other_knobs_as_the_base_has_them() -> None:
    base = TrainingSpec.create("random_forest", {"min_samples_leaf": 7}, seed=3)
    spec = SweepPlan.grid(base, SMALL_GRID).grid_spec(5)
    assert spec == TrainingSpec.create(
        "random_forest", {"min_samples_leaf": 7, "n_estimators": 200, "max_depth": 20}, seed=3
    )


@pytest.mark.parametrize(
    ("trials", "workers", "fits"),
    [(20, 1, 40.0), (20, 4, 10.0), (20, 3, 40 / 3), (2, 8, 2.0)],
)
def test_the_work_of_a_sweep_is_shared_by_its_workers_and_by_no_more_than_its_trials(
    trials: int, workers: int, fits: float
) -> None:
    """Three folds fit on two thirds of the rows each: two whole fits a trial."""
    assert FOLDS == 3
    assert SweepPlan.search(FOREST, trials=trials, workers=workers).whole_fits == pytest.approx(fits)


def test_the_question_of_trees_asks_four_numbers_under_five_seeds() -> None:
    plan = PRESETS["number_of_trees"].plan(FOREST, workers=2, minutes=30)
    assert (plan.method, plan.trials, plan.repeats) == (SearchMethod.GRID, 20, 5)
    assert plan.varied == (Varied("n_estimators", 100, 300, (100, 150, 200, 300)),)
    assert (plan.workers, plan.minutes) == (2, 30)
    assert [plan.grid_spec(number).seed for number in (0, 3, 4, 19)] == [42, 42, 43, 46]


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_a_preset_is_a_valid_plan_of_its_family_and_of_no_other(preset) -> None:
    assert preset.label.endswith("?")
    assert preset.plan(TrainingSpec.create(preset.family)).trials <= MOST_TRIALS
    with pytest.raises(InvalidSpec, match=preset.family.label) as refusal:
        preset.plan(RIDGE)
    assert preset.family.value in refusal.value.remedy


def test_the_best_is_the_lowest_score_and_of_equal_ones_the_first() -> None:
    sweep = _sweep(
        _trial(0, 50_000.0),
        _trial(1, 48_000.0),
        _trial(2, None, TrialState.PRUNED),
        _trial(3, 48_000.0),
        _trial(4, None, TrialState.RUNNING),
    )
    assert [trial.number for trial in sweep.complete] == [1, 3, 0]
    assert sweep.best == sweep.trials[1]
    assert (sweep.ended, [trial.number for trial in sweep.under_way]) == (4, [4])
    assert (sweep.count(TrialState.COMPLETE), sweep.count(TrialState.PRUNED)) == (3, 1)


def test_a_sweep_without_a_score_has_no_best() -> None:
    assert _sweep().best is None
    assert _sweep(_trial(0, None, TrialState.FAILED), _trial(1, None, TrialState.RUNNING)).best is None


@given(st.lists(st.sampled_from(TrialState), max_size=20))
def test_the_share_is_what_has_ended_however_it_did(states: list[TrialState]) -> None:
    trials = [
        _trial(number, 1.0 if state is TrialState.COMPLETE else None, state) for number, state in enumerate(states)
    ]
    sweep = _sweep(*trials)
    running = states.count(TrialState.RUNNING)
    assert sweep.ended == len(states) - running
    assert sweep.ended + len(sweep.under_way) == len(states)
    assert sweep.share == pytest.approx(sweep.ended / sweep.plan.trials)
    assert 0 <= sweep.share <= 1


def test_work_is_counted_as_if_all_workers_had_always_been_busy() -> None:
    trials = [replace(_trial(number, 1.0), seconds=seconds) for number, seconds in enumerate((10.0, None, 20.0))]
    assert _sweep(*trials).work_seconds == 30.0
    assert _sweep(*trials, workers=4).work_seconds == 7.5


@pytest.mark.parametrize("state", SweepState)
def test_a_sweep_that_runs_or_is_paused_is_not_over(state: SweepState) -> None:
    assert state.is_final is (state not in (SweepState.RUNNING, SweepState.PAUSED))


def _trial(number: int, rmse: float | None, state: TrialState = TrialState.COMPLETE) -> Trial:
    return Trial(number, FOREST, state, f"trial-s-{number}", cv_rmse=rmse)


def _sweep(*trials: Trial, workers: int = 1) -> Sweep:
    plan = SweepPlan.search(FOREST, trials=20, workers=workers)
    return Sweep("s1", "a sweep", plan, "tester", SweepState.RUNNING, datetime(2025, 1, 1, tzinfo=UTC), trials)


def test_every_trial_of_a_sweep_has_the_features_of_its_base() -> None:
    base = TrainingSpec.create("ridge", features="location")
    plan = SweepPlan.grid(base, {"alpha": (0.1, 1.0)}, repeats=2)
    assert {plan.grid_spec(number).features for number in range(plan.trials)} == {base.features}
    assert SweepPlan.from_payload(plan.as_payload()) == plan
    assert plan.default_name == "ridge_sweep_4_trials_location"
    assert SweepPlan.grid(TrainingSpec.create("ridge"), {"alpha": (0.1, 1.0)}).default_name == "ridge_sweep_2_trials"
