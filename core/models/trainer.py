"""Training one model: a spec and rows in, a fitted Pipeline out, with progress and cancel on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from joblib import parallel_config
from sklearn.pipeline import Pipeline

from core.data.split import split_rows
from core.domain.configuration import Config, settings_from
from core.domain.errors import InvalidData, NoModel, TrainingCancelled
from core.domain.house import TARGET
from core.domain.hyperparameters import TrainingSpec
from core.domain.jobs import Progress
from core.features.engineer import raw_features
from core.models.checkpoint import TreeCheckpoints
from core.models.families import build_pipeline
from core.models.growth import grow
from core.models.importance import Importance, importance_of
from core.models.packaged import model_file_name, write_model
from core.models.steps import Rows, Step, one_openmp_thread

Report = Callable[[Progress], None]
ShouldStop = Callable[[], bool]

REPORT_SECONDS: Final = 0.25
"""Progress is published at most this often; a booster's iterations are far shorter."""

CURVE_POINTS: Final = 200


class ModelTrainer:
    """Trains one spec.

    The names are the old project's: ``split_data``, ``train``, ``predict``, ``get_feature_importance``,
    ``save_model``. The same spec, rows and seed make the same model, bit for bit.

    Args:
        spec: what to train; by default what the settings ask for.
        config: settings or the content of a config.yaml; by default the project's.
    """

    def __init__(self, config: Config = None, spec: TrainingSpec | None = None) -> None:
        self.settings = settings_from(config)
        self.spec = spec or self.settings.default_spec()
        self.fit_seconds = 0.0
        self.restored_trees = 0
        self.curve: tuple[tuple[int, float], ...] = ()
        self._fitted: Pipeline | None = None
        self._importance: Importance | None = None
        self._measure: Callable[[], Importance] | None = None

    @property
    def pipeline(self) -> Pipeline:
        """The fitted Pipeline.

        Raises:
            NoModel: nothing is trained yet.
        """
        if self._fitted is None:
            raise NoModel("This trainer has trained nothing yet.", remedy="Call train() first.")
        return self._fitted

    def split_data(
        self, rows: pd.DataFrame, prices: pd.Series | None = None
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series, pd.Series]:
        """``X_train, X_test, y_train, y_test`` by the settings' split, in that order.

        Args:
            rows: shape (n, ≥ 9) in file order; with the price column unless ``prices`` is given.
            prices: shape (n,), one for each row by its place; an index is not looked at.

        Raises:
            InvalidData: a column is missing, or there are more or fewer prices than rows.
            InvalidSettings: fewer than two rows would be left on one side.
        """
        if prices is None and TARGET not in rows.columns:
            raise InvalidData(
                f"The rows lack {TARGET}.", remedy="Give rows with the price column, or the prices beside them."
            )
        given = rows[TARGET] if prices is None else prices
        table = raw_features(rows).assign(**{TARGET: _prices(rows, given)})
        data = self.settings.data
        split = split_rows(table, test_size=data.test_size, random_state=data.random_state)
        return split.X_train, split.X_test, split.y_train, split.y_test

    def train(
        self,
        X: pd.DataFrame,
        y: pd.Series,
        *,
        watched: tuple[pd.DataFrame, pd.Series] | None = None,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
        checkpoints: TreeCheckpoints | None = None,
    ) -> Pipeline:
        """Fit on rows of shape (n, ≥ 9) and prices of shape (n,).

        Args:
            watched: rows scored after each step for the live curve, and used for nothing else.
            report: receives progress, at most every quarter of a second and at the end.
            should_stop: asked between steps, at most every quarter of a second and at the end.
            checkpoints: where a forest leaves its trees, and goes on from those it finds there. ``restored_trees``
                then says how many; ``fit_seconds`` is the time of this call alone.

        Raises:
            InvalidData: a column or price is missing, or there are more or fewer prices than rows.
            TrainingCancelled: ``should_stop`` said so; a model trained before stays.
        """
        began = time.perf_counter()
        pipeline = build_pipeline(self.spec, n_jobs=self.settings.training.n_jobs)
        prepare = pipeline[:-1]
        raw = raw_features(X)
        prices = _prices(X, y)
        scored = None
        with parallel_config("threading", n_jobs=self.settings.training.n_jobs):
            rows = Rows(prepare.fit_transform(raw, prices), prices)
            if watched is not None:
                scored = Rows(prepare.transform(raw_features(watched[0])), _prices(*watched))
        publisher = _Publisher(self.spec, began, report, should_stop)
        model = grow(self.spec, pipeline.named_steps["model"], rows, scored, publisher, checkpoints)
        self._fitted = Pipeline([*prepare.steps, ("model", model)])
        self.curve = publisher.curve
        self.restored_trees = publisher.restored
        self.fit_seconds = time.perf_counter() - began
        self._importance = None
        self._measure = partial(importance_of, self.spec.family, self._fitted, rows)
        return self._fitted

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Prices in 1990 USD, shape (n,), for rows of shape (n, ≥ 9).

        Raises:
            NoModel: nothing is trained yet.
            InvalidData: a raw column is missing, or an ``ocean_proximity`` is unknown.
        """
        pipeline = self.pipeline
        with one_openmp_thread():
            return np.asarray(pipeline.predict(raw_features(X)))

    @property
    def importance(self) -> Importance:
        """The columns' shares with the method they were measured by; measured when first asked for.

        Raises:
            NoModel: nothing is trained yet.
        """
        if self._importance is None and self._measure is not None:
            self._importance = self._measure()
        if self._importance is None:
            raise NoModel("This trainer has trained nothing yet.", remedy="Call train() first.")
        return self._importance

    def get_feature_importance(self) -> dict[str, float]:
        """Column → share, largest first; the shares add up to 1."""
        return self.importance.as_dict()

    def save_model(self, path: Path | None = None) -> Path:
        """Write the Pipeline and return its path, by default ``models/saved_models/model_<family>_<time>.joblib``.

        Raises:
            NoModel: nothing is trained yet.
            RecordsError: the file cannot be written.
        """
        target = path or self.settings.paths.saved_models / model_file_name(self.spec.family)
        write_model(self.pipeline, target)
        return target


class _Publisher:
    """Turns steps into progress, thins the curve, and hears the cancel."""

    def __init__(self, spec: TrainingSpec, began: float, report: Report | None, should_stop: ShouldStop | None) -> None:
        self._total = spec.size or 1
        self._unit = "trees" if spec.size else "fit"
        self._began = began
        self._since, self._from = began, 0
        self.restored = 0
        self._report = report
        self._should_stop = should_stop
        self._last = 0.0
        self._curve: list[tuple[int, float]] = []
        self._every = math.ceil(self._total / CURVE_POINTS)

    @property
    def curve(self) -> tuple[tuple[int, float], ...]:
        return tuple(self._curve)

    def __call__(self, step: Step) -> None:
        now = time.perf_counter()
        final = step.done >= self._total
        # Growth by time sizes its own steps: they count as they come; a booster's are thinned.
        scored = step.done if step.scored is None else step.scored
        if step.rmse is not None and (final or scored - (self._curve[-1][0] if self._curve else 0) >= self._every):
            self._curve.append((scored, step.rmse))
        self.restored = step.restored
        if step.done <= step.restored:
            # What was restored tells nothing of how long a tree takes.
            self._since, self._from = now, step.done
        if step.done < step.restored or (not final and now - self._last < REPORT_SECONDS):
            return
        self._last = now
        if self._should_stop is not None and self._should_stop():
            raise TrainingCancelled
        if self._report is not None:
            elapsed, remaining = now - self._began, self._remaining(now, step.done)
            told = Progress(
                "fitting", step.done, self._total, self._unit, elapsed, remaining, self.curve, said=step.said
            )
            self._report(told)

    def _remaining(self, now: float, done: int) -> float | None:
        """Seconds by the pace of this attempt; None before it has grown anything."""
        if done >= self._total:
            return 0.0
        grown = done - self._from
        return (now - self._since) / grown * (self._total - done) if grown else None


def _prices(rows: pd.DataFrame, prices: pd.Series) -> np.ndarray:
    """Prices by their place, as an estimator takes them."""
    found = np.asarray(prices, dtype=float)
    if found.shape != (len(rows),):
        raise InvalidData(
            f"There are {len(rows):,} rows and {found.size:,} prices.", remedy="Give one price for each row."
        )
    if not np.isfinite(found).all():
        raise InvalidData(
            f"{np.count_nonzero(~np.isfinite(found)):,} of {len(found):,} prices are missing or infinite.",
            remedy="Leave out the rows without a price.",
        )
    return found
