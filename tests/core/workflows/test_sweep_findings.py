"""What a sweep found: the best, and whether it differs from the second best beyond noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from core.domain.hyperparameters import TrainingSpec
from core.domain.money import dollars
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState
from core.evaluation.evaluate import score
from core.evaluation.significance import Verdict
from core.workflows.sweep_findings import SweepFindings, find

BASE = TrainingSpec.create("ridge", seed=5)
ROWS = np.arange(600) + 17
ACTUAL = np.random.default_rng(1).uniform(60_000, 400_000, ROWS.size)

Table = tuple[np.ndarray, np.ndarray, np.ndarray]


def predictions(error: float, seed: int) -> Table:
    """Made-up predictions that miss by about so many dollars."""
    return ROWS, ACTUAL, ACTUAL + np.random.default_rng(seed).normal(0.0, error, ROWS.size)


def look(tables: Mapping[str, Table], *, without_runs: bool = False) -> SweepFindings:
    """A search whose complete trials predicted so, one a table, and what is found in it."""
    trials = [
        Trial(
            number,
            TrainingSpec.create("ridge", {"alpha": 1.0 + number}, seed=5),
            TrialState.COMPLETE,
            f"job-{number}",
            run_id=None if without_runs else run_id,
            cv_rmse=score(table[1], table[2]).rmse,
        )
        for number, (run_id, table) in enumerate(tables.items())
    ]
    pending = Trial(len(trials), BASE, TrialState.RUNNING, "job-pending")
    sweep = a_sweep(SweepPlan.search(BASE, trials=20), [*trials, pending])
    return find(sweep, tables.__getitem__)


def a_sweep(plan: SweepPlan, trials: Sequence[Trial]) -> Sweep:
    return Sweep("s1", "s", plan, "tester", SweepState.RUNNING, datetime(2025, 1, 1, tzinfo=UTC), tuple(trials))


def grid(scores: Mapping[tuple[float, int], float | None]) -> SweepFindings:
    """What is found in a grid of alpha over seeds 5, 6, 7 with these scores; None: it failed."""
    plan = SweepPlan.grid(BASE, {"alpha": (1.0, 10.0, 100.0)}, repeats=3)
    specs = [plan.grid_spec(number) for number in range(plan.trials)]
    trials = []
    for number, spec in enumerate(specs):
        key = (spec.values["alpha"], spec.seed)
        if key in scores:
            rmse = scores[key]
            state = TrialState.FAILED if rmse is None else TrialState.COMPLETE
            trials.append(Trial(number, spec, state, f"job-{number}", cv_rmse=rmse))

    def read(run_id: str) -> Table:
        pytest.fail(f"seeds are compared by their scores, and {run_id} was read")

    return find(a_sweep(plan, trials), read)


def test_two_that_miss_alike_are_within_noise() -> None:
    found = look({"worse": predictions(60_000, 1), "a": predictions(30_000, 2), "b": predictions(30_100, 3)})
    assert found.difference is not None
    assert found.difference.verdict is Verdict.NO_REAL_DIFFERENCE
    assert found.difference.low < 0 < found.difference.high
    assert "The difference between the two is within noise" in found.answer
    assert "600 training rows" in found.answer


def test_one_that_misses_by_half_is_better_beyond_noise() -> None:
    tables = {"second": predictions(40_000, 1), "best": predictions(20_000, 2), "third": predictions(60_000, 3)}
    found = look(tables)
    rmse = {name: score(table[1], table[2]).rmse for name, table in tables.items()}
    assert found.best == TrainingSpec.create("ridge", {"alpha": 2.0}, seed=5)
    assert found.difference is not None
    assert found.difference.verdict is Verdict.BETTER
    assert found.difference.delta == pytest.approx(rmse["best"] - rmse["second"])
    assert found.answer.startswith(f"Trial 2 is best with {dollars(rmse['best'])}; trial 1 follows.")
    assert "beyond noise: −$" in found.answer


def test_the_same_predictions_twice_differ_by_nothing() -> None:
    found = look({"one": predictions(30_000, 1), "other": predictions(30_000, 1)})
    assert found.difference is not None
    assert (found.difference.low, found.difference.delta, found.difference.high) == (0.0, 0.0, 0.0)
    assert "within noise: $0" in found.answer


@pytest.mark.parametrize("complete", [0, 1])
def test_with_fewer_than_two_complete_trials_nothing_is_compared(complete: int) -> None:
    found = look({f"run-{number}": predictions(30_000, number) for number in range(complete)})
    assert found.difference is None
    assert "Two complete trials are needed" in found.answer
    assert (found.best is not None) is bool(complete)
    assert (found.importance, found.groups) == ((), ())


def test_trials_judged_on_different_rows_are_not_compared() -> None:
    rows, actual, predicted = predictions(40_000, 2)
    for other in ((rows + 1, actual, predicted), (rows[:-1], actual[:-1], predicted[:-1])):
        found = look({"one": predictions(20_000, 1), "other": other})
        assert found.difference is None
        assert "different rows" in found.answer
        assert found.best == TrainingSpec.create("ridge", {"alpha": 1.0}, seed=5), "it is the best all the same"


def test_without_mlflow_there_are_no_predictions_to_compare() -> None:
    found = look({"one": predictions(20_000, 1), "other": predictions(40_000, 2)}, without_runs=True)
    assert found.difference is None
    assert "MLflow holds no predictions" in found.answer
    assert found.best is not None


def test_the_knob_that_moves_the_score_matters_most() -> None:
    base = TrainingSpec.create("random_forest")
    plan = SweepPlan.search(base, {"max_depth": (5, 30), "min_samples_leaf": (1, 10)}, trials=20)
    trials = [
        Trial(
            number,
            plan.with_values({"max_depth": 5 + number, "min_samples_leaf": 1 + number % 2}),
            TrialState.COMPLETE,
            f"job-{number}",
            cv_rmse=60_000.0 - 500 * number,
        )
        for number in range(12)
    ]
    importance = find(a_sweep(plan, trials), lambda run_id: predictions(1.0, 0)).importance
    assert importance[0][0] == "max_depth"
    assert sum(share for _, share in importance) == pytest.approx(1.0)
    assert find(a_sweep(plan, trials[:4]), lambda run_id: predictions(1.0, 0)).importance == (), "too few to tell"


def test_combinations_are_compared_seed_by_seed() -> None:
    """Each seed moves all scores by thousands: only pair by pair the fifty dollars show."""
    seeds = {5: 0.0, 6: 4_000.0, 7: -3_000.0}
    noise = {5: 1.0, 6: -2.0, 7: 3.0}
    found = grid(
        {(1.0, seed): 50_000 + shift for seed, shift in seeds.items()}
        | {(10.0, seed): 49_950 + shift + noise[seed] for seed, shift in seeds.items()}
        | {(100.0, seed): 60_000 + shift for seed, shift in seeds.items()}
    )
    assert [dict(group.values)["alpha"] for group in found.groups] == [1.0, 10.0, 100.0]
    assert found.best == TrainingSpec.create("ridge", {"alpha": 10.0}, seed=5), "trained in full under the base's seed"
    assert found.difference is not None
    assert found.difference.verdict is Verdict.BETTER
    assert "Penalty 10 has the lowest mean" in found.answer
    assert "Penalty 1 follows" in found.answer
    assert "beyond noise" in found.answer
    assert "3 seeds on the same rows" in found.answer


def test_combinations_that_change_places_from_seed_to_seed_are_within_noise() -> None:
    found = grid(
        {(1.0, 5): 50_000, (1.0, 6): 51_000, (1.0, 7): 49_000, (10.0, 5): 50_900, (10.0, 6): 49_800, (10.0, 7): 49_500}
    )
    assert found.difference is not None
    assert found.difference.verdict is Verdict.NO_REAL_DIFFERENCE
    assert "within noise" in found.answer


def test_a_grid_of_one_combination_so_far_has_nothing_to_compare_it_with() -> None:
    found = grid({(10.0, 5): 50_000, (1.0, 5): None})
    assert found.difference is None
    assert found.best == TrainingSpec.create("ridge", {"alpha": 10.0}, seed=5)
    assert "Only one combination" in found.answer


def test_one_seed_in_common_tells_no_noise() -> None:
    found = grid({(1.0, 5): 50_000, (10.0, 5): 49_000, (10.0, 6): 49_500, (1.0, 6): None})
    assert found.difference is None
    assert found.best is not None
    assert "fewer than two seeds in common" in found.answer


def test_a_grid_without_any_score_says_what_is_missing() -> None:
    found = grid({(1.0, 5): None})
    assert (found.groups, found.best, found.difference) == ((), None, None)
    assert "Two complete trials are needed" in found.answer
