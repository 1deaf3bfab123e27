"""Sweeps to draw, as they come out of the records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, Trial, TrialState

LIGHTGBM = TrainingSpec.create(ModelFamily.LIGHTGBM)
PLAN = SweepPlan.search(LIGHTGBM, {"learning_rate": (0.01, 0.21), "n_estimators": (100, 2100)}, trials=20)
GRID = SweepPlan.grid(TrainingSpec.create(ModelFamily.RANDOM_FOREST), {"n_estimators": (100, 150)}, repeats=3)
RIDGE = SweepPlan.search(TrainingSpec.create(ModelFamily.RIDGE), {"alpha": (0.01, 100.0)}, trials=5)


def sweep(trials: Sequence[Trial], plan: SweepPlan = PLAN) -> Sweep:
    return Sweep("s1", "a sweep", plan, "ann", SweepState.RUNNING, datetime(2025, 1, 1, tzinfo=UTC), tuple(trials))


def trial(
    number: int,
    rmse: float | None = None,
    state: TrialState = TrialState.COMPLETE,
    *,
    steps: Sequence[tuple[int, float]] = (),
    plan: SweepPlan = PLAN,
    **values: float,
) -> Trial:
    return Trial(number, plan.with_values(values), state, f"job-{number}", cv_rmse=rmse, steps=tuple(steps))


def scored(scores: Sequence[float]) -> list[Trial]:
    """One complete trial a score, the learning rate rising from one to the next."""
    return [trial(number, rmse, learning_rate=0.01 + 0.005 * number) for number, rmse in enumerate(scores)]
