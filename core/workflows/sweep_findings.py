"""What a sweep found: which knob matters, which spec is best, and whether the second best differs beyond noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.domain.hyperparameters import TrainingSpec
from core.domain.money import dollar_change, dollars
from core.domain.sweeps import Sweep
from core.evaluation.significance import Difference, Verdict, mean_interval, paired_bootstrap, paired_seeds
from core.search.groups import Group, groups_of, under_common_seeds
from core.search.importance import knob_importance

ReadOutOfFold = Callable[[str], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Row ids, actual and predicted prices of a trial's run, each of shape (n,)."""

_FEWEST: Final = 2


@dataclass(frozen=True, slots=True)
class SweepFindings:
    """What the complete trials of a sweep say so far.

    ``importance`` holds (knob, share), largest first; empty while too few trials are complete. ``groups`` is
    for a grid under several seeds. ``difference`` is best minus second best, in 1990 USD of cross-validated
    RMSE; None where ``answer`` says why there is none.
    """

    importance: tuple[tuple[str, float], ...]
    groups: tuple[Group, ...]
    best: TrainingSpec | None
    difference: Difference | None
    answer: str


def find(sweep: Sweep, read_out_of_fold: ReadOutOfFold) -> SweepFindings:
    """Look at what is complete so far.

    Under several seeds the specs are compared seed by seed; else the two best trials are compared on the rows
    they were judged on, each row predicted by models that did not see it.

    Raises:
        RecordsError: the predictions of the two best cannot be read.
    """
    groups = groups_of(sweep.plan, sweep.trials) if sweep.plan.repeats > 1 else ()
    importance = knob_importance(sweep.plan, sweep.trials)
    if groups:
        best, difference, answer = _between_groups(sweep, groups)
        return SweepFindings(importance, groups, best, difference, answer)
    difference, answer = _between_trials(sweep, read_out_of_fold)
    return SweepFindings(importance, (), sweep.best.spec if sweep.best else None, difference, answer)


def _between_groups(sweep: Sweep, groups: tuple[Group, ...]) -> tuple[TrainingSpec | None, Difference | None, str]:
    ranked = sorted(groups, key=lambda group: mean_interval(group.scores).mean)
    best = ranked[0]
    spec = sweep.plan.with_values(dict(best.values))
    if len(ranked) < _FEWEST:
        return spec, None, "Only one combination has been judged so far, so there is nothing to compare it with."
    second = ranked[1]
    scores, others = under_common_seeds(best, second)
    if len(scores) < _FEWEST:
        return spec, None, "The two best have fewer than two seeds in common so far: noise cannot be told yet."
    difference = paired_seeds(scores, others)
    means = [dollars(mean_interval(group.scores).mean) for group in (best, second)]
    names = f"{best.label} has the lowest mean, {means[0]}; {second.label} follows with {means[1]}"
    return spec, difference, f"{names}. {_verdict(difference)} ({len(scores)} seeds on the same rows)."


def _between_trials(sweep: Sweep, read: ReadOutOfFold) -> tuple[Difference | None, str]:
    if len(sweep.complete) < _FEWEST:
        return None, "Two complete trials are needed before the best can be compared with the second best."
    best, second = sweep.complete[:2]
    if best.run_id is None or second.run_id is None:
        return None, "MLflow holds no predictions of the two best trials, so their difference cannot be judged."
    (rows, actual, predicted), (other_rows, _, other) = read(best.run_id), read(second.run_id)
    if not np.array_equal(rows, other_rows):
        return None, "The two best were judged on different rows: the data file changed during the sweep."
    difference = paired_bootstrap(actual, predicted, other)
    names = f"Trial {best.number + 1} is best with {dollars(best.cv_rmse)}; trial {second.number + 1} follows"
    return difference, f"{names}. {_verdict(difference)} ({len(rows):,} training rows, 2,000 resamples)."


def _verdict(difference: Difference) -> str:
    ends = f"{dollar_change(difference.low)} to {dollar_change(difference.high)}"
    interval = f"{dollar_change(difference.delta)}, 95 % interval {ends}"
    if difference.verdict is Verdict.NO_REAL_DIFFERENCE:
        return f"The difference between the two is within noise: {interval}"
    return f"The difference between the two is beyond noise: {interval}"


def without_predictions(sweep: Sweep, why: str) -> SweepFindings:
    """What can be said while the trials' predictions cannot be read."""
    best = sweep.best.spec if sweep.best else None
    answer = f"The difference of the two best cannot be judged. {why}"
    return SweepFindings(knob_importance(sweep.plan, sweep.trials), (), best, None, answer)
