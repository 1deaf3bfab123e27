"""Extra trees: a forest whose splits are drawn by chance."""

from __future__ import annotations

from typing import Final

from core.domain.family import Family
from core.domain.shared_knobs import forest

FAMILY: Final = Family(
    label="Extra trees",
    knobs=forest(max_depth=25, max_features=1.0),
    estimator="sklearn.ensemble:ExtraTreesRegressor",
    threads="n_jobs",
)
