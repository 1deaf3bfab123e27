"""Histogram gradient boosting: trees on binned columns, each correcting those before it."""

from __future__ import annotations

from typing import Final

from core.domain.family import Family
from core.domain.knob import Knob
from core.domain.shared_knobs import LEAF_ROWS, LEARNING_RATE, LEAVES, MAX_FEATURES, PENALTY, trees

FAMILY: Final = Family(
    label="Histogram gradient boosting",
    knobs=(
        trees(default=500, high=3000, step=50, name="max_iter", search=(200, 1000)),
        LEARNING_RATE,
        Knob("max_leaf_nodes", "Leaves", 4, 255, 1, 31, LEAVES, search=(15, 95)),
        Knob("min_samples_leaf", "Rows in a leaf", 1, 200, 1, 20, LEAF_ROWS, search=(5, 60)),
        Knob("l2_regularization", "L2 penalty", 0.0, 20.0, 0.5, 1.0, PENALTY, search=(0.0, 10.0)),
        Knob("max_features", "Columns per split", 0.1, 1.0, 0.05, 0.5, MAX_FEATURES, search=(0.2, 1.0)),
    ),
    estimator="sklearn.ensemble:HistGradientBoostingRegressor",
    # "auto" would stop early above 10,000 rows, on a share of the rows it then never fits.
    fixed={"early_stopping": False},
)
