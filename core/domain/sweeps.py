"""A sweep, as values: its trials, and where it stands.

A trial is one spec, judged by cross-validation of the training rows. No trial ever sees the held-out rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.hyperparameters import TrainingSpec
from core.domain.sweep_plans import SweepPlan


class SweepState(StrEnum):
    """Where a sweep stands; the last three are final."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self not in (SweepState.RUNNING, SweepState.PAUSED)


class TrialState(StrEnum):
    """Where a trial stands; ``running`` holds those that wait for a worker too."""

    RUNNING = "running"
    COMPLETE = "complete"
    PRUNED = "pruned"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Trial:
    """One spec and how it fared.

    ``cv_rmse`` is the RMSE over all training rows, each predicted by the model that did not see it, in 1990
    USD; ``fold_rmse`` the same for each fold. Both are there once it is complete. ``steps`` holds
    (step, RMSE so far) as pruning compares it; ``seconds`` is the time its fits took.
    """

    number: int
    spec: TrainingSpec
    state: TrialState
    job_id: str
    run_id: str | None = None
    cv_rmse: float | None = None
    fold_rmse: tuple[float, ...] = ()
    steps: tuple[tuple[int, float], ...] = ()
    seconds: float | None = None
    reason: str = ""

    @property
    def is_final(self) -> bool:
        return self.state is not TrialState.RUNNING


@dataclass(frozen=True, slots=True)
class Sweep:
    """A sweep as it stands now, its trials in the order they were started. Times are in UTC."""

    sweep_id: str
    name: str
    plan: SweepPlan
    actor: str
    state: SweepState
    created: datetime
    trials: tuple[Trial, ...] = ()
    run_id: str | None = None
    reason: str = ""

    @property
    def complete(self) -> tuple[Trial, ...]:
        """The trials that have a score, best first; equal scores in the order they were started."""
        scored = [trial for trial in self.trials if trial.cv_rmse is not None]
        return tuple(sorted(scored, key=lambda trial: (trial.cv_rmse, trial.number)))

    @property
    def best(self) -> Trial | None:
        return self.complete[0] if self.complete else None

    @property
    def ended(self) -> int:
        """How many trials have ended, however they did."""
        return sum(trial.is_final for trial in self.trials)

    @property
    def under_way(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if not trial.is_final)

    @property
    def share(self) -> float:
        """How much of the plan has ended, between 0 and 1."""
        return min(1.0, self.ended / self.plan.trials)

    @property
    def work_seconds(self) -> float:
        """The time the ended trials took, as if ``workers`` of them had always been under way."""
        return math.fsum(trial.seconds or 0.0 for trial in self.trials) / self.plan.workers

    def count(self, state: TrialState) -> int:
        return sum(trial.state is state for trial in self.trials)


@dataclass(frozen=True, slots=True)
class SweepHead:
    """A sweep without its trials: ``ended`` of ``planned`` have ended."""

    sweep_id: str
    name: str
    state: SweepState
    created: datetime
    ended: int
    planned: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.ended / self.planned)
