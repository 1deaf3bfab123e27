"""Which trial is given up before its end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from core.domain.sweep_plans import SearchMethod, SweepPlan
from core.domain.sweeps import Trial
from core.search.space import axes_of
from core.search.trials import scored

FEWEST_COMPLETE: Final = 5
"""With fewer complete trials a median says little, and no trial is given up."""

_WARM_UP: Final = 1 / 3


def should_prune(plan: SweepPlan, trials: Sequence[Trial], steps: Sequence[tuple[int, float]]) -> bool:
    """Whether a trial under way, with these steps behind it, is worth no more time.

    The median rule (Golovin et al. 2017, "Google Vizier", 3.2.2): its best RMSE so far is above the median of
    what the complete trials had at the same step. In its first third a trial is left alone; a trial of a grid
    always, for a grid is asked for every one of its answers.

    Args:
        trials: the sweep's trials, in any order; only complete ones with steps are compared with.
        steps: (step from 1, RMSE so far in 1990 USD), the same step meaning the same in every trial.
    """
    complete = [trial for trial in scored(trials) if trial.steps]
    if plan.method is SearchMethod.GRID or not steps or len(complete) < FEWEST_COMPLETE:
        return False
    # Optuna takes a second to load, and most calls have their answer by now.
    from optuna.pruners import MedianPruner
    from optuna.trial import TrialState, create_trial

    from core.search.study import rebuild

    last = max(step for trial in complete for step, _ in trial.steps)
    pruner = MedianPruner(n_startup_trials=FEWEST_COMPLETE, n_warmup_steps=math.floor(last * _WARM_UP) + 1)
    # A score that is no number is as bad as can be.
    so_far = {step: rmse if math.isfinite(rmse) else math.inf for step, rmse in steps}
    under_way = create_trial(state=TrialState.RUNNING, intermediate_values=so_far)
    return pruner.prune(rebuild(axes_of(plan), complete), under_way)
