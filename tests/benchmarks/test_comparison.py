"""What an interval for every run costs: all from one draw of the rows, against a draw for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import pytest

from core.evaluation.significance import differences_to_baseline, paired_bootstrap
from tests.benchmarks.claims import Claim, claim, load_now

pytestmark = pytest.mark.long

ROWS = 4_128
RUNS = 20
MOST_SECONDS = 1.0
MOST_TIMES = 0.25
"""Allowed: twenty runs, 4,128 rows and 2,000 resamples in a second, and a quarter of nineteen pairs one by one."""


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    work()  # the first one imports
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return median(taken)


def test_twenty_runs_cost_little_more_than_one() -> None:
    random = np.random.default_rng(0)
    actual = random.uniform(2e4, 5e5, ROWS)
    predicted = actual + random.normal(0, 4.8e4, (RUNS, ROWS))
    together = seconds(lambda: differences_to_baseline(actual, predicted[0], predicted[1:]))
    apart = seconds(lambda: [paired_bootstrap(actual, one, predicted[0]) for one in predicted[1:]], repeats=3)
    what = f"intervals of {RUNS} runs over {ROWS:,} rows, 2,000 resamples"
    claim(Claim(what, together, MOST_SECONDS, "s", detail=load_now()))
    claim(Claim(f"{what}, against one by one", together / apart, MOST_TIMES, detail=f"one by one {apart:.2f} s"))
