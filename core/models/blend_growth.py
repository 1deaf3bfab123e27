"""Growing the members of a blend beside one another, a thread for each while there are threads.

LightGBM and histogram gradient boosting compute outside Python's lock, and each of them on one thread, so that two
members take two cores. What a member becomes does not depend on the others: a blend is the same on any number of
threads, and so is its curve.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any, Final

import numpy as np

from core.domain.errors import InvalidData, TrainingCancelled
from core.models.steps import OnStep, Rows, Step, one_openmp_thread, rmse_of

_FIRST: Final = 0
"""The member whose rows are watched while it grows."""

Growth = Callable[[Any, Rows, Rows | None, OnStep], Any]
"""Fits one member in steps, on the rows, with others watched or None."""


def grow_blend(blend: Any, rows: Rows, watched: Rows | None, on_step: OnStep, growth: Growth) -> Any:
    """Fit a ``VotingRegressor``, whose ``n_jobs`` says how many members grow at once.

    The curve is that of the first member, then the mean of those grown, in their order. ``on_step`` is called in the
    thread that called this.

    Raises:
        InvalidData: a price is not above 0, of which a blend takes the logarithm.
    """
    from sklearn.base import clone
    from sklearn.utils import Bunch

    if rows.y.min() <= 0:
        raise InvalidData(
            f"{np.count_nonzero(rows.y <= 0):,} of {len(rows.y):,} prices are not above 0.",
            remedy="Leave these rows out, or choose another family: a blend takes the logarithm of the price.",
        )
    members = [clone(member) for _, member in blend.estimators]
    told: SimpleQueue[tuple[int, Step | None]] = SimpleQueue()
    stopped = threading.Event()

    def grown(number: int) -> Any:
        def within(step: Step) -> None:
            if stopped.is_set():
                raise TrainingCancelled
            told.put((number, step))

        return growth(members[number], rows, watched if number == _FIRST else None, within)

    def ended(number: int, _: Future[Any]) -> None:
        # Comes after its last step, and also from a member that broke.
        told.put((number, None))

    with ThreadPoolExecutor(blend.n_jobs or 1, thread_name_prefix="blend") as pool:
        futures = [pool.submit(grown, number) for number in range(len(members))]
        for number, future in enumerate(futures):
            future.add_done_callback(partial(ended, number))
        try:
            fitted = _followed(futures, [_trees_of(member) for member in members], told, watched, on_step)
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
    names = [name for name, _ in blend.estimators]
    blend.estimators_, blend.named_estimators_ = fitted, Bunch(**dict(zip(names, fitted, strict=True)))
    # Serving is always one thread.
    return blend.set_params(n_jobs=1)


def _followed(
    futures: list[Future[Any]],
    trees: list[int],
    told: SimpleQueue[tuple[int, Step | None]],
    watched: Rows | None,
    on_step: OnStep,
) -> list[Any]:
    """Passes the members' steps on until all are grown; the fitted members in their order."""
    done, ended, fitted = [0] * len(futures), set[int](), list[Any]()
    summed = np.zeros(0 if watched is None else len(watched.y))
    while len(fitted) < len(futures):
        number, step = told.get()
        said = f"{len(fitted)} of {len(futures)} members are grown"
        if step is not None:
            # A member's last step is told once the blend is scored with it.
            if step.done < trees[number]:
                done[number] = step.done
                on_step(Step(sum(done), step.rmse, said=said, scored=step.done))
            continue
        futures[number].result()  # a member that broke says so at once
        ended.add(number)
        # In their order, whichever is first: what the mean of three errs depends on which three.
        while len(fitted) in ended:
            fitted.append(futures[len(fitted)].result())
            done[len(fitted) - 1] = trees[len(fitted) - 1]
            rmse = None
            if watched is not None:
                with one_openmp_thread():
                    summed += fitted[-1].predict(watched.X)
                rmse = rmse_of(watched, summed / len(fitted))
            said = f"{len(fitted)} of {len(futures)} members are grown"
            on_step(Step(sum(done), rmse, said=said, scored=sum(trees[: len(fitted)])))
    return fitted


def _trees_of(member: Any) -> int:
    """How many trees a member of a blend is to grow."""
    asked = member.get_params()
    return int(next(asked[name] for name in ("n_estimators", "regressor__n_estimators", "max_iter") if name in asked))
