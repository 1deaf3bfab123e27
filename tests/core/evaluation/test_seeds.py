"""Settings under several seeds: an interval that holds the noise of the rows and of the seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.errors import InvalidData
from core.evaluation.seeds import difference_of_settings
from core.evaluation.significance import Difference, Resampled, resample

ROWS = 200
ERROR = 40_000.0


@dataclass(frozen=True)
class Noise:
    """How two specs of the same quality vary: by the seed on all rows, and by seed and row together."""

    seed: float
    both: float


def two_specs(random: np.random.Generator, noise: Noise, ours: int, others: int, worse: float = 0.0) -> Resampled:
    """Two specs under some seeds, on rows that are hard for all of them alike."""
    actual = random.uniform(1e5, 4e5, ROWS)
    hard = random.normal(0, 1, ROWS)
    count = ours + others
    luck = 1 + noise.seed * random.normal(0, 1, (count, 1))
    own = np.sqrt(1 - noise.both**2) * hard + noise.both * random.normal(0, 1, (count, ROWS))
    scale = ERROR * np.where(np.arange(count) < ours, 1 + worse, 1.0)[:, np.newaxis]
    predicted = actual + scale * luck * own
    return resample(actual, predicted[0], predicted[1:], resamples=200, seed=int(random.integers(1_000_000)))


@pytest.mark.parametrize(
    ("noise", "ours", "others", "paired"),
    [
        (Noise(seed=0.02, both=0.3), 5, 5, False),
        (Noise(seed=0.02, both=0.3), 5, 5, True),
        (Noise(seed=0.0, both=0.3), 4, 4, False),
        (Noise(seed=0.05, both=0.1), 3, 6, False),
    ],
)
def test_the_interval_holds_the_true_difference_in_about_95_of_100_cases(
    noise: Noise, ours: int, others: int, paired: bool
) -> None:
    """Both specs are equally good: the truth is zero. 400 cases: three standard errors are 3.3 points."""
    random = np.random.default_rng(11)
    first, second = range(ours), range(ours, ours + others)
    held = [
        difference_of_settings(two_specs(random, noise, ours, others), first, second, paired=paired).holds_zero
        for _ in range(400)
    ]
    assert 0.91 <= np.mean(held) <= 0.995


def test_noise_that_rows_and_seeds_make_together_is_counted_once() -> None:
    """All noise is of a row and a seed together; counted twice, the interval is half as wide again."""
    random = np.random.default_rng(9)
    found = [
        difference_of_settings(two_specs(random, Noise(0.0, 0.6), 6, 6), range(6), range(6, 12), paired=False)
        for _ in range(300)
    ]
    true_reach = 1.96 * np.std([one.delta for one in found])
    assert np.mean([one.high - one.low for one in found]) / 2 == pytest.approx(1.2 * true_reach, rel=0.12)


def test_rows_alone_would_promise_too_much() -> None:
    """What the bootstrap says of two fitted models misses the luck of their seeds."""
    random = np.random.default_rng(5)
    noise = Noise(seed=0.05, both=0.1)
    drawn = [two_specs(random, noise, 4, 4) for _ in range(200)]
    of_models = [one.differences[3]["rmse"].holds_zero for one in drawn]
    of_settings = [difference_of_settings(one, range(4), range(4, 8), paired=False).holds_zero for one in drawn]
    assert np.mean(of_models) < 0.6
    assert np.mean(of_settings) > 0.9


def test_a_true_difference_of_settings_is_found() -> None:
    random = np.random.default_rng(6)
    noise = Noise(seed=0.01, both=0.2)
    cases = [
        difference_of_settings(two_specs(random, noise, 5, 5, worse=0.08), range(5), range(5, 10), paired=False)
        for _ in range(100)
    ]
    assert sum(found.low > 0 for found in cases) >= 95
    assert np.mean([found.delta for found in cases]) == pytest.approx(0.08 * ERROR, rel=0.1)


def test_pairs_of_equal_seeds_take_out_what_the_seed_does_to_both() -> None:
    """The first trees of two forests of one seed are the same trees."""
    random = np.random.default_rng(7)
    actual = random.uniform(1e5, 4e5, 1_000)
    luck = 1 + 0.05 * random.normal(0, 1, (4, 1))
    hard = random.normal(0, ERROR, 1_000)
    predicted = np.vstack([actual + 0.99 * luck * hard, actual + luck * hard])
    resampled = resample(actual, predicted[0], predicted[1:], resamples=300)
    pairs = difference_of_settings(resampled, range(4), range(4, 8), paired=True)
    apart = difference_of_settings(resampled, range(4), range(4, 8), paired=False)
    assert pairs.delta == apart.delta
    assert pairs.high < 0, "one hundredth better under every seed"
    assert apart.holds_zero, "a hundredth is nothing beside what the seeds do"


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=25, deadline=None)
def test_swapping_the_settings_turns_the_interval_around(seed: int, paired: bool) -> None:
    resampled = two_specs(np.random.default_rng(seed), Noise(0.02, 0.3), 3, 3)
    there = difference_of_settings(resampled, [0, 1, 2], [3, 4, 5], paired=paired)
    back = difference_of_settings(resampled, [3, 4, 5], [0, 1, 2], paired=paired)
    assert (back.delta, back.low, back.high) == pytest.approx((-there.delta, -there.high, -there.low))
    assert there.low <= there.delta <= there.high


@pytest.mark.parametrize("paired", [True, False])
def test_settings_that_no_seed_changes_and_that_predict_the_same_do_not_differ(paired: bool) -> None:
    random = np.random.default_rng(3)
    actual = random.uniform(1e5, 4e5, ROWS)
    same = actual + random.normal(0, ERROR, ROWS)
    resampled = resample(actual, same, [same, same, same], resamples=100)
    assert difference_of_settings(resampled, [0, 1], [2, 3], paired=paired) == Difference(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("ours", "others", "paired"),
    [([0], [1, 2], False), ([0, 1], [2], False), ([], [], False), ([0, 1], [2, 3, 4], True)],
)
def test_a_single_seed_says_nothing_about_settings(ours: list[int], others: list[int], paired: bool) -> None:
    resampled = two_specs(np.random.default_rng(1), Noise(0.02, 0.3), 3, 3)
    with pytest.raises(InvalidData, match="Cannot compare settings"):
        difference_of_settings(resampled, ours, others, paired=paired)
