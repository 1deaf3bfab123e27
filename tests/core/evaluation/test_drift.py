"""Drift tells rows that are like the training rows from rows that are not, counted in chunks of any size."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from core.data.split import Split, split_rows
from core.domain.house import NUMERIC_COLUMNS, RAW_COLUMNS
from core.evaluation.drift import DriftBaseline, DriftSketch, DriftVerdict, FeatureDrift, drift
from core.features.direct import PLACES, HouseRows


@pytest.fixture(scope="module")
def split(real_rows: pd.DataFrame) -> Split:
    return split_rows(real_rows)


@pytest.fixture(scope="module")
def baseline(split: Split) -> DriftBaseline:
    return DriftBaseline.of(HouseRows.from_frame(split.X_train))


def by_feature(rows: pd.DataFrame, baseline: DriftBaseline) -> dict[str, FeatureDrift]:
    return {one.feature: one for one in drift(baseline.count(HouseRows.from_frame(rows)), baseline)}


def same(one: DriftSketch, other: DriftSketch) -> bool:
    arrays = zip((*one.cells, one.missing, one.places), (*other.cells, other.missing, other.places), strict=True)
    return one.rows == other.rows and all(np.array_equal(mine, theirs) for mine, theirs in arrays)


def test_every_raw_feature_is_judged_once(split: Split, baseline: DriftBaseline) -> None:
    assert sorted(by_feature(split.X_test, baseline)) == sorted(RAW_COLUMNS)


def test_the_held_out_rows_are_like_the_training_rows(split: Split, baseline: DriftBaseline) -> None:
    found = by_feature(split.X_test, baseline)
    assert {one.verdict for one in found.values()} == {DriftVerdict.LIKE}
    bedrooms = found["total_bedrooms"]
    assert bedrooms.missing == pytest.approx(207 / 4_128)
    assert bedrooms.missing_before == 0
    alike = "like the training rows (stability index PSI 0.00)."
    assert bedrooms.text == f"Bedrooms: {alike} 5.0 % of the rows have no value."
    assert found["median_income"].text == f"Median income: {alike}"


def test_the_training_rows_themselves_have_not_moved_at_all(baseline: DriftBaseline) -> None:
    for one in drift(baseline.sketch, baseline):
        assert one.psi == 0
        assert one.ks in {0, None}
        assert one.outside == one.unseen == 0


def test_the_distance_is_scipys(split: Split, baseline: DriftBaseline) -> None:
    shifted = split.X_test.assign(median_income=lambda rows: rows["median_income"] * 1.17)
    found = by_feature(shifted, baseline)
    for name in NUMERIC_COLUMNS:
        expected = ks_2samp(shifted[name].dropna(), split.X_train[name]).statistic
        assert found[name].ks == pytest.approx(expected, abs=1e-12)


def test_the_index_is_that_of_the_deciles_counted_by_hand(split: Split, baseline: DriftBaseline) -> None:
    values, before = split.X_test["median_income"] * 1.17, split.X_train["median_income"]
    ends = np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf")
    now, then = (np.bincount(np.searchsorted(ends, one, side="left"), minlength=10) + 0.5 for one in (values, before))
    now, then = now / now.sum(), then / then.sum()
    expected = ((now - then) * np.log(now / then)).sum()
    found = by_feature(split.X_test.assign(median_income=values), baseline)["median_income"]
    assert found.psi == pytest.approx(expected, abs=1e-12)


def test_a_file_of_the_coast_alone_and_dearer_has_shifted_and_says_where(split: Split, baseline: DriftBaseline) -> None:
    coast = split.X_test[split.X_test["ocean_proximity"] != "INLAND"]
    found = by_feature(coast.assign(median_income=coast["median_income"] * 1.3), baseline)
    income, place = found["median_income"], found["ocean_proximity"]
    assert income.verdict is place.verdict is DriftVerdict.VERY_DIFFERENT
    assert found["latitude"].verdict is DriftVerdict.SHIFTED
    above = (coast["median_income"] * 1.3 > split.X_train["median_income"].quantile(0.9)).mean()
    assert f"{100 * above:.1f} % of the rows are above 6.2, of the training rows 10.0 %." in income.text
    assert "lie outside the 0.5 to 15.0 of the training rows." in income.text
    assert "0.0 % of the rows are INLAND, of the training rows 31.7 %." in place.text


def test_values_beyond_the_training_rows_are_counted_as_outside(split: Split, baseline: DriftBaseline) -> None:
    half = len(split.X_test) // 2
    age = split.X_test["housing_median_age"].to_numpy(copy=True)
    age[:half] = 80
    found = by_feature(split.X_test.assign(housing_median_age=age), baseline)["housing_median_age"]
    assert found.outside == half / len(age)
    assert found.verdict is DriftVerdict.VERY_DIFFERENT


def test_a_class_no_training_row_has_is_unseen(split: Split) -> None:
    inland = split.X_train[split.X_train["ocean_proximity"] != "ISLAND"]
    baseline = DriftBaseline.of(HouseRows.from_frame(inland))
    islands = split.X_test.head(1_000).assign(ocean_proximity=["ISLAND"] * 100 + ["INLAND"] * 900)
    found = by_feature(islands, baseline)["ocean_proximity"]
    assert found.unseen == 0.1
    assert "10.0 % of the rows are in a class that no training row has." in found.text


def test_a_handful_of_rows_is_not_said_to_have_shifted(split: Split, baseline: DriftBaseline) -> None:
    found = by_feature(split.X_test.head(20), baseline)
    assert DriftVerdict.TOO_FEW in {one.verdict for one in found.values()}
    assert not {DriftVerdict.SHIFTED, DriftVerdict.VERY_DIFFERENT} & {one.verdict for one in found.values()}


def test_random_small_files_are_rarely_called_shifted(split: Split, baseline: DriftBaseline) -> None:
    drawn = [split.X_test.sample(60, random_state=seed) for seed in range(40)]
    words = [one.verdict for rows in drawn for one in by_feature(rows, baseline).values()]
    wrong = sum(word in {DriftVerdict.SHIFTED, DriftVerdict.VERY_DIFFERENT} for word in words)
    assert wrong <= 0.1 * len(words)


def test_no_rows_are_no_drift(baseline: DriftBaseline) -> None:
    nothing = HouseRows(np.empty((0, len(NUMERIC_COLUMNS))), np.empty(0, dtype=np.intp))
    for one in drift(baseline.count(nothing), baseline):
        assert (one.psi, one.ks, one.missing, one.outside) == (None, None, 0, 0)
        assert one.text.endswith(": no value to compare.")
        assert one.verdict is DriftVerdict.TOO_FEW


def test_a_column_without_any_value_has_no_index(split: Split, baseline: DriftBaseline) -> None:
    found = by_feature(split.X_test.assign(total_bedrooms=math.nan), baseline)["total_bedrooms"]
    assert (found.psi, found.ks, found.missing) == (None, None, 1)
    assert found.text == "Bedrooms: no value to compare. 100.0 % of the rows have no value."


@settings(max_examples=40)
@given(st.integers(1, 300), st.lists(st.integers(0, 300), max_size=6), st.integers(0, 2**32 - 1))
def test_chunks_added_up_are_the_rows_counted_at_once(
    baseline: DriftBaseline, size: int, cuts: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(size, len(NUMERIC_COLUMNS))) * 1_000
    numbers[random.random(numbers.shape) < 0.05] = np.nan
    rows = HouseRows(numbers, random.integers(0, len(PLACES), size))
    ends = [0, *sorted(min(cut, size) for cut in cuts), size]
    parts = [baseline.count(HouseRows(numbers[a:b], rows.places[a:b])) for a, b in pairwise(ends)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    assert same(total, baseline.count(rows))


def test_a_feature_that_is_always_the_same_has_one_bin(split: Split) -> None:
    baseline = DriftBaseline.of(HouseRows.from_frame(split.X_train.assign(median_income=3.0)))
    income = by_feature(split.X_test, baseline)["median_income"]
    assert income.ks == pytest.approx(
        max((split.X_test["median_income"] > 3).mean(), (split.X_test["median_income"] < 3).mean())
    )
    assert income.outside == (split.X_test["median_income"] != 3).mean()
