"""How long a training will take, learnt from the ones before it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from statistics import median
from typing import Final

from core.domain.errors import InvalidSpec
from core.domain.hyperparameters import KNOBS, TrainingSpec
from core.domain.runs import Run, RunStatus
from core.workflows.views import Expectation

NEAREST: Final = 3


def expected_duration(spec: TrainingSpec, past: Iterable[Run], *, on_demo: bool = False) -> Expectation | None:
    """The median of the nearest past fits, each scaled to this spec's number of trees.

    Nearest means: same family, knobs as alike as possible. Time grows in proportion to the trees and in
    less simple ways with depth and columns, so likeness stands in for a model of those.

    Args:
        past: runs of any family and state, newest first; those that tell nothing are passed over.
        on_demo: whether the training will be on demo data, which are fewer rows: only such runs then tell.

    Returns:
        None while no run of this family has finished.
    """
    told = []
    for run in past:
        seconds = run.fit_seconds
        if run.status is not RunStatus.FINISHED or run.family != spec.family or run.is_demo is not on_demo:
            continue
        # Other programs write runs too, and their durations may be anything.
        if seconds is None or not math.isfinite(seconds) or seconds < 0:
            continue
        try:
            earlier = TrainingSpec.from_params(run.params)
        except InvalidSpec:
            continue
        growth = spec.size / earlier.size if spec.size and earlier.size else 1.0
        told.append((_distance(spec, earlier), seconds * growth))
    nearest = [seconds for _, seconds in sorted(told)[:NEAREST]]
    return Expectation(median(nearest), len(nearest)) if nearest else None


def _distance(one: TrainingSpec, other: TrainingSpec) -> float:
    """How unlike two specs of a family are, in shares of the knobs' ranges; trees are scaled, not compared."""
    knobs = KNOBS[one.family]
    theirs = other.values
    return math.hypot(
        *(
            (float(value) - float(theirs[name])) / (float(knobs[name].high) - float(knobs[name].low))
            for name, value in one.hyperparameters
            if name not in {"n_estimators", "max_iter"}
        )
    )
