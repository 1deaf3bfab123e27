"""The verdict on real models on the real held-out rows, where everybody knows the answer."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from core.evaluation.seeds import difference_of_settings
from core.evaluation.significance import Resampled, Verdict, judge_scores, resample
from core.tracking.runs import read_predictions
from tests.conftest import ComparedHome

MARGIN = 0.01
NAMES = ("steady 1", "steady 2", "steady 3", "ridge", "shallow 1", "shallow 2")


@pytest.fixture(scope="module")
def read(compared_home: ComparedHome) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Recorded and predicted prices of the held-out rows, by model."""
    return {name: read_predictions(compared_home.store, compared_home.run_ids[name])[1:] for name in NAMES}


def word(read: dict[str, tuple[np.ndarray, np.ndarray]], name: str, baseline: str) -> Verdict:
    actual, base = read[baseline]
    resampled = resample(actual, base, [read[name][1]])
    return judge_scores(resampled.differences[0], resampled.scores[0].as_metrics(), MARGIN)["rmse"].verdict


def test_forests_of_one_spec_and_other_seeds_do_not_really_differ(read) -> None:
    for one, other in combinations(NAMES[:3], 2):
        assert word(read, one, other) is Verdict.NO_REAL_DIFFERENCE
        assert word(read, other, one) is Verdict.NO_REAL_DIFFERENCE


def test_a_ridge_is_worse_than_a_forest_and_the_forest_better(read) -> None:
    assert word(read, "ridge", "steady 1") is Verdict.WORSE
    assert word(read, "steady 1", "ridge") is Verdict.BETTER


@pytest.fixture(scope="module")
def together(read: dict[str, tuple[np.ndarray, np.ndarray]]) -> Resampled:
    return resample(read[NAMES[0]][0], read[NAMES[0]][1], [read[name][1] for name in NAMES[1:]])


def test_settings_that_differ_are_told_apart_over_their_seeds(together: Resampled) -> None:
    steady, shallow = [0, 1, 2], [4, 5]
    assert difference_of_settings(together, shallow, steady, paired=False).low > 0


def test_the_interval_of_settings_is_wider_than_that_of_two_models(together: Resampled) -> None:
    """Two seeds can hardly tell their own spread, and the interval says so."""
    found = difference_of_settings(together, [4, 5], [0, 1], paired=True)
    alone = together.differences[3]["rmse"]
    assert found.high - found.low > alone.high - alone.low
