"""Which knob matters: how much of the trials' differences each explains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial
from core.search.space import axes_of, values_of
from core.search.trials import scored

FEWEST_COMPLETE: Final = 6
"""With fewer complete trials any knob can look like the one that matters."""

_DEPTH: Final = 8
"""Of the forest's trees. Fully grown ones say the same (shares within 0.02) and take 6 s over 500 trials, not 1 s."""


def knob_importance(plan: SweepPlan, trials: Sequence[Trial]) -> tuple[tuple[str, float], ...]:
    """(knob, share of the RMSE's variance it explains alone), largest first; the shares sum to 1.

    Functional ANOVA over a forest fitted to the complete trials (Hutter, Hoos, Leyton-Brown 2014, "An Efficient
    Approach for Assessing Hyperparameter Importance"), over the ranges of the plan, by ratio where a knob is
    logarithmic. Empty with fewer than :data:`FEWEST_COMPLETE` complete trials, and where these do not differ in
    their knobs or in their RMSE.
    """
    complete, axes = scored(trials), axes_of(plan)
    specs = {values_of(trial.spec, axes) for trial in complete}
    if len(complete) < FEWEST_COMPLETE or len(specs) < 2 or len({trial.cv_rmse for trial in complete}) < 2:
        return ()
    if len(axes) == 1:
        return ((axes[0].name, 1.0),)
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    from core.search.study import rebuild

    shares = get_param_importances(
        rebuild(axes, complete), evaluator=FanovaImportanceEvaluator(max_depth=_DEPTH, seed=0)
    )
    return tuple(sorted(((name, float(share)) for name, share in shares.items()), key=lambda pair: (-pair[1], pair[0])))
