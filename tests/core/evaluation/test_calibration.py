"""Intervals hold as often as they promise, follow the rows, and learn nothing from what was held out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.demo import demo_rows
from core.domain.errors import InvalidData
from core.domain.house import RAW_COLUMNS, TARGET
from core.domain.money import LOWEST_RECORDED, SURVEY_CAP
from core.evaluation.calibration import FEWEST_ROWS, calibrate, conformal_threshold
from core.evaluation.intervals import IntervalModel
from core.features.direct import HouseRows
from tests.core.evaluation.conftest import Calibrated

LEVELS = st.sampled_from([0.8, 0.9])


def inside_90(model: IntervalModel, X: pd.DataFrame, prices: Any, recorded: Any) -> np.ndarray:
    found = model.ranges(HouseRows.from_frame(X), np.asarray(prices, dtype=float))
    return (found.low_90 <= recorded) & (recorded <= found.high_90)


def width_90(model: IntervalModel, X: pd.DataFrame, prices: Any) -> np.ndarray:
    found = model.ranges(HouseRows.from_frame(X), np.asarray(prices, dtype=float))
    return found.high_90 - found.low_90


def noisy(seed: int, rows: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Invented rows, estimates, and recorded prices that scatter around them, three times as far in the south."""
    generator = np.random.default_rng(seed)
    X = demo_rows(rows, seed=seed)[list(RAW_COLUMNS)]
    estimates = generator.uniform(120_000, 300_000, rows)
    spread = np.where(X["latitude"] < 36, 30_000, 10_000)
    return X, estimates, estimates + spread * generator.standard_normal(rows)


@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), min_size=10, max_size=80, unique=True), LEVELS)
def test_a_score_stays_within_the_threshold_of_the_others_as_often_as_promised(
    scores: list[float], level: float
) -> None:
    """Whichever of exchangeable scores is the new one is a matter of chance, so all of them are tried."""
    members = np.array(scores)
    held = [members[own] <= conformal_threshold(np.delete(members, own), level) for own in range(len(members))]
    assert level <= np.mean(held) <= level + 1 / len(members) + 1e-12


@settings(max_examples=5)
@given(st.integers(0, 10_000))
def test_coverage_is_near_what_is_promised_where_noise_differs_from_place_to_place(seed: int) -> None:
    X, estimates, recorded = noisy(seed, 4_000)
    model = calibrate(X[:2_000], recorded[:2_000], estimates[:2_000], X[2_000:], recorded[2_000:], estimates[2_000:])
    assert model.coverage_90 == pytest.approx(0.9, abs=0.03)
    assert model.coverage_80 == pytest.approx(0.8, abs=0.04)
    width, south = width_90(model, X[2_000:], estimates[2_000:]), (X["latitude"] < 36)[2_000:]
    assert width[south].mean() > 1.8 * width[~south].mean()


def test_on_real_rows_the_90_percent_range_covers_every_region_and_price_fifth(calibrated: Calibrated) -> None:
    recorded = calibrated.split.y_test.to_numpy()
    inside = inside_90(calibrated.intervals, calibrated.split.X_test, calibrated.predicted, recorded)
    assert 0.88 <= inside.mean() <= 0.92
    regions = [share for share in calibrated.intervals.regions if share.rows >= 200]
    assert len(regions) == 4
    assert all(0.85 <= share.share_90 <= 0.95 for share in regions)
    uncapped = recorded < SURVEY_CAP
    fifth = np.searchsorted(np.quantile(recorded[uncapped], [0.2, 0.4, 0.6, 0.8]), recorded[uncapped])
    shares = [float(inside[uncapped][fifth == number].mean()) for number in range(5)]
    assert 0.85 <= min(shares) <= max(shares) <= 0.95


def test_ranges_that_follow_the_house_are_narrower_than_one_width_for_all(calibrated: Calibrated) -> None:
    errors = np.abs(calibrated.split.y_train.to_numpy() - calibrated.out_of_fold)
    reach = conformal_threshold(errors, 0.9)
    low = np.clip(calibrated.predicted - reach, LOWEST_RECORDED, SURVEY_CAP)
    high = np.clip(calibrated.predicted + reach, LOWEST_RECORDED, SURVEY_CAP)
    width = calibrated.intervals.mean_width_90
    assert width is not None
    assert width < 0.9 * float((high - low).mean())


def test_the_tables_tell_what_the_ranges_did(calibrated: Calibrated) -> None:
    model, X = calibrated.intervals, calibrated.split.X_test
    inside = inside_90(model, X, calibrated.predicted, calibrated.split.y_test.to_numpy())
    assert model.coverage_90 == inside.mean()
    assert model.mean_width_90 == pytest.approx(width_90(model, X, calibrated.predicted).mean())
    for share in model.regions:
        assert share.share_90 == inside[(X["ocean_proximity"] == share.name).to_numpy()].mean()
    cheap = calibrated.predicted < 100_000
    assert (model.bands[0].name, model.bands[0].rows) == ("under $100,000", cheap.sum())
    assert model.bands[0].share_90 == inside[cheap].mean()
    for table in (model.regions, model.bands):
        assert sum(share.rows for share in table) == len(X)
        assert all(share.share_80 <= share.share_90 for share in table)


def test_held_out_prices_tell_coverage_and_never_touch_the_ranges(calibrated: Calibrated) -> None:
    split = calibrated.split
    shuffled = np.random.default_rng(0).permutation(split.y_test.to_numpy())
    other = calibrate(
        split.X_train, split.y_train, calibrated.out_of_fold, split.X_test, shuffled, calibrated.predicted
    )
    document, expected = other.as_document(), calibrated.intervals.as_document()
    assert document.pop("held_out") != expected.pop("held_out")
    assert document == expected
    before = calibrated.intervals.ranges(calibrated.held_out, calibrated.predicted)
    after = other.ranges(calibrated.held_out, calibrated.predicted)
    np.testing.assert_array_equal(before.low_90, after.low_90)
    np.testing.assert_array_equal(before.high_80, after.high_80)


def test_the_same_rows_and_seed_make_the_same_document() -> None:
    X, estimates, recorded = noisy(1, 400)
    first, second, other = (
        json.dumps(calibrate(X, recorded, estimates, X, recorded, estimates, seed=seed).as_document())
        for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_few_hundred_rows_without_some_region_are_enough() -> None:
    rows = demo_rows(400)
    rows = rows[rows["ocean_proximity"] == "INLAND"]
    X, recorded = rows[list(RAW_COLUMNS)], rows[TARGET].to_numpy()
    estimates = recorded * np.random.default_rng(0).uniform(0.8, 1.25, len(rows))
    model = calibrate(X[:100], recorded[:100], estimates[:100], X[100:], recorded[100:], estimates[100:])
    assert [share.name for share in model.regions] == ["INLAND"]
    assert model.coverage_90 is not None
    assert 0.75 < model.coverage_90 <= 1.0


def test_block_groups_at_one_and_the_same_place_are_calibrated_too() -> None:
    X, estimates, recorded = noisy(2, 200)
    X = X.assign(longitude=-119.0, latitude=36.5)
    model = calibrate(X, recorded, estimates, X, recorded, estimates)
    assert model.coverage_90 == pytest.approx(0.9, abs=0.08)


def test_a_missing_number_of_bedrooms_does_not_move_a_range(calibrated: Calibrated) -> None:
    X = calibrated.split.X_test.head(50)
    known = width_90(calibrated.intervals, X.assign(total_bedrooms=400.0), calibrated.predicted[:50])
    unknown = width_90(calibrated.intervals, X.assign(total_bedrooms=np.nan), calibrated.predicted[:50])
    np.testing.assert_array_equal(known, unknown)


def test_where_nothing_was_held_out_coverage_is_not_known() -> None:
    X, estimates, recorded = noisy(3, 100)
    model = calibrate(X, recorded, estimates, X[:0], [], [])
    assert (model.coverage_80, model.coverage_90, model.mean_width_90) == (None, None, None)
    assert (model.regions, model.bands) == ((), ())
    again = IntervalModel.from_document(json.loads(json.dumps(model.as_document(), allow_nan=False)))
    assert again.coverage_90 is None


def test_too_few_rows_are_refused_and_as_many_as_are_needed_are_not() -> None:
    X, estimates, recorded = noisy(4, FEWEST_ROWS)
    assert calibrate(X, recorded, estimates, X, recorded, estimates).coverage_90 is not None
    with pytest.raises(InvalidData, match=f"at least {FEWEST_ROWS}"):
        calibrate(X[1:], recorded[1:], estimates[1:], X, recorded, estimates)


@pytest.mark.parametrize("which", ["training rows", "held-out rows"])
def test_prices_that_are_missing_or_too_few_are_refused(which: str) -> None:
    X, estimates, recorded = noisy(5, 60)
    good, gap = (X, recorded, estimates), (X, recorded, np.where(np.arange(60) == 7, np.nan, estimates))
    short = (X, recorded, estimates[1:])
    for bad, said in ((gap, "missing or infinite"), (short, r"\(59,\)")):
        train, held = (bad, good) if which == "training rows" else (good, bad)
        with pytest.raises(InvalidData, match=said) as refused:
            calibrate(*train, *held)
        assert which in refused.value.what
        assert refused.value.remedy
