"""Sweeps as they come out of the records, with a made-up landscape in place of cross-validation."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from core.domain.hyperparameters import KNOBS, Knob, ModelFamily, TrainingSpec
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Trial, TrialState

LIGHTGBM = TrainingSpec.create(ModelFamily.LIGHTGBM)
FOREST = TrainingSpec.create(ModelFamily.RANDOM_FOREST)
RIDGE = TrainingSpec.create(ModelFamily.RIDGE)


def landscape(spec: TrainingSpec) -> float:
    """An RMSE that hangs on the learning rate first, on the leaves next, and on nothing else."""
    values = spec.values
    rate = abs(math.log10(values["learning_rate"] / 0.06))
    return 38_000.0 + 6_000.0 * rate + 10.0 * abs(values["num_leaves"] - 60)


def trial(number: int, spec: TrainingSpec, state: TrialState = TrialState.COMPLETE, rmse: float | None = None) -> Trial:
    return Trial(number, spec, state, f"job-{number}", cv_rmse=rmse if state is TrialState.COMPLETE else None)


def on_slider(knob: Knob, value: float) -> bool:
    """Whether the knob's slider has this very value, to the last bit."""
    if knob.logarithmic:
        return value == float(f"{value:.3g}")
    place = round((value - knob.low) / knob.step)
    return value == round(knob.low + place * knob.step, knob.shown_digits)


@st.composite
def searches(draw: st.DrawFn) -> SweepPlan:
    """A guided search over some knobs of any family, each over a range of its slider or between two odd values."""
    family = draw(st.sampled_from(ModelFamily))
    base = TrainingSpec.create(family, seed=draw(st.integers(0, 2**31 - 1)))
    names = draw(st.lists(st.sampled_from(sorted(KNOBS[family])), min_size=1, max_size=4, unique=True))
    ranges = {}
    for name in names:
        knob = KNOBS[family][name]
        number = st.integers(int(knob.low), int(knob.high)) if knob.is_integer else st.floats(knob.low, knob.high)
        low, high = sorted(draw(st.lists(number, min_size=2, max_size=2, unique=True)))
        ranges[name] = (low, high)
    return SweepPlan.search(base, ranges, trials=draw(st.integers(1, 60)))


@st.composite
def histories(draw: st.DrawFn) -> tuple[SweepPlan, list[Trial]]:
    """A search some way on: trials of every state, their specs proposed by the search itself."""
    from core.search.proposal import propose

    plan = draw(searches())
    trials: list[Trial] = []
    for number in range(draw(st.integers(0, 12))):
        spec = propose(plan, trials, number)
        state = draw(st.sampled_from(TrialState))
        trials.append(trial(number, spec, state, draw(st.floats(30_000, 90_000))))
    return plan, trials
