"""Prediction intervals of a small LightGBM on the real rows, calibrated once and read by many tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from core.data.split import Split, split_rows
from core.domain.hyperparameters import TrainingSpec
from core.evaluation.calibration import calibrate
from core.evaluation.intervals import IntervalModel
from core.features.direct import HouseRows
from core.models.cross_validation import cross_validate
from core.models.trainer import ModelTrainer

QUICK = TrainingSpec.create("lightgbm", {"n_estimators": 150, "num_leaves": 31, "learning_rate": 0.1})


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Intervals and all they were made of: the split, out-of-fold prices, and prices of the held-out rows."""

    split: Split
    out_of_fold: np.ndarray
    predicted: np.ndarray
    intervals: IntervalModel

    @property
    def held_out(self) -> HouseRows:
        return HouseRows.from_frame(self.split.X_test)


@pytest.fixture(scope="session")
def calibrated(real_rows: pd.DataFrame) -> Calibrated:
    """A quick LightGBM and its intervals. Read only."""
    split = split_rows(real_rows)
    X, y = split.X_train, split.y_train
    out_of_fold = cross_validate(QUICK, X, y).predicted
    assert out_of_fold is not None
    trainer = ModelTrainer(None, QUICK)
    trainer.train(X, y)
    predicted = trainer.predict(split.X_test)
    return Calibrated(
        split, out_of_fold, predicted, calibrate(X, y, out_of_fold, split.X_test, split.y_test, predicted)
    )
