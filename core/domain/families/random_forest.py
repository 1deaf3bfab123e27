"""Random forest: many deep trees on drawn rows, and their mean."""

from __future__ import annotations

from typing import Final

from core.domain.family import Family
from core.domain.shared_knobs import forest

FAMILY: Final = Family(
    label="Random forest",
    knobs=forest(max_depth=20, max_features=0.35),
    estimator="sklearn.ensemble:RandomForestRegressor",
    threads="n_jobs",
)
