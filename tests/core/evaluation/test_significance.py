"""Better, worse, or noise."""

from __future__ import annotations

import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from core.domain.errors import InvalidData
from core.evaluation.evaluate import score
from core.evaluation.significance import (
    Difference,
    Verdict,
    differences_to_baseline,
    error_differences,
    mean_interval,
    paired_bootstrap,
    paired_seeds,
    resample,
)

RESAMPLES = 200
MONEY = st.floats(1_000, 500_001)


def prices(rows: int, noise: float, other_noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Recorded prices and two models that err by that much, mostly on the same rows as real models do."""
    random = np.random.default_rng(seed)
    actual = np.minimum(random.lognormal(12, 0.5, rows), 500_001.0)
    common = random.normal(0, 1, rows)
    first, second = (spread * (0.9 * common + 0.44 * random.normal(0, 1, rows)) for spread in (noise, other_noise))
    return actual, actual + first, actual + second


TRIPLES = st.lists(st.tuples(MONEY, MONEY, MONEY), min_size=2, max_size=40).map(lambda rows: tuple(np.array(rows).T))


@given(TRIPLES)
@settings(max_examples=50, deadline=None)
def test_the_difference_is_that_of_the_scores(triple) -> None:
    actual, first, second = triple
    metrics = score(actual, first).as_metrics(), score(actual, second).as_metrics()
    for name, found in error_differences(*triple, resamples=2).items():
        assert found.delta == metrics[0][name] - metrics[1][name]


@given(TRIPLES)
@settings(max_examples=50, deadline=None)
def test_swapping_the_models_turns_the_interval_around(triple) -> None:
    actual, first, second = triple
    swapped = error_differences(actual, second, first, resamples=RESAMPLES)
    for name, there in error_differences(actual, first, second, resamples=RESAMPLES).items():
        back = swapped[name]
        assert (back.delta, back.low, back.high) == pytest.approx((-there.delta, -there.high, -there.low), abs=1e-6)


@given(TRIPLES)
@settings(max_examples=50, deadline=None)
def test_identical_predictions_differ_by_nothing(triple) -> None:
    for found in error_differences(triple[0], triple[1], triple[1], resamples=RESAMPLES).values():
        assert found == Difference(0.0, 0.0, 0.0)
        assert found.verdict is Verdict.NO_REAL_DIFFERENCE


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    rows = prices(200, 4e4, 4.1e4)
    assert paired_bootstrap(*rows, seed=3) == paired_bootstrap(*rows, seed=3)
    assert paired_bootstrap(*rows, seed=3) != paired_bootstrap(*rows, seed=4)


def test_a_big_difference_is_found() -> None:
    actual, good, bad = prices(1_000, 38_000, 48_000)
    assert paired_bootstrap(actual, good, bad).verdict is Verdict.BETTER
    assert paired_bootstrap(actual, bad, good).verdict is Verdict.WORSE


def test_a_difference_within_the_noise_is_none() -> None:
    actual, first, second = prices(400, 48_677, 48_500)
    assert paired_bootstrap(actual, first, second).verdict is Verdict.NO_REAL_DIFFERENCE


def test_pairing_finds_what_two_separate_intervals_would_miss() -> None:
    actual, better, worse = prices(2_000, 47_400, 48_800)
    paired = paired_bootstrap(actual, better, worse)
    alone = [paired_bootstrap(actual, one, actual) for one in (better, worse)]
    assert paired.verdict is Verdict.BETTER
    assert alone[0].high > alone[1].low


def test_nineteen_intervals_in_twenty_hold_the_true_difference() -> None:
    """Both models err by the same; so the true difference is zero. 200 samples: 95 % ± three standard errors."""
    intervals = [paired_bootstrap(*prices(300, 4e4, 4e4, seed), resamples=400) for seed in range(200)]
    covered = sum(found.low <= 0 <= found.high for found in intervals)
    assert 0.90 <= covered / len(intervals) <= 0.995


def test_two_noisy_copies_of_one_model_are_called_different_in_one_case_of_twenty() -> None:
    """1,000 cases by the interval alone: 5 % and three standard errors of the simulation, and a little for n = 300."""
    cases = [paired_bootstrap(*prices(300, 4e4, 4e4, seed), resamples=400, seed=seed) for seed in range(1_000, 2_000)]
    different = sum(found.verdict is not Verdict.NO_REAL_DIFFERENCE for found in cases)
    assert 0.02 <= different / len(cases) <= 0.09


def test_a_true_difference_is_found_nearly_always() -> None:
    """A tenth on 1,000 rows: five standard errors of the difference."""
    cases = [paired_bootstrap(*prices(1_000, 4e4, 4.4e4, seed), resamples=300, seed=seed) for seed in range(200)]
    assert sum(found.verdict is Verdict.BETTER for found in cases) >= 190
    assert not any(found.verdict is Verdict.WORSE for found in cases)


@pytest.mark.parametrize("metric", ["rmse", "mae", "mape", "r2_score"])
def test_the_interval_is_that_of_scipys_paired_percentile_bootstrap(metric: str) -> None:
    actual, first, second = prices(80, 4e4, 5e4, seed=5)

    def difference(*rows: np.ndarray) -> float:
        return score(rows[0], rows[1]).as_metrics()[metric] - score(rows[0], rows[2]).as_metrics()[metric]

    theirs = stats.bootstrap(
        (actual, first, second),
        difference,
        paired=True,
        vectorized=False,
        n_resamples=3_000,
        method="percentile",
        rng=np.random.default_rng(8),
    ).confidence_interval
    (found,) = differences_to_baseline(actual, second, [first], resamples=10_000)
    ours = found[metric]
    assert ours.delta == pytest.approx(difference(actual, first, second))
    width = ours.high - ours.low
    assert [ours.low, ours.high] == pytest.approx([theirs.low, theirs.high], abs=0.06 * width)


def test_many_models_are_compared_as_each_of_them_alone() -> None:
    actual, baseline, _ = prices(150, 4e4, 4e4)
    others = np.vstack([prices(150, 4e4, noise, seed)[2] for seed, noise in enumerate((3.5e4, 4e4, 5e4))])
    together = differences_to_baseline(actual, baseline, others, resamples=RESAMPLES)
    for found, other in zip(together, others, strict=True):
        alone = error_differences(actual, other, baseline, resamples=RESAMPLES)
        for name, difference in alone.items():
            one = found[name]
            assert (one.delta, one.low, one.high) == pytest.approx((difference.delta, difference.low, difference.high))


def test_a_baseline_with_nobody_beside_it_has_no_differences() -> None:
    actual, baseline, _ = prices(150, 4e4, 4e4)
    alone = resample(actual, baseline, [], resamples=RESAMPLES)
    assert alone.differences == ()
    assert alone.rmse.shape == (RESAMPLES, 1)
    assert alone.rmse.mean() == pytest.approx(alone.scores[0].rmse, rel=0.02)


@given(TRIPLES, st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_copies_of_the_baseline_differ_from_it_by_exactly_nothing(triple, copies: int) -> None:
    actual, baseline, other = triple
    for found in differences_to_baseline(actual, baseline, [other, *[baseline] * copies], resamples=50)[1:]:
        assert {name: found[name] for name in ("rmse", "mae", "mape")} == dict.fromkeys(
            ("rmse", "mae", "mape"), Difference(0.0, 0.0, 0.0)
        )


@given(st.permutations(range(40)))
@settings(max_examples=20, deadline=None)
def test_the_order_of_the_rows_changes_an_interval_no_more_than_another_seed_does(order: list[int]) -> None:
    rows = prices(40, 4e4, 5e4)
    here = paired_bootstrap(*rows, resamples=2_000)
    there = paired_bootstrap(*(one[order] for one in rows), resamples=2_000)
    assert there.delta == pytest.approx(here.delta)
    width = here.high - here.low
    assert (there.low, there.high) == pytest.approx((here.low, here.high), abs=0.12 * width)


@given(TRIPLES)
@settings(max_examples=50, deadline=None)
def test_r2_rises_exactly_when_the_rmse_falls(triple) -> None:
    actual, first, second = triple
    assume(np.ptp(actual) > 1)
    (found,) = differences_to_baseline(actual, second, [first], resamples=RESAMPLES)
    rmse, r2 = found["rmse"], found["r2_score"]
    assert math.copysign(1, rmse.delta) == -math.copysign(1, r2.delta) or abs(rmse.delta) < 1e-6
    assert not (rmse.high < -1e-6 and r2.low < 0)
    assert not (rmse.low > 1e-6 and r2.high > 0)


def test_equal_prices_have_an_rmse_and_no_r2() -> None:
    (found,) = differences_to_baseline([5e4] * 6, [5.1e4] * 6, [[5.2e4] * 6], resamples=RESAMPLES)
    assert found["rmse"] == Difference(1_000.0, 1_000.0, 1_000.0)
    assert all(math.isnan(value) for value in (found["r2_score"].delta, found["r2_score"].low))


def test_the_interval_is_that_of_drawing_the_rows_one_by_one() -> None:
    actual, first, second = prices(60, 4e4, 5e4)
    random = np.random.default_rng(3)
    drawn = []
    for _ in range(2_000):
        rows = random.integers(0, 60, 60)
        drawn.append(score(actual[rows], first[rows]).rmse - score(actual[rows], second[rows]).rmse)
    found = paired_bootstrap(actual, first, second, resamples=4_000)
    width = found.high - found.low
    assert [found.low, found.high] == pytest.approx(np.percentile(drawn, [2.5, 97.5]).tolist(), abs=0.08 * width)


def test_all_training_rows_are_compared_in_little_memory_and_time() -> None:
    rows = prices(16_512, 48_677, 48_500)
    before = time.process_time()
    paired_bootstrap(*rows)
    assert time.process_time() - before < 5
    tracemalloc.start()
    paired_bootstrap(*rows, resamples=200)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


@pytest.mark.parametrize(
    ("actual", "predicted", "other"),
    [
        ([1.0, 2.0], [1.0, 2.0], [1.0]),
        ([1.0], [1.0], [1.0]),
        ([1.0, 2.0], [1.0, math.nan], [1.0, 2.0]),
        ([1.0, 2.0], [1.0, 2.0], [1.0, math.inf]),
        ([[1.0], [2.0]], [[1.0], [2.0]], [[1.0], [2.0]]),
    ],
)
def test_what_cannot_be_scored_cannot_be_compared(actual, predicted, other) -> None:
    with pytest.raises(InvalidData):
        paired_bootstrap(actual, predicted, other)


def test_no_resamples_are_refused() -> None:
    with pytest.raises(InvalidData, match="by 0 resamples"):
        paired_bootstrap([1.0, 2.0], [1.0, 2.0], [2.0, 1.0], resamples=0)


SCORES = st.lists(MONEY, min_size=2, max_size=20)


@given(SCORES)
def test_the_mean_has_students_interval(scores: list[float]) -> None:
    mean, low, high = mean_interval(scores)
    assert mean == pytest.approx(np.mean(scores))
    error = stats.sem(scores)
    assume(error > 1e-6)
    assert (low, high) == pytest.approx(stats.t.interval(0.95, len(scores) - 1, loc=mean, scale=error))


def test_a_single_score_is_its_mean_and_has_no_interval() -> None:
    assert mean_interval([48_677.0]) == (48_677.0, None, None)


@pytest.mark.parametrize("scores", [[], [1.0, math.nan], [math.inf]])
def test_scores_that_are_none_have_no_mean(scores: list[float]) -> None:
    with pytest.raises(InvalidData):
        mean_interval(scores)


@given(st.lists(st.tuples(MONEY, MONEY), min_size=2, max_size=10))
def test_pairs_of_scores_are_compared_pair_by_pair(pairs: list[tuple[float, float]]) -> None:
    scores, others = zip(*pairs, strict=True)
    there, back = paired_seeds(scores, others), paired_seeds(others, scores)
    assert (back.delta, back.low, back.high) == pytest.approx((-there.delta, -there.high, -there.low))
    assert there.low <= there.delta <= there.high


def test_a_small_difference_the_same_under_every_seed_is_real() -> None:
    others = [48_000.0, 49_000.0, 50_000.0, 48_500.0, 49_500.0]
    assert paired_seeds([score - 120 - step for step, score in enumerate(others)], others).verdict is Verdict.BETTER
    assert paired_seeds([others[-1], *others[:-1]], others).verdict is Verdict.NO_REAL_DIFFERENCE


def test_the_same_scores_do_not_differ() -> None:
    assert paired_seeds([5e4, 4e4], [5e4, 4e4]).verdict is Verdict.NO_REAL_DIFFERENCE


@pytest.mark.parametrize(("scores", "others"), [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([], [])])
def test_scores_that_make_no_two_pairs_are_refused(scores: list[float], others: list[float]) -> None:
    with pytest.raises(InvalidData, match="Cannot pair"):
        paired_seeds(scores, others)
