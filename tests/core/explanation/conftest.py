"""Block groups of the real file and a small model of each family, made once and read by many tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.data.block_groups import BlockGroups
from core.data.split import Split, split_rows
from core.domain.house import FEATURES, NUMERIC_COLUMNS
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.features.direct import PLACES, HouseRows
from core.models.families import build_pipeline
from core.models.fast_predict import PriceRoute, price_route
from core.models.steps import one_openmp_thread

SMALL: Mapping[ModelFamily, Mapping[str, float]] = {
    ModelFamily.RANDOM_FOREST: {"n_estimators": 20, "max_depth": 12},
    ModelFamily.EXTRA_TREES: {"n_estimators": 20, "max_depth": 12},
    ModelFamily.HIST_GRADIENT_BOOSTING: {"max_iter": 150, "max_leaf_nodes": 12},
    ModelFamily.LIGHTGBM: {"n_estimators": 150, "num_leaves": 12},
    ModelFamily.RIDGE: {},
    ModelFamily.BLEND: {"members": 1, "n_estimators": 50, "num_leaves": 4, "learning_rate": 0.1},
}

FITTED_ROWS = 3_000


@dataclass(frozen=True, slots=True)
class SmallModel:
    """A fitted Pipeline and the quick way to its prices."""

    family: ModelFamily
    pipeline: Any
    route: PriceRoute


@pytest.fixture(autouse=True)
def _as_the_service_runs() -> Iterator[None]:
    """Histogram gradient boosting spins on several threads; the service has one."""
    with one_openmp_thread():
        yield


@pytest.fixture(params=list(ModelFamily), ids=[family.value for family in ModelFamily])
def family(request: pytest.FixtureRequest) -> ModelFamily:
    return request.param


@pytest.fixture(scope="session")
def real_split(real_rows: pd.DataFrame) -> Split:
    return split_rows(real_rows)


@pytest.fixture(scope="session")
def block_groups(real_rows: pd.DataFrame, real_split: Split) -> BlockGroups:
    """All 20,640 block groups, 4,128 of them held out."""
    return BlockGroups.of(real_rows, real_split.X_test.index, sha256="as tested", is_demo=False)


@pytest.fixture(scope="session")
def model_of(real_split: Split) -> Callable[[ModelFamily], SmallModel]:
    """The family's small model, fitted once on 3,000 training rows."""
    kept: dict[ModelFamily, SmallModel] = {}

    def get(family: ModelFamily) -> SmallModel:
        if family not in kept:
            pipeline = build_pipeline(TrainingSpec.create(family, SMALL[family]))
            pipeline.fit(real_split.X_train.head(FITTED_ROWS), real_split.y_train.head(FITTED_ROWS))
            kept[family] = SmallModel(family, pipeline, price_route(pipeline))
        return kept[family]

    return get


@pytest.fixture(scope="session")
def boosted(model_of: Callable[[ModelFamily], SmallModel]) -> SmallModel:
    """The quickest of the tree models, for what does not depend on the family."""
    with one_openmp_thread():
        return model_of(ModelFamily.LIGHTGBM)


@pytest.fixture(scope="session")
def possible() -> HouseRows:
    """1,000 houses from all over what is possible, a tenth of them without bedrooms."""
    random = np.random.default_rng(6)
    ends = np.array([(FEATURES[name].low, FEATURES[name].high) for name in NUMERIC_COLUMNS]).T
    numbers = random.uniform(*ends, size=(1_000, len(NUMERIC_COLUMNS)))
    rooms, bedrooms = (NUMERIC_COLUMNS.index(name) for name in ("total_rooms", "total_bedrooms"))
    numbers[:, bedrooms] = np.clip(numbers[:, rooms] * random.uniform(size=1_000), 1.0, FEATURES["total_bedrooms"].high)
    numbers[::10, bedrooms] = np.nan
    return HouseRows(numbers, random.integers(0, len(PLACES), size=1_000))
