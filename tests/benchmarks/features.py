"""What each group of columns buys, and what presets and families reach with either feature set, as Markdown.

``python -m tests.benchmarks.features`` prints the groups, with ``--models`` presets and families instead. All is
cross-validation in five parts of the training rows: parts drawn at random, and parts of whole blocks of 25 km, of which
no row has a neighbour among the fitted ones. The held-out rows appear with ``--models`` alone, and choose nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import KFold

from core.data.blocks import block_parts, spatial_blocks
from core.data.ingest import DataIngestor
from core.data.split import Split, split_rows
from core.domain.configuration import load_settings
from core.domain.feature_sets import FeatureSet
from core.domain.hyperparameters import ModelFamily, TrainingSpec
from core.domain.presets import TRAINING_PRESETS
from core.features.location import LOCATION_COLUMNS, LOCATION_GROUPS
from core.features.preprocessing import model_column_names
from core.models.families import build_pipeline
from core.models.steps import one_openmp_thread

FOLDS = 5
SEEDS = (1, 2)
SPEC = TRAINING_PRESETS["fast"].spec

Parts = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """The matrices of one fold with all columns, and which columns are whose."""

    fitted: np.ndarray
    prices: np.ndarray
    scored: np.ndarray
    actual: np.ndarray
    names: list[str]

    def rmse(self, estimator: Any, columns: set[str]) -> float:
        """Squared errors summed, of a clone fitted on these columns."""
        at = [number for number, name in enumerate(self.names) if name in columns]
        with one_openmp_thread():
            predicted = clone(estimator).fit(self.fitted[:, at], self.prices).predict(self.scored[:, at])
        return float(np.sum((predicted - self.actual) ** 2))


def at_random(split: Split) -> Parts:
    return list(KFold(FOLDS, shuffle=True, random_state=42).split(split.X_train))


def by_blocks(split: Split) -> Parts:
    """Rows of one block, and so of one place, stay together."""
    return block_parts(spatial_blocks(split.X_train["longitude"], split.X_train["latitude"]), FOLDS, 42)


def folds_of(split: Split, parts: Parts, *, by_place: bool = False) -> list[Fold]:
    made = []
    for fitted, scored in parts:
        pipeline = build_pipeline(SPEC)
        pipeline.named_steps["locate"].set_params(by_place=by_place)
        prepare = pipeline[:-1]
        prices = split.y_train.to_numpy()
        matrix = prepare.fit_transform(split.X_train.iloc[fitted], prices[fitted])
        others = prepare.transform(split.X_train.iloc[scored])
        made.append(Fold(matrix, prices[fitted], others, prices[scored], model_column_names(prepare)))
    return made


def cv_rmse(folds: Sequence[Fold], columns: set[str]) -> float:
    """Mean over the seeds of the RMSE over all rows, in 1990 USD."""
    rows = sum(len(fold.actual) for fold in folds)
    found = []
    for seed in SEEDS:
        estimator = build_pipeline(TrainingSpec.create(SPEC.family, SPEC.values, seed=seed)).named_steps["model"]
        found.append(np.sqrt(sum(fold.rmse(estimator, columns) for fold in folds) / rows))
    return float(np.mean(found))


def groups_table(split: Split) -> Iterator[str]:
    """Each group added to the basic columns, and taken from all."""
    parts = {"random": at_random(split), "blocks": by_blocks(split)}
    folds = {name: folds_of(split, own) for name, own in parts.items()}
    everything = set(folds["random"][0].names)
    basic = everything - set(LOCATION_COLUMNS)
    lines: list[tuple[str, set[str]]] = [("basic columns", basic)]
    lines += [(f"basic and {name}", basic | set(columns)) for name, columns in LOCATION_GROUPS.items()]
    lines += [("all", everything)]
    lines += [(f"all without {name}", everything - set(columns)) for name, columns in LOCATION_GROUPS.items()]
    yield "| columns | random RMSE | 25 km blocks RMSE |"
    yield "|---|---:|---:|"
    for label, columns in lines:
        scores = [cv_rmse(folds[name], columns) for name in ("random", "blocks")]
        yield f"| {label} | {scores[0]:,.0f} | {scores[1]:,.0f} |"
    scores = [cv_rmse(folds_of(split, parts[name], by_place=True), everything) for name in ("random", "blocks")]
    yield f"| all, prices out of fold by place | {scores[0]:,.0f} | {scores[1]:,.0f} |"


def fitted(spec: TrainingSpec, X: pd.DataFrame, y: pd.Series, n_jobs: int) -> tuple[Any, float]:
    """The Pipeline of a spec and the seconds it took."""
    began = time.perf_counter()
    with one_openmp_thread():
        pipeline = build_pipeline(spec, n_jobs=n_jobs).fit(X, y)
    return pipeline, time.perf_counter() - began


def models_table(split: Split, n_jobs: int) -> Iterator[str]:
    """Presets, then every family's defaults on either feature set."""
    specs = {f"preset {preset.name}": preset.spec for preset in TRAINING_PRESETS.values()}
    for family in ModelFamily:
        for features in FeatureSet:
            specs[f"{family.label}, {features.value}"] = TrainingSpec.create(family, features=features)
    yield "| model | CV RMSE | CV MAPE | held-out RMSE | held-out MAPE | fit, s |"
    yield "|---|---:|---:|---:|---:|---:|"
    for label, spec in specs.items():
        out_of_fold = np.empty(len(split.X_train))
        for inside, outside in at_random(split):
            pipeline, _ = fitted(spec, split.X_train.iloc[inside], split.y_train.iloc[inside], n_jobs)
            out_of_fold[outside] = pipeline.predict(split.X_train.iloc[outside])
        pipeline, seconds = fitted(spec, split.X_train, split.y_train, n_jobs)
        inner = _scores(out_of_fold, split.y_train.to_numpy())
        held_out = _scores(pipeline.predict(split.X_test), split.y_test.to_numpy())
        yield f"| {label} | {inner} | {held_out} | {seconds:.1f} |"


def _scores(predicted: np.ndarray, actual: np.ndarray) -> str:
    rmse = np.sqrt(np.mean((predicted - actual) ** 2))
    return f"{rmse:,.0f} | {100 * np.mean(np.abs(predicted / actual - 1)):.1f} %"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--models", action="store_true", help="presets and families instead of groups of columns")
    settings = load_settings()
    split = split_rows(DataIngestor(settings).ingest().rows)
    lines = models_table(split, settings.training.n_jobs) if asked.parse_args().models else groups_table(split)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
