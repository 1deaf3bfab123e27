"""Small fits on real rows, made once and read by many tests."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from core.data.split import Split, split_rows
from core.domain.configuration import load_settings
from core.domain.hyperparameters import ModelFamily, TrainingSpec

if TYPE_CHECKING:
    from core.models.trainer import ModelTrainer

SMALL: Mapping[ModelFamily, Mapping[str, float]] = {
    ModelFamily.RANDOM_FOREST: {"n_estimators": 30, "max_depth": 12},
    ModelFamily.EXTRA_TREES: {"n_estimators": 30, "max_depth": 12},
    ModelFamily.HIST_GRADIENT_BOOSTING: {"max_iter": 250, "max_leaf_nodes": 8},
    ModelFamily.LIGHTGBM: {"n_estimators": 250, "num_leaves": 8},
    ModelFamily.RIDGE: {},
    ModelFamily.BLEND: {"members": 2, "n_estimators": 100, "num_leaves": 8, "learning_rate": 0.1},
}
"""Knobs of a quick fit: three steps of histogram gradient boosting, several of a forest."""

FITTED_ROWS = 2_000


def small_spec(family: ModelFamily, *, seed: int = 42) -> TrainingSpec:
    return TrainingSpec.create(family, SMALL[family], seed=seed)


@pytest.fixture(params=list(ModelFamily), ids=[family.value for family in ModelFamily])
def family(request: pytest.FixtureRequest) -> ModelFamily:
    return request.param


@pytest.fixture(scope="session")
def real_split(real_rows: pd.DataFrame) -> Split:
    return split_rows(real_rows)


@pytest.fixture(scope="session")
def some(real_split: Split) -> tuple[pd.DataFrame, pd.Series]:
    """2,000 rows to fit, with their prices."""
    return real_split.X_train.head(FITTED_ROWS), real_split.y_train.head(FITTED_ROWS)


@pytest.fixture(scope="session")
def held_out(real_split: Split) -> tuple[pd.DataFrame, pd.Series]:
    """500 held-out rows with their prices; some of them lack bedrooms."""
    rows = real_split.X_test.head(500)
    assert rows["total_bedrooms"].isna().any()
    return rows, real_split.y_test.head(500)


@pytest.fixture(scope="session")
def trainer_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., ModelTrainer]:
    """An untrained trainer of a spec, whose state lies in a folder of the tests."""
    from core.models.trainer import ModelTrainer

    home = tmp_path_factory.mktemp("trainers")

    def make(spec: TrainingSpec, **training: Any) -> ModelTrainer:
        return ModelTrainer(load_settings(home=home, environment={}, values={"training": training}), spec)

    return make


@pytest.fixture(scope="session")
def trained(
    some: tuple[pd.DataFrame, pd.Series],
    held_out: tuple[pd.DataFrame, pd.Series],
    trainer_of: Callable[..., ModelTrainer],
) -> Callable[[ModelFamily], ModelTrainer]:
    """The family's small model, fitted once on ``some`` with ``held_out`` watched. Read only."""
    kept: dict[ModelFamily, ModelTrainer] = {}

    def get(family: ModelFamily) -> ModelTrainer:
        if family not in kept:
            kept[family] = trainer_of(small_spec(family))
            kept[family].train(*some, watched=held_out)
        return kept[family]

    return get


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to write further, as on a full disk. Needs no rights."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
