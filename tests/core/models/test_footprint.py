"""What a forest may take is told before it is grown: never too little, and not much too much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core.data.split import Split
from core.domain.hyperparameters import KNOBS, ModelFamily, TrainingSpec
from core.models.families import build_pipeline
from core.models.footprint import most_megabytes
from core.models.packaged import write_model

FORESTS = [ModelFamily.RANDOM_FOREST, ModelFamily.EXTRA_TREES]


def node_megabytes(spec: TrainingSpec, X: np.ndarray, y: np.ndarray) -> float:
    forest = build_pipeline(spec).named_steps["model"].fit(X, y)
    trees = [tree.tree_.__getstate__() for tree in forest.estimators_]
    return float(sum(tree["nodes"].nbytes + tree["values"].nbytes for tree in trees) / 1_000_000)


@pytest.mark.parametrize("family", FORESTS)
@pytest.mark.parametrize(
    ("knobs", "times"),
    [
        ({}, 1.5),
        ({"max_depth": 40}, 1.3),
        ({"max_depth": 8}, 1.7),
        ({"min_samples_leaf": 5}, 1.6),
        ({"max_depth": 14}, 7.0),
        ({"max_depth": 2}, 2.5),
    ],
    ids=["default", "deepest", "flat", "larger leaves", "the worst depth for the bound", "flattest"],
)
def test_a_forest_on_the_real_rows_stays_below_its_bound_and_near_it(
    family: ModelFamily, knobs: dict[str, int], times: float, real_split: Split, tmp_path: Path
) -> None:
    spec = TrainingSpec.create(family, {"n_estimators": 150, **knobs})
    few = TrainingSpec.create(family, {**spec.values, "n_estimators": 10})
    fitted = build_pipeline(few, n_jobs=2).fit(real_split.X_train, real_split.y_train)
    real = write_model(fitted, tmp_path / "model.joblib").megabytes
    bound = most_megabytes(few, len(real_split.X_train))
    assert bound is not None
    assert real <= bound
    whole = most_megabytes(spec, len(real_split.X_train))
    assert whole is not None
    assert whole <= times * 15 * real


@hypothesis_settings(max_examples=30)
@given(
    family=st.sampled_from(FORESTS),
    rows=st.integers(2, 600),
    depth=st.integers(2, 40),
    leaf=st.integers(1, 50),
    trees=st.sampled_from([10, 20]),
    seed=st.integers(0, 5),
)
def test_no_forest_is_larger_than_its_bound(
    family: ModelFamily, rows: int, depth: int, leaf: int, trees: int, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    X, y = draw.normal(size=(rows, 3)), draw.normal(size=rows)
    knobs = {"n_estimators": trees, "max_depth": depth, "min_samples_leaf": leaf}
    spec = TrainingSpec.create(family, knobs, seed=seed)
    bound = most_megabytes(spec, rows)
    assert bound is not None
    assert node_megabytes(spec, X, y) <= bound


@pytest.mark.parametrize("family", FORESTS)
def test_more_trees_depth_and_rows_never_need_less(family: ModelFamily) -> None:
    def bound(rows: int = 16_512, **knobs: int) -> float:
        most = most_megabytes(TrainingSpec.create(family, knobs), rows)
        assert most is not None
        return most

    assert bound(n_estimators=300) > bound(n_estimators=150)
    assert bound(max_depth=12) > bound(max_depth=10)
    assert bound(rows=100_000) > bound()
    assert bound(min_samples_leaf=10) < bound()


def test_the_largest_forest_on_a_million_rows_would_take_tens_of_gigabytes() -> None:
    high = {name: KNOBS[ModelFamily.RANDOM_FOREST][name].high for name in ("n_estimators", "max_depth")}
    most = most_megabytes(TrainingSpec.create("random_forest", high), 1_000_000)
    assert most is not None
    assert most > 40_000


@pytest.mark.parametrize("family", [family for family in ModelFamily if family not in FORESTS])
def test_other_families_have_no_bound(family: ModelFamily) -> None:
    assert most_megabytes(TrainingSpec.create(family), 16_512) is None
