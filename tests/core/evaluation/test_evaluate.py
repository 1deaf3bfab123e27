"""Scores are the ones scikit-learn computes, thresholds include their boundary, and the report is whole."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    r2_score,
    root_mean_squared_error,
)

from core.domain.configuration import load_settings
from core.domain.errors import InvalidData, RecordsError
from core.domain.runs import Scores
from core.domain.settings import Settings, Thresholds
from core.evaluation.evaluate import ModelEvaluator, check, score, write_report

PRICES = st.floats(15_000, 500_001)
ACTUAL = np.array([100_000.0, 200_000.0, 300_000.0, 500_001.0])
LIMITS = Thresholds(rmse=55_000, mae=37_000, r2_score=0.75, mape=22)


@pytest.fixture
def home_settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path, environment={})


@given(
    st.integers(2, 60).flatmap(
        lambda n: st.tuples(arrays(float, n, elements=PRICES), arrays(float, n, elements=PRICES))
    )
)
def test_the_scores_are_scikit_learns(pair: tuple[np.ndarray, np.ndarray]) -> None:
    actual, predicted = pair
    mine = score(actual, predicted)
    assert mine.rmse == pytest.approx(root_mean_squared_error(actual, predicted), rel=1e-9)
    assert mine.mae == pytest.approx(mean_absolute_error(actual, predicted), rel=1e-9)
    assert mine.mape == pytest.approx(100 * mean_absolute_percentage_error(actual, predicted), rel=1e-9)
    if np.ptp(actual) > 1:
        assert mine.r2_score == pytest.approx(r2_score(actual, predicted), rel=1e-6)


@given(st.integers(2, 50), PRICES)
def test_prices_that_are_all_the_same_have_no_r2(rows: int, price: float) -> None:
    assert math.isnan(score(np.full(rows, price), np.full(rows, price + 1.0)).r2_score)


@given(arrays(float, st.integers(2, 60), elements=PRICES).filter(lambda prices: np.ptp(prices) > 1))
def test_a_perfect_prediction_has_no_error_and_passes(prices: np.ndarray) -> None:
    scores = score(prices, prices)
    assert scores == Scores(rmse=0.0, mae=0.0, r2_score=1.0, mape=0.0)
    assert all(check(scores, LIMITS).values())


def test_lists_series_and_arrays_score_alike() -> None:
    predicted = ACTUAL * 1.1
    scores = score(ACTUAL, predicted)
    assert score(list(ACTUAL), list(predicted)) == scores
    # A label is no place: held-out rows and predictions rarely carry the same index.
    assert score(pd.Series(ACTUAL, index=[9, 3, 7, 1]), pd.Series(predicted)) == scores


def test_mape_is_in_percent() -> None:
    assert score(ACTUAL, ACTUAL * 1.1).mape == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("actual", "predicted"),
    [
        (ACTUAL, ACTUAL[:3]),
        (ACTUAL[:1], ACTUAL[:1]),
        ([], []),
        (ACTUAL.reshape(2, 2), ACTUAL.reshape(2, 2)),
        (ACTUAL, ACTUAL.reshape(4, 1)),
        (200_000.0, 200_000.0),
    ],
    ids=["lengths differ", "one row", "no row", "tables", "a column", "no array"],
)
def test_shapes_that_cannot_be_scored_are_refused_and_named(actual: object, predicted: object) -> None:
    with pytest.raises(InvalidData, match="Cannot score") as refusal:
        score(actual, predicted)
    assert str(np.shape(actual)) in refusal.value.what
    assert str(np.shape(predicted)) in refusal.value.what
    assert "same length" in refusal.value.remedy


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("side", ["actual", "predicted"])
def test_a_value_that_is_no_number_is_refused(bad: float | None, side: str) -> None:
    spoilt = [*ACTUAL[:3], bad]
    with pytest.raises(InvalidData, match="missing or infinite"):
        score(*((spoilt, ACTUAL) if side == "actual" else (ACTUAL, spoilt)))


@pytest.mark.parametrize("name", ["rmse", "mae", "r2_score", "mape"])
def test_a_score_on_its_threshold_passes_and_one_beyond_fails(name: str) -> None:
    limits = LIMITS.model_dump()
    assert all(check(Scores(**limits), LIMITS).values())
    worse = math.nextafter(limits[name], -math.inf if name == "r2_score" else math.inf)
    checks = check(Scores(**{**limits, name: worse}), LIMITS)
    assert [failed for failed, passed in checks.items() if not passed] == [name]


@pytest.mark.parametrize("name", ["rmse", "mae", "r2_score", "mape"])
def test_a_score_that_is_not_a_number_reaches_nothing(name: str) -> None:
    checks = check(Scores(**{**LIMITS.model_dump(), name: math.nan}), LIMITS)
    assert [failed for failed, passed in checks.items() if not passed] == [name]


def test_constant_prices_fail_on_r2_alone(home_settings: Settings) -> None:
    verdict = ModelEvaluator(home_settings).judge([200_000.0] * 3, [200_000.0] * 3)
    assert verdict.threshold_checks == {"rmse": True, "mae": True, "r2_score": False, "mape": True}
    assert not verdict.all_checks_passed


def test_the_report_has_the_old_shape_and_lies_in_logs(home_settings: Settings) -> None:
    report = ModelEvaluator(home_settings).evaluate(ACTUAL, ACTUAL * 1.05)
    assert list(report) == ["metrics", "threshold_checks", "all_checks_passed"]
    assert list(report["metrics"]) == ["rmse", "mae", "r2_score", "mape"]
    assert report["threshold_checks"] == {"rmse": True, "mae": True, "r2_score": True, "mape": True}
    assert report["all_checks_passed"] is True
    assert report["metrics"]["mape"] == pytest.approx(5.0)
    file = home_settings.home / "logs" / "evaluation_report.json"
    assert json.loads(file.read_text(encoding="utf-8")) == report
    assert [left.name for left in file.parent.iterdir()] == [file.name]


def test_judging_writes_nothing(home_settings: Settings) -> None:
    ModelEvaluator(home_settings).judge(ACTUAL, ACTUAL)
    assert list(home_settings.home.iterdir()) == []


def test_thresholds_come_from_the_configuration() -> None:
    predicted = ACTUAL + 1_000.0
    assert ModelEvaluator().judge(ACTUAL, predicted).all_checks_passed
    strict = ModelEvaluator({"evaluation": {"thresholds": {"rmse": 999.0}}}).judge(ACTUAL, predicted)
    assert strict.threshold_checks == {"rmse": False, "mae": True, "r2_score": True, "mape": True}


def test_a_report_without_an_r2_is_json_every_reader_takes(home_settings: Settings) -> None:
    report = ModelEvaluator(home_settings).evaluate([200_000.0] * 3, [210_000.0] * 3)
    assert math.isnan(report["metrics"]["r2_score"])
    text = home_settings.paths.evaluation_report.read_text(encoding="utf-8")
    written = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert written["metrics"] == {"rmse": 10_000.0, "mae": 10_000.0, "r2_score": None, "mape": pytest.approx(5.0)}
    assert written["threshold_checks"] == report["threshold_checks"]


def test_a_report_that_cannot_be_written_leaves_the_last_one_alone(home_settings: Settings) -> None:
    file = home_settings.paths.evaluation_report
    ModelEvaluator(home_settings).evaluate(ACTUAL, ACTUAL)
    before = file.read_bytes()
    with pytest.raises(TypeError):
        write_report({"metrics": {"rmse": 1.0}, "threshold_checks": object()}, file)
    assert file.read_bytes() == before
    assert [left.name for left in file.parent.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(home_settings: Settings) -> None:
    home_settings.paths.logs.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(RecordsError, match="could not be written") as refusal:
        ModelEvaluator(home_settings).evaluate(ACTUAL, ACTUAL)
    assert refusal.value.where == str(home_settings.paths.evaluation_report)
    assert "permissions" in refusal.value.remedy
