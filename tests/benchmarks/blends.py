"""Whether a blend of models beats the best single one, as Markdown: ``python -m tests.benchmarks.blends [name …]``.

Every component is cross-validated in five parts of the training rows, all on the same location features. A blend's
weights are non-negative, add up to one, and are themselves cross-fitted: those of a fold come from the other four.
The held-out rows have no part in any of it. The interval is a paired bootstrap over the rows of the difference to
the best preset. The ensemble preset stands among the components as it is: its weights are equal.

Names of components leave out the others, and the blends they belong to; the best preset is always there.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import KFold

from core.data.ingest import DataIngestor
from core.data.split import Split, split_rows
from core.domain.configuration import load_settings
from core.domain.feature_sets import FeatureSet
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS
from core.models.families import build_pipeline
from core.models.steps import one_openmp_thread

FOLDS: Final = 5
RESAMPLES: Final = 2_000
BEST: Final = "best"
ENSEMBLE: Final = "ensemble"
SPEC: Final = TRAINING_PRESETS[BEST].spec


def estimator_of(spec: TrainingSpec) -> Any:
    return build_pipeline(spec, n_jobs=2)[-1]


def components() -> Mapping[str, Callable[[], Any]]:
    """What is blended, by name: the best preset, itself under other seeds and on log prices, and other families."""

    def best(seed: int) -> Any:
        return estimator_of(TrainingSpec.create(SPEC.family, SPEC.values, seed=seed, features=SPEC.features))

    def other(family: ModelFamily, **values: float | int | str) -> Any:
        return estimator_of(TrainingSpec.create(family, values, features=FeatureSet.LOCATION))

    return {
        BEST: lambda: best(SPEC.seed),
        "best, seed 1": lambda: best(1),
        "best, seed 2": lambda: best(2),
        "best, log price": lambda: TransformedTargetRegressor(best(3), func=np.log, inverse_func=np.exp),
        "hist gradient boosting": lambda: other(ModelFamily.HIST_GRADIENT_BOOSTING, max_iter=1_000, learning_rate=0.04),
        "extra trees": lambda: other(ModelFamily.EXTRA_TREES, n_estimators=300),
        ENSEMBLE: lambda: estimator_of(TRAINING_PRESETS[ENSEMBLE].spec),
    }


BLENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "best under three seeds": (BEST, "best, seed 1", "best, seed 2"),
    "best and hist gradient boosting": (BEST, "hist gradient boosting"),
    "best, the same on log price": (BEST, "best, log price"),
    "all boosted": (BEST, "best, seed 1", "best, seed 2", "best, log price", "hist gradient boosting"),
    "all": (BEST, "best, seed 1", "best, seed 2", "best, log price", "hist gradient boosting", "extra trees"),
}


def out_of_fold(split: Split, names: list[str]) -> tuple[dict[str, np.ndarray], dict[str, float], np.ndarray]:
    """Each component's prices of rows it was not fitted on, its mean seconds a fold, and each row's fold."""
    actual = split.y_train.to_numpy(dtype=float)
    fold_of = np.empty(len(actual), dtype=int)
    made = {name: make for name, make in components().items() if name in names}
    found = {name: np.empty(len(actual)) for name in made}
    seconds = dict.fromkeys(found, 0.0)
    for number, (inside, outside) in enumerate(KFold(FOLDS, shuffle=True, random_state=42).split(split.X_train)):
        fold_of[outside] = number
        prepare = build_pipeline(SPEC)[:-1]
        fitted = prepare.fit_transform(split.X_train.iloc[inside], actual[inside])
        others = prepare.transform(split.X_train.iloc[outside])
        for name, make in made.items():
            began = time.perf_counter()
            with one_openmp_thread():
                found[name][outside] = make().fit(fitted, actual[inside]).predict(others)
            seconds[name] += (time.perf_counter() - began) / FOLDS
    return found, seconds, fold_of


def blended(parts: np.ndarray, actual: np.ndarray, fold_of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cross-fitted prices of a blend, shape (n,), and its mean weights, shape (components,)."""
    prices, weights = np.empty(len(actual)), []
    for fold in range(FOLDS):
        inside = fold_of != fold
        weight, _ = nnls(parts[inside], actual[inside])
        weight /= weight.sum()
        prices[~inside] = parts[~inside] @ weight
        weights.append(weight)
    return prices, np.mean(weights, axis=0)


def rmse(predicted: np.ndarray, actual: np.ndarray) -> float:
    return float(np.sqrt(np.mean((predicted - actual) ** 2)))


def interval(predicted: np.ndarray, baseline: np.ndarray, actual: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the difference in RMSE, from the same resampled rows for both."""
    draw = np.random.default_rng(42)
    ours, theirs = (predicted - actual) ** 2, (baseline - actual) ** 2
    rows = (draw.integers(0, len(actual), len(actual)) for _ in range(RESAMPLES))
    low, high = np.percentile([np.sqrt(ours[at].mean()) - np.sqrt(theirs[at].mean()) for at in rows], [2.5, 97.5])
    return float(low), float(high)


def main(names: list[str]) -> None:
    split = split_rows(DataIngestor(load_settings()).ingest().rows)
    actual = split.y_train.to_numpy(dtype=float)
    found, seconds, fold_of = out_of_fold(split, [BEST, *names] if names else list(components()))

    def told(prices: np.ndarray) -> str:
        if prices is found[BEST]:
            return f"{rmse(prices, actual):,.0f} | | "
        low, high = interval(prices, found[BEST], actual)
        gain = rmse(found[BEST], actual) - rmse(prices, actual)
        return f"{rmse(prices, actual):,.0f} | {gain:,.0f} | {-high:,.0f} to {-low:,.0f}"

    print("| model | CV RMSE | less than best by | 95 % interval | fit of a fold, s |\n|---|---:|---:|---:|---:|")
    for name, prices in found.items():
        print(f"| {name} | {told(prices)} | {seconds[name]:.1f} |")
    for name, members in BLENDS.items():
        if not set(members) <= set(found):
            continue
        prices, weights = blended(np.column_stack([found[member] for member in members]), actual, fold_of)
        weighed = ", ".join(f"{weight:.2f}" for weight in weights)
        print(f"| {name} ({weighed}) | {told(prices)} | {sum(seconds[member] for member in members):.1f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
