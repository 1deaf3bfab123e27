"""Judging a spec by cross-validation of the training rows, in steps that trials can be compared at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from core.domain.configuration import Config, settings_from
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Progress
from core.domain.sweep_plans import FOLDS
from core.models.trainer import ModelTrainer, Report, ShouldStop

STEPS_A_FOLD: Final = 10
"""A family that grows reports after each tenth of each fold; one that fits in one go reports no steps."""

GiveUp = Callable[[tuple[tuple[int, float], ...]], bool]
"""Asked after each step, with all steps so far, whether the rest is worth no more time."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How a spec fared.

    ``predicted`` holds a price in 1990 USD for every row, shape (n,), each from the model that did not see it;
    ``cv_rmse`` is the RMSE of all of them, ``fold_rmse`` of each fold. All three are None or empty when the
    trial was given up. ``steps`` are (step from 1, mean RMSE of the folds so far); ``seconds`` what the fits took.
    """

    cv_rmse: float | None
    fold_rmse: tuple[float, ...]
    steps: tuple[tuple[int, float], ...]
    seconds: float
    predicted: np.ndarray | None

    @property
    def is_complete(self) -> bool:
        return self.cv_rmse is not None


def cross_validate(
    spec: TrainingSpec,
    X: pd.DataFrame,
    y: pd.Series,
    *,
    config: Config = None,
    folds: int = FOLDS,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
    give_up: GiveUp | None = None,
) -> Judgement:
    """Fit ``folds`` models, each without one part of the rows, and score it on that part.

    The parts depend on the number of rows and ``data.random_state`` alone, so every trial is judged on the same.

    Args:
        X: raw rows of shape (n, ≥ 9). y: prices in 1990 USD, shape (n,).

    Raises:
        TrainingCancelled: ``should_stop`` said so.
        InvalidData: a column or price is missing.
    """
    settings = settings_from(config)
    walk = _Walk(spec, folds, report, give_up)
    predicted = np.full(len(X), np.nan)
    scores: list[float] = []
    began = time.perf_counter()
    try:
        for fitted_on, scored in _parts(len(X), folds, settings.data.random_state):
            trainer = ModelTrainer(settings, spec)
            held = X.iloc[scored], y.iloc[scored]
            trainer.train(
                X.iloc[fitted_on], y.iloc[fitted_on], watched=held, report=walk.report, should_stop=should_stop
            )
            predicted[scored] = trainer.predict(held[0])
            scores.append(_rmse(held[1].to_numpy(dtype=float), predicted[scored]))
            walk.next_fold(scores[-1])
    except _GivenUp:
        return Judgement(None, (), walk.steps, time.perf_counter() - began, None)
    seconds = time.perf_counter() - began
    return Judgement(_rmse(y.to_numpy(dtype=float), predicted), tuple(scores), walk.steps, seconds, predicted)


class _GivenUp(Exception):
    """Leaves the fit of a trial that is worth no more time."""


class _Walk:
    """Counts steps over all folds, and publishes the whole as one progress."""

    def __init__(self, spec: TrainingSpec, folds: int, report: Report | None, give_up: GiveUp | None) -> None:
        self._size = spec.size or 1
        self._grows = spec.size is not None
        self._folds = folds
        self._report = report
        self._give_up = give_up
        self._finished: list[float] = []
        self._elapsed = 0.0
        self._fold_elapsed = 0.0
        self._steps: list[tuple[int, float]] = []

    @property
    def steps(self) -> tuple[tuple[int, float], ...]:
        return tuple(self._steps)

    def next_fold(self, rmse: float) -> None:
        """A fold has ended with this score."""
        self._finished.append(rmse)
        self._elapsed += self._fold_elapsed

    def report(self, progress: Progress) -> None:
        """Progress within one fold."""
        self._fold_elapsed = progress.elapsed
        elapsed = self._elapsed + progress.elapsed
        done, total = len(self._finished) * self._size + progress.done, self._folds * self._size
        steps_before = len(self._steps)
        if self._grows:
            self._count(progress)
        if self._report is not None:
            remaining = elapsed / done * (total - done) if done else None
            curve = tuple((self._grown_at(step), rmse) for step, rmse in self._steps)
            self._report(replace(progress, done=done, total=total, elapsed=elapsed, remaining=remaining, curve=curve))
        is_last = done >= total
        if self._give_up is not None and len(self._steps) > steps_before and not is_last and self._give_up(self.steps):
            raise _GivenUp

    def _count(self, progress: Progress) -> None:
        """Enter every tenth of this fold that the curve has reached, at the first score from there on."""
        before = len(self._finished) * STEPS_A_FOLD
        while (tenth := len(self._steps) - before + 1) <= STEPS_A_FOLD:
            reached = [rmse for done, rmse in progress.curve if done * STEPS_A_FOLD >= tenth * self._size]
            if not reached:
                return
            folds = [*self._finished, reached[0]]
            self._steps.append((before + tenth, float(np.mean(folds))))

    def _grown_at(self, step: int) -> int:
        return round(step * self._size / STEPS_A_FOLD)


def _parts(rows: int, folds: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import KFold

    return iter(KFold(folds, shuffle=True, random_state=seed).split(np.zeros(rows)))


def _rmse(actual: np.ndarray, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((actual - predicted) ** 2)))
