"""Fitting an estimator in steps, so that progress shows, a cancel is heard, and the model stays the same.

Every function here ends with the estimator that one bare ``fit`` would have made.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.models.blend_growth import grow_blend
from core.models.checkpoint import TreeCheckpoints, fingerprint
from core.models.steps import OnStep, Rows, Step, one_openmp_thread, rmse_of

FOREST_STEP_SECONDS: Final = 0.6
"""How long one step of a forest should take: often enough for a progress bar, rare enough to cost 4 %."""

HIST_STEP: Final = 100
"""Most iterations a step: 100 cost nothing, 30 cost 1.4×, 10 cost 2.8×."""

HIST_LEAST: Final = 25
"""Fewest iterations a step, for trees so large that 100 of them take longer than a second."""


def grow(
    spec: TrainingSpec,
    estimator: Any,
    rows: Rows,
    watched: Rows | None,
    on_step: OnStep,
    checkpoints: TreeCheckpoints | None = None,
) -> Any:
    """Fit ``estimator`` on ``rows``, calling ``on_step`` as it goes. ``watched`` rows are scored only.

    Args:
        checkpoints: what an earlier attempt left and where this one leaves its trees. Forests alone use them.

    Returns:
        The fitted estimator.

    Raises:
        InvalidData: a price is not above 0, of which a blend takes the logarithm.
    """
    match spec.family:
        case ModelFamily.RANDOM_FOREST | ModelFamily.EXTRA_TREES:
            return _grow_forest(estimator, rows, watched, on_step, checkpoints)
        case ModelFamily.HIST_GRADIENT_BOOSTING:
            return _grow_hist(estimator, rows, watched, on_step)
        case ModelFamily.LIGHTGBM:
            return _grow_lightgbm(estimator, rows, watched, on_step)
        case ModelFamily.BLEND:
            return grow_blend(estimator, rows, watched, on_step, _grow_member)
        case _:  # in one go: nobody knows its steps
            with one_openmp_thread():
                estimator.fit(rows.X, rows.y)
                rmse = rmse_of(watched, estimator.predict(watched.X)) if watched else None
            on_step(Step(spec.size or 1, rmse))
            return estimator


def _grow_forest(
    forest: Any, rows: Rows, watched: Rows | None, on_step: OnStep, checkpoints: TreeCheckpoints | None
) -> Any:
    """Trees in steps of about :data:`FOREST_STEP_SECONDS`. With ``warm_start`` the trees are identical."""
    total = forest.n_estimators
    kept = checkpoints.load(fingerprint(forest, rows.X, rows.y))[:total] if checkpoints else []
    forest.set_params(warm_start=True, n_estimators=min(total, 2 * (forest.n_jobs or 1)))
    scores = _RunningScore(watched)
    grown, restored = 0, 0
    while True:
        began = time.perf_counter()
        forest.fit(rows.X, rows.y)
        seconds = time.perf_counter() - began
        fresh = len(forest.estimators_) - grown
        if len(kept) > len(forest.estimators_):
            # The first trees are grown once more: that makes all the forest has beside its trees.
            restored = len(kept)
            forest.estimators_, kept = kept, []
            if watched is not None:
                for done, tree in enumerate(forest.estimators_[:-1], start=1):
                    on_step(Step(done, scores.after([tree]), restored))
        done = len(forest.estimators_)
        on_step(Step(done, scores.after(forest.estimators_[scores.counted :]), restored))
        if done >= total:
            break
        if checkpoints is not None:
            checkpoints.offer(forest.estimators_)
        growing = max(1, round(fresh * FOREST_STEP_SECONDS / max(seconds, 1e-6)))
        grown = done
        forest.set_params(n_estimators=min(total, done + growing))
    # Serving is always one thread: threads make one row slower, and their sums have no fixed order.
    return forest.set_params(warm_start=False, n_jobs=1, n_estimators=total)


class _RunningScore:
    """RMSE of a growing forest on the watched rows: each tree is asked once."""

    def __init__(self, watched: Rows | None) -> None:
        self.counted = 0
        self._watched = watched
        self._X = None if watched is None else watched.X.astype(np.float32)
        self._summed = np.zeros(0 if watched is None else len(watched.y))

    def after(self, trees: Iterable[Any]) -> float | None:
        """The RMSE once these trees have joined; None without watched rows."""
        if self._watched is None:
            return None
        for tree in trees:
            self._summed += tree.tree_.predict(self._X).ravel()
            self.counted += 1
        return rmse_of(self._watched, self._summed / self.counted)


def _grow_hist(estimator: Any, rows: Rows, watched: Rows | None, on_step: OnStep) -> Any:
    """Iterations in steps: as many as cost nothing, fewer where that would take over a second."""
    total = estimator.max_iter
    estimator.set_params(warm_start=True)
    done, size = 0, HIST_STEP
    with one_openmp_thread():
        while done < total:
            growing = min(size, total - done)
            done += growing
            began = time.perf_counter()
            estimator.set_params(max_iter=done).fit(rows.X, rows.y)
            seconds = time.perf_counter() - began
            on_step(Step(done, rmse_of(watched, estimator.predict(watched.X)) if watched else None))
            size = max(HIST_LEAST, min(HIST_STEP, round(growing / max(seconds, 1e-6))))
    return estimator.set_params(warm_start=False)


def _grow_lightgbm(estimator: Any, rows: Rows, watched: Rows | None, on_step: OnStep) -> Any:
    def after_iteration(env: Any) -> None:
        rmse = float(env.evaluation_result_list[0][2]) if env.evaluation_result_list else None
        on_step(Step(env.iteration + 1, rmse))

    return estimator.fit(
        rows.X,
        rows.y,
        eval_X=watched.X if watched else None,
        eval_y=watched.y if watched else None,
        eval_metric="rmse",
        callbacks=[after_iteration],
    )


def _grow_member(member: Any, rows: Rows, watched: Rows | None, on_step: OnStep) -> Any:
    """One member of a blend, in steps."""
    growth = _grow_hist if hasattr(member, "max_iter") else _grow_lightgbm
    return growth(member, rows, watched, on_step)
