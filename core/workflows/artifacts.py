"""The files a training logs beside its model: predictions, importance, and the two plots."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from core.domain.errors import RecordsError
from core.evaluation.figures import fit_png, residual_png
from core.models.importance import Importance
from core.tracking.runs import IMPORTANCE_FILE, PREDICTIONS_FILE


def write_artifacts(
    folder: Path, run_name: str, importance: Importance, actual: pd.Series[float], predicted: np.ndarray
) -> None:
    """Write them below ``folder``.

    Args:
        actual: held-out prices in 1990 USD, indexed by row id. predicted: shape (n,), in the same order.

    Raises:
        RecordsError: the files cannot be written.
    """
    prices = actual.to_numpy(dtype=float)
    table = pd.DataFrame({"row_id": actual.index.to_numpy(), "actual": prices, "predicted": predicted})
    try:
        (folder / "plots").mkdir(parents=True, exist_ok=True)
        table.to_parquet(folder / PREDICTIONS_FILE, index=False)
        (folder / IMPORTANCE_FILE).write_text(
            json.dumps({"method": importance.method, "shares": importance.as_dict()}, indent=2), encoding="utf-8"
        )
        (folder / "plots" / "predicted_against_actual.png").write_bytes(fit_png(prices, predicted, run_name))
        (folder / "plots" / "residuals.png").write_bytes(residual_png(prices, predicted, run_name))
    except OSError as error:
        raise RecordsError(
            f"The run's files could not be written: {error.strerror or error}.",
            where=str(folder),
            remedy="Free some disk space or correct the folder's permissions, then train again.",
        ) from error
