"""A grid's trials by what they tried: one group a combination, one score a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.domain.hyperparameters import KNOBS, KnobValue, ModelFamily
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial
from core.search.space import axes_of, values_of
from core.search.trials import scored


@dataclass(frozen=True, slots=True)
class Group:
    """One combination of the knobs that vary, and its cross-validation RMSE (1990 USD) under each seed so far."""

    family: ModelFamily
    values: tuple[tuple[str, KnobValue], ...]
    by_seed: tuple[tuple[int, float], ...]

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(rmse for _, rmse in self.by_seed)

    @property
    def label(self) -> str:
        """``Trees 150, Depth 20``."""
        return ", ".join(f"{KNOBS[self.family][name].label} {value:,g}" for name, value in self.values)


def groups_of(plan: SweepPlan, trials: Sequence[Trial]) -> tuple[Group, ...]:
    """The combinations that have a score, in the order of their knobs' values, each with its seeds in order."""
    axes = axes_of(plan)
    found: dict[tuple[KnobValue, ...], dict[int, float]] = {}
    for trial in scored(trials):
        if trial.cv_rmse is not None:
            found.setdefault(values_of(trial.spec, axes), {})[trial.spec.seed] = trial.cv_rmse
    names = tuple(axis.name for axis in axes)
    return tuple(
        Group(plan.family, tuple(zip(names, values, strict=True)), tuple(sorted(by_seed.items())))
        for values, by_seed in sorted(found.items())
    )


def under_common_seeds(one: Group, other: Group) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The scores of both under the seeds that both have, in the seeds' order: pairs for ``paired_seeds``."""
    here, there = dict(one.by_seed), dict(other.by_seed)
    common = [seed for seed in here if seed in there]
    return tuple(here[seed] for seed in common), tuple(there[seed] for seed in common)
