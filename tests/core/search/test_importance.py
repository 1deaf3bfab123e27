"""Which knob matters."""

from __future__ import annotations

import numpy as np
import pytest

from core.domain.hyperparameters import TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial, TrialState
from core.search.importance import FEWEST_COMPLETE, knob_importance
from core.search.proposal import propose
from tests.core.search.sweeps import FOREST, LIGHTGBM, RIDGE, landscape, trial

KNOBS = {"learning_rate": (0.005, 0.5), "num_leaves": (4, 255), "subsample": (0.3, 1.0)}
PLAN = SweepPlan.search(LIGHTGBM, KNOBS, trials=60)


def scattered(count: int) -> list[Trial]:
    specs = [propose(PLAN, [], number) for number in range(1, count + 1)]
    return [trial(number, spec, rmse=landscape(spec)) for number, spec in enumerate(specs)]


def test_the_knobs_that_matter_come_first_and_one_that_does_not_last() -> None:
    names = [name for name, _ in knob_importance(PLAN, scattered(60))]
    assert names == ["learning_rate", "num_leaves", "subsample"]


@pytest.mark.parametrize("count", [FEWEST_COMPLETE, 20, 60])
def test_shares_fall_and_sum_to_one(count: int) -> None:
    shares = [share for _, share in knob_importance(PLAN, scattered(count))]
    assert sum(shares) == pytest.approx(1.0)
    assert shares == sorted(shares, reverse=True)
    assert all(type(share) is float and 0 <= share <= 1 for share in shares)


def test_the_same_trials_give_the_same_shares_in_whatever_order() -> None:
    trials = scattered(20)
    assert knob_importance(PLAN, trials) == knob_importance(PLAN, trials[::-1])


def test_too_few_complete_trials_say_nothing() -> None:
    pruned = [trial(100 + number, LIGHTGBM, TrialState.PRUNED) for number in range(20)]
    assert knob_importance(PLAN, [*scattered(FEWEST_COMPLETE - 1), *pruned]) == ()


def test_equal_scores_say_nothing() -> None:
    assert knob_importance(PLAN, [trial(one.number, one.spec, rmse=4e4) for one in scattered(20)]) == ()


def test_equal_specs_say_nothing() -> None:
    assert knob_importance(PLAN, [trial(number, LIGHTGBM, rmse=4e4 + number) for number in range(20)]) == ()


def test_the_only_knob_is_all_there_is() -> None:
    plan = SweepPlan.search(RIDGE, trials=20)
    trials = [
        trial(number, TrainingSpec.create("ridge", {"alpha": 10.0 ** (number - 3)}), rmse=7e4 + number)
        for number in range(6)
    ]
    assert knob_importance(plan, trials) == (("alpha", 1.0),)


def test_the_seeds_of_a_grid_are_no_knob() -> None:
    plan = SweepPlan.grid(FOREST, {"n_estimators": (100, 200, 300), "max_depth": (5, 20)}, repeats=3)
    noise = np.random.default_rng(0).normal(0, 30, plan.trials)
    trials = []
    for number in range(plan.trials):
        spec = plan.grid_spec(number)
        trials.append(trial(number, spec, rmse=50_000 - 300.0 * spec.values["max_depth"] + noise[number]))
    (first, share), (second, rest) = knob_importance(plan, trials)
    assert (first, second) == ("max_depth", "n_estimators")
    assert share > 0.95 > rest
