"""Which trials can be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable

from core.domain.sweeps import Trial, TrialState


def scored(trials: Iterable[Trial]) -> list[Trial]:
    """The complete trials whose RMSE is a number, in the order of their numbers."""
    return sorted((trial for trial in trials if has_score(trial)), key=lambda trial: trial.number)


def has_score(trial: Trial) -> bool:
    """Whether the trial is complete with an RMSE that is a number."""
    return trial.state is TrialState.COMPLETE and trial.cv_rmse is not None and math.isfinite(trial.cv_rmse)
