"""Every family prices nine raw columns, however they are laid out, and the same spec makes the same model."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from core.domain.errors import InvalidData
from core.domain.house import RAW_COLUMNS
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.domain.settings import HOME_VARIABLE, PROJECT_ROOT
from core.models.families import build_pipeline
from core.models.trainer import ModelTrainer
from tests.core.models.conftest import small_spec

Rows = tuple[pd.DataFrame, pd.Series]
Trained = Callable[[ModelFamily], ModelTrainer]
TrainerOf = Callable[..., ModelTrainer]

ELSEWHERE = """
import hashlib, json, sys
import pandas as pd
from core.data.split import split_rows
from core.domain.hyperparameters import TrainingSpec
from core.models.trainer import ModelTrainer

split = split_rows(pd.read_csv(sys.argv[1]))
digests = {}
for params in json.loads(sys.argv[2]):
    trainer = ModelTrainer({"training": {"n_jobs": 1}}, TrainingSpec.from_params(params))
    trainer.train(split.X_train.head(2_000), split.y_train.head(2_000))
    prices = trainer.predict(split.X_test.head(500))
    digests[params["family"]] = hashlib.sha256(prices.tobytes()).hexdigest()
print(json.dumps(digests))
"""


def same(first: np.ndarray, second: np.ndarray, family: ModelFamily) -> None:
    """Equal to the last bit; a linear model's sums may differ in it when rows stand elsewhere."""
    np.testing.assert_allclose(first, second, rtol=1e-11 if family is ModelFamily.RIDGE else 0)


ALONE = [family for family in ModelFamily if family is not ModelFamily.BLEND]
"""Families of one estimator; what a blend makes of its knobs stands in test_blend."""


@pytest.mark.parametrize("spec", [TrainingSpec.create(family) for family in ALONE], ids=lambda s: s.family.value)
def test_every_default_lies_within_its_own_range_and_reaches_the_estimator(spec: TrainingSpec) -> None:
    for name, knob in KNOBS[spec.family].items():
        assert knob.low <= knob.default <= knob.high
        assert knob.parse(knob.default) == knob.default == spec.values[name]
    pipeline = build_pipeline(spec)
    assert isinstance(pipeline, Pipeline)
    params = pipeline.named_steps["model"].get_params()
    assert {name: params[name] for name in spec.values} == spec.values
    assert params["random_state"] == spec.seed


def test_the_ends_of_every_knob_are_values_the_library_takes(family: ModelFamily, some: Rows) -> None:
    X, y = some[0].head(120), some[1].head(120)
    fewest = {name: knob.low for name, knob in KNOBS[family].items()}
    size = "max_iter" if "max_iter" in fewest else "n_estimators"
    most = {name: knob.high for name, knob in KNOBS[family].items()}
    for knobs in (fewest, {**most, size: fewest[size]} if size in most else most):
        prices = build_pipeline(TrainingSpec.create(family, knobs)).fit(X, y).predict(X)
        assert np.isfinite(prices).all()


def test_prices_are_finite_and_in_the_world_of_the_data(family: ModelFamily, held_out: Rows, trained: Trained) -> None:
    prices = trained(family).predict(held_out[0])
    assert prices.shape == (500,)
    assert prices.dtype == np.float64
    assert np.isfinite(prices).all()
    # Boosters and a linear model may leave the range of the prices they saw, a forest never does.
    low = 14_999 if family in {ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES} else 0
    assert (prices > low).mean() > 0.97
    assert 150_000 < prices.mean() < 260_000
    worst = float(np.sqrt(np.mean((held_out[1] - held_out[1].mean()) ** 2)))
    assert float(np.sqrt(np.mean((held_out[1] - prices) ** 2))) < 0.7 * worst


def test_a_house_costs_the_same_wherever_its_row_stands(family: ModelFamily, held_out: Rows, trained: Trained) -> None:
    rows, trainer = held_out[0], trained(family)
    prices = trainer.predict(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    same(trainer.predict(rows.iloc[order]), prices[order], family)
    same(trainer.predict(rows.iloc[[7]]), prices[[7]], family)


def test_column_order_other_columns_and_the_index_change_no_price(
    family: ModelFamily, held_out: Rows, trained: Trained
) -> None:
    rows, trainer = held_out[0], trained(family)
    prices = trainer.predict(rows)
    same(trainer.predict(rows[list(reversed(RAW_COLUMNS))]), prices, family)
    same(trainer.predict(rows.set_axis(["a house"] * len(rows), axis=0)), prices, family)
    noise = np.random.default_rng(0).normal(size=len(rows))
    same(trainer.predict(rows.assign(noise=noise, median_house_value=np.nan, owner="x")), prices, family)


def test_columns_and_index_of_the_fitted_rows_do_not_matter(
    family: ModelFamily, some: Rows, held_out: Rows, trained: Trained, trainer_of: TrainerOf
) -> None:
    X, y = some
    shuffled = X[list(reversed(RAW_COLUMNS))].assign(note="x").set_axis(np.arange(len(X)) % 3, axis=0)
    other = trainer_of(small_spec(family))
    other.train(shuffled, y.reset_index(drop=True))
    same(other.predict(held_out[0]), trained(family).predict(held_out[0]), family)
    assert other.get_feature_importance() == pytest.approx(trained(family).get_feature_importance())


def test_the_same_spec_rows_and_seed_make_the_same_model_with_one_thread_or_two(
    family: ModelFamily, some: Rows, held_out: Rows, trained: Trained, trainer_of: TrainerOf
) -> None:
    prices = trained(family).predict(held_out[0])
    for n_jobs in (1, 2):
        again = trainer_of(small_spec(family), n_jobs=n_jobs)
        again.train(*some)
        np.testing.assert_array_equal(again.predict(held_out[0]), prices)


def test_another_process_with_one_thread_makes_the_same_model_bit_for_bit(
    data_file: Path, tmp_path: Path, held_out: Rows, trained: Trained
) -> None:
    families = [
        ModelFamily.RANDOM_FOREST,
        ModelFamily.LIGHTGBM,
        ModelFamily.HIST_GRADIENT_BOOSTING,
        ModelFamily.BLEND,
    ]
    specs = json.dumps([small_spec(family).as_params() for family in families])
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(data_file), specs],
        cwd=PROJECT_ROOT,
        env={**os.environ, HOME_VARIABLE: str(tmp_path), "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    here = {
        family.value: hashlib.sha256(trained(family).predict(held_out[0]).tobytes()).hexdigest() for family in families
    }
    assert json.loads(done.stdout) == here


def test_another_seed_grows_another_model(
    family: ModelFamily, some: Rows, held_out: Rows, trained: Trained, trainer_of: TrainerOf
) -> None:
    other = trainer_of(small_spec(family, seed=43))
    other.train(*some)
    prices, others = trained(family).predict(held_out[0]), other.predict(held_out[0])
    if family is ModelFamily.RIDGE:
        np.testing.assert_array_equal(others, prices)  # nothing is drawn in a linear fit
    else:
        assert (others != prices).mean() > 0.9


@pytest.mark.parametrize("column", ["longitude", "total_bedrooms", "ocean_proximity"])
def test_rows_without_a_column_are_refused_by_its_name(column: str, held_out: Rows, trained: Trained) -> None:
    with pytest.raises(InvalidData, match=rf"lack {column}\."):
        trained(ModelFamily.RIDGE).predict(held_out[0].drop(columns=column))


@pytest.mark.parametrize("unknown", ["LAKE", "inland", None])
def test_a_place_no_model_knows_is_refused_by_its_name(unknown: str | None, held_out: Rows, trained: Trained) -> None:
    rows = held_out[0].head(3).copy()
    rows["ocean_proximity"] = ["INLAND", unknown, "INLAND"]
    with pytest.raises(InvalidData, match="ocean_proximity") as refusal:
        trained(ModelFamily.RIDGE).predict(rows)
    assert (unknown or "missing") in refusal.value.what
    assert "<1H OCEAN" in refusal.value.remedy
