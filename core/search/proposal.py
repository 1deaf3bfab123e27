"""Which spec a sweep tries next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from core.domain.hyperparameters import TrainingSpec
from core.domain.sweep_plans import SearchMethod, SweepPlan
from core.domain.sweeps import Trial
from core.search.space import Axis, Place, axes_of, places_from, values_of

_FEWEST_AT_RANDOM: Final = 3
_MOST_AT_RANDOM: Final = 10


def propose(plan: SweepPlan, trials: Sequence[Trial], number: int) -> TrainingSpec:
    """The spec of trial ``number``, from 0. The same question has the same answer, on any machine.

    A grid names its specs itself. A guided search starts from the base if it lies within the ranges, so it
    never ends worse than it began; then it tries some specs at random and from there on asks the tree-structured
    Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization"), to which a trial
    under way counts as a bad one, so that parallel workers spread. A spec tried already gives way to the nearest
    one that was not, as long as there is one.

    Args:
        trials: the sweep's trials so far, in any order, those under way among them; trial ``number`` itself
            is passed over.
    """
    if plan.method is SearchMethod.GRID:
        return plan.grid_spec(number)
    axes = axes_of(plan)
    if number == 0 and _holds_base(plan):
        return plan.base
    others = [trial for trial in trials if trial.number != number]
    suggestion = _suggestion(plan, axes, others, number)
    tried = {values_of(trial.spec, axes) for trial in others}
    order = np.random.default_rng([plan.base.seed, number]).permutation(len(axes)).tolist()
    free = (
        values for place in places_from(suggestion, axes, order) if (values := _values_at(place, axes)) not in tried
    )
    chosen = next(free, _values_at(suggestion, axes))
    return plan.with_values(dict(zip((axis.name for axis in axes), chosen, strict=True)))


def _suggestion(plan: SweepPlan, axes: Sequence[Axis], trials: Sequence[Trial], number: int) -> Place:
    # Optuna takes a second to load; a grid and the first trial do without it.
    from optuna.samplers import TPESampler

    from core.search.study import distributions, place_of, rebuild

    sampler = TPESampler(
        seed=int(np.random.SeedSequence([plan.base.seed, number]).generate_state(1)[0]),
        n_startup_trials=max(_FEWEST_AT_RANDOM, min(_MOST_AT_RANDOM, plan.trials // 3)),
        multivariate=True,
        constant_liar=True,
    )
    study = rebuild(axes, trials, sampler=sampler)
    return place_of(study.ask(distributions(axes)).params, axes)


def _holds_base(plan: SweepPlan) -> bool:
    values = plan.base.values
    return all(one.low <= values[one.name] <= one.high for one in plan.varied)


def _values_at(place: Place, axes: Sequence[Axis]) -> tuple[float, ...]:
    return tuple(axis.points[position] for axis, position in zip(axes, place, strict=True))
