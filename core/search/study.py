"""A sweep as an Optuna study, rebuilt in memory each time it is asked: the truth lies in the sweep's own trials.

Optuna sees positions on the axes and not values, or the decimal logarithm where a knob is logarithmic, so its
distributions have no rounding of their own. This module loads Optuna: import it late.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import optuna
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, create_trial

from core.domain.sweeps import Trial, TrialState
from core.search.space import Axis, Place, values_of
from core.search.trials import has_score

_STATES = {
    TrialState.RUNNING: optuna.trial.TrialState.RUNNING,
    TrialState.COMPLETE: optuna.trial.TrialState.COMPLETE,
    TrialState.PRUNED: optuna.trial.TrialState.PRUNED,
    TrialState.FAILED: optuna.trial.TrialState.FAIL,
    TrialState.CANCELLED: optuna.trial.TrialState.FAIL,
}


def rebuild(
    axes: Sequence[Axis],
    trials: Sequence[Trial],
    *,
    sampler: optuna.samplers.BaseSampler | None = None,
) -> optuna.Study:
    """A study that minimises the RMSE and knows these trials, in the order of their numbers."""
    # Optuna announces every study on the terminal. Nothing else in the house uses Optuna, so the level of
    # its own logger is ours to set.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=sampler or optuna.samplers.RandomSampler(seed=0), study_name="sweep")
    study.add_trials([_frozen(axes, trial) for trial in sorted(trials, key=lambda trial: trial.number)])
    return study


def distributions(axes: Sequence[Axis]) -> dict[str, BaseDistribution]:
    """What Optuna chooses from, by knob."""
    return {axis.name: _distribution(axis) for axis in axes}


def place_of(params: dict[str, float], axes: Sequence[Axis]) -> Place:
    """The place Optuna means by its parameters."""
    return tuple(
        axis.nearest(10.0 ** params[axis.name]) if axis.logarithmic else int(params[axis.name]) for axis in axes
    )


def _frozen(axes: Sequence[Axis], trial: Trial) -> FrozenTrial:
    scored = has_score(trial)
    state = _STATES[trial.state]
    return create_trial(
        # A trial that ended without a number has failed, whatever it says.
        state=optuna.trial.TrialState.FAIL if trial.state is TrialState.COMPLETE and not scored else state,
        value=trial.cv_rmse if scored else None,
        params=_params(axes, trial),
        distributions=distributions(axes),
        intermediate_values={step: rmse for step, rmse in trial.steps if math.isfinite(rmse)},
    )


def _params(axes: Sequence[Axis], trial: Trial) -> dict[str, float]:
    """The trial's values as Optuna sees them; one between two points stands at the nearer."""
    return {axis.name: _seen(axis, value) for axis, value in zip(axes, values_of(trial.spec, axes), strict=True)}


def _seen(axis: Axis, value: float) -> float:
    position = axis.nearest(value)
    return math.log10(axis.points[position]) if axis.logarithmic else position


def _distribution(axis: Axis) -> BaseDistribution:
    if axis.logarithmic:
        return FloatDistribution(math.log10(axis.points[0]), math.log10(axis.points[-1]))
    return IntDistribution(0, len(axis.points) - 1)
