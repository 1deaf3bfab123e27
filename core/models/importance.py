"""What a fitted model leans on, in one form for every family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from sklearn.pipeline import Pipeline

from core.domain.hyperparameters import ModelFamily
from core.features.preprocessing import model_column_names
from core.models.steps import Rows, one_openmp_thread

_SAMPLE: Final = 1000
_REPEATS: Final = 3


@dataclass(frozen=True, slots=True)
class Importance:
    """Shares that add up to 1, largest first; ``method`` says in a few words how they were measured."""

    method: str
    shares: tuple[tuple[str, float], ...]

    def as_dict(self) -> dict[str, float]:
        return dict(self.shares)


def importance_of(family: ModelFamily, fitted: Pipeline, rows: Rows) -> Importance:
    """How much each column carries in a fitted Pipeline.

    Impurity for forests, gain for LightGBM and, on average, for those of a blend, standardised coefficients for
    ridge. Histogram gradient boosting keeps none of its own, and of other families nobody knows it: their columns are
    permuted on up to 1,000 of the fitted rows.

    Args:
        rows: the matrix and prices the estimator was fitted on. The Pipeline's ``transform`` would not make that matrix
            again: its location features would show a fitted row its own price.
    """
    model = fitted.named_steps["model"]
    match family:
        case ModelFamily.RANDOM_FOREST | ModelFamily.EXTRA_TREES:
            return _ranked("impurity decrease", model_column_names(fitted), model.feature_importances_)
        case ModelFamily.LIGHTGBM:
            gain = model.booster_.feature_importance(importance_type="gain")
            return _ranked("gain", model_column_names(fitted), gain)
        case ModelFamily.BLEND:
            return _ranked("gain of the LightGBM members", model_column_names(fitted), _mean_gain(model))
        case ModelFamily.RIDGE:
            carried = np.abs(model.coef_) * rows.X.std(axis=0)
            return _ranked("standardised coefficient", model_column_names(fitted), carried)
        case _:
            return _permuted(fitted, rows)


def _mean_gain(blend: Any) -> np.ndarray:
    """Each column's mean share of the gain: that on log prices has another unit. Shape (columns,)."""
    members = [getattr(member, "regressor_", member) for member in blend.estimators_]
    gains = [one.booster_.feature_importance(importance_type="gain") for one in members if hasattr(one, "booster_")]
    return np.asarray(np.mean([gain / (gain.sum() or 1.0) for gain in gains], axis=0))


def _permuted(fitted: Pipeline, rows: Rows) -> Importance:
    from sklearn.inspection import permutation_importance

    places = np.random.default_rng(0).permutation(len(rows.y))[:_SAMPLE]
    names = model_column_names(fitted)
    with one_openmp_thread():
        result = permutation_importance(
            fitted.named_steps["model"],
            rows.X[places],
            rows.y[places],
            scoring="neg_root_mean_squared_error",
            n_repeats=_REPEATS,
            random_state=0,
        )
    return _ranked("permutation", names, np.clip(result.importances_mean, 0.0, None))


def _ranked(method: str, names: list[str], raw: np.ndarray) -> Importance:
    """Merge the one-hot columns back into ``ocean_proximity`` and scale to shares."""
    merged: dict[str, float] = {}
    for name, value in zip(names, raw, strict=True):
        column = "ocean_proximity" if name.startswith("ocean_proximity") else name
        merged[column] = merged.get(column, 0.0) + float(value)
    total = sum(merged.values()) or 1.0
    shares = sorted(((name, value / total) for name, value in merged.items()), key=lambda pair: -pair[1])
    return Importance(method, tuple(shares))
