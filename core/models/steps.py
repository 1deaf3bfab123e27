"""What a fit in steps is given, what it tells, and on how many threads it computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits


@dataclass(frozen=True, slots=True)
class Rows:
    """A matrix of shape (n, columns) and prices of shape (n,), as an estimator takes them."""

    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, slots=True)
class Step:
    """One finished step: ``done`` trees or iterations, RMSE on the watched rows (None without any).

    The first ``restored`` trees come from checkpoints. There is a step for each of them when rows are watched,
    so that the curve is whole, but they took no time. ``said`` is how far a blend is. ``scored`` is how many trees
    stand behind the RMSE where that is fewer than are done: the members of a blend grow beside one another.
    """

    done: int
    rmse: float | None
    restored: int = 0
    said: str = ""
    scored: int | None = None


OnStep = Callable[[Step], None]
"""Called after every step; raising stops the fit."""


@contextmanager
def one_openmp_thread() -> Iterator[None]:
    """Keeps what runs inside to one OpenMP thread; histogram gradient boosting takes every core otherwise.

    Its threads meet several times a tree and spin while they wait. On two busy cores one thread fitted
    300 iterations of 16,512 rows in 1.3 s, two in 3.4 s, and small rows took ten times as long. The model
    is the same.
    """
    with threadpool_limits(limits=1, user_api="openmp"):
        yield


def rmse_of(rows: Rows, predicted: np.ndarray) -> float:
    """Root mean squared error of predictions of shape (n,), in the unit of the prices."""
    return float(np.sqrt(np.mean((rows.y - predicted) ** 2)))
