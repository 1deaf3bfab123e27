"""Scores on held-out rows, and whether they reach the thresholds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.domain.configuration import Config, settings_from
from core.domain.errors import InvalidData, RecordsError
from core.domain.files import draft_of
from core.domain.runs import Scores
from core.domain.settings import Thresholds


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores with the verdict on each threshold (name → reached)."""

    scores: Scores
    threshold_checks: Mapping[str, bool]

    @property
    def all_checks_passed(self) -> bool:
        return all(self.threshold_checks.values())

    def as_report(self) -> dict[str, Any]:
        """The old project's report: ``metrics``, ``threshold_checks``, ``all_checks_passed``."""
        return {
            "metrics": asdict(self.scores),
            "threshold_checks": dict(self.threshold_checks),
            "all_checks_passed": self.all_checks_passed,
        }


def score(y_true: Any, y_pred: Any) -> Scores:
    """RMSE and MAE in USD, R² (NaN when all prices are equal), and MAPE in percent, for prices of shape (n,).

    Raises:
        InvalidData: shapes differ, there are fewer than two rows, or a value is not finite.
    """
    actual, predicted = np.asarray(y_true, dtype=float), np.asarray(y_pred, dtype=float)
    if actual.shape != predicted.shape or actual.ndim != 1 or len(actual) < 2:
        raise InvalidData(
            f"Cannot score predictions of shape {predicted.shape} against prices of shape {actual.shape}.",
            remedy="Give two one-dimensional arrays of the same length, at least 2.",
        )
    if not (np.isfinite(actual).all() and np.isfinite(predicted).all()):
        raise InvalidData(
            "Cannot score: a price or a prediction is missing or infinite.",
            remedy="Leave out rows without a recorded price, and look at the model that predicted this.",
        )
    errors = predicted - actual
    # Asked of the prices themselves: a mean can be off by a digit, and equal prices then seem to spread.
    spread = float(np.sum((actual - actual.mean()) ** 2)) if np.ptp(actual) else 0.0
    squared = float(np.sum(errors**2))
    return Scores(
        rmse=float(np.sqrt(squared / len(actual))),
        mae=float(np.mean(np.abs(errors))),
        r2_score=1.0 - squared / spread if spread else float("nan"),
        mape=float(np.mean(np.abs(errors) / np.maximum(np.abs(actual), 1.0))) * 100.0,
    )


def check(scores: Scores, thresholds: Thresholds) -> dict[str, bool]:
    """Threshold name → whether the score reaches it. NaN reaches nothing."""
    return {
        "rmse": scores.rmse <= thresholds.rmse,
        "mae": scores.mae <= thresholds.mae,
        "r2_score": scores.r2_score >= thresholds.r2_score,
        "mape": scores.mape <= thresholds.mape,
    }


class ModelEvaluator:
    """Scores predictions, checks them against ``evaluation.thresholds``, and writes the report.

    Args:
        config: settings or the content of a config.yaml; by default the project's.
    """

    def __init__(self, config: Config = None) -> None:
        self.settings = settings_from(config)

    def judge(self, y_true: Any, y_pred: Any) -> Evaluation:
        """Scores and threshold checks; writes nothing. Raises InvalidData as :func:`score` does."""
        scores = score(y_true, y_pred)
        return Evaluation(scores, check(scores, self.settings.evaluation.thresholds))

    def evaluate(self, y_true: Any, y_pred: Any) -> dict[str, Any]:
        """The old project's call: :meth:`judge`, and ``logs/evaluation_report.json`` written.

        Returns:
            ``{"metrics": {rmse, mae, r2_score, mape}, "threshold_checks": {…}, "all_checks_passed": bool}``
        """
        report = self.judge(y_true, y_pred).as_report()
        write_report(report, self.settings.paths.evaluation_report)
        return report


def write_report(report: Mapping[str, Any], target: Path) -> None:
    """Write the report as JSON, whole or not at all; a score that is no finite number stands as null.

    Raises:
        RecordsError: the file cannot be written.
    """
    metrics = {name: value if math.isfinite(value) else None for name, value in report["metrics"].items()}
    text = json.dumps({**report, "metrics": metrics}, indent=2, allow_nan=False) + "\n"
    try:
        with draft_of(target) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RecordsError(
            f"The evaluation report could not be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space or correct the folder's permissions.",
        ) from error
