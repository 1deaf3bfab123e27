"""Prices of the training rows by models that were not fitted on them, as a file in a job's work folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.errors import RecordsError
from core.tracking.runs import OUT_OF_FOLD_FILE
from core.workflows.training_state import WorkFolder

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def keep_out_of_fold(work: WorkFolder, actual: pd.Series[float], predicted: np.ndarray) -> None:
    """Write them among the artifacts the job is going to log.

    Args:
        actual: prices in 1990 USD by row id, shape (n,). predicted: those of the models, in the same order.

    Raises:
        RecordsError: they cannot be written.
    """
    import pandas as pd

    table = pd.DataFrame({"row_id": actual.index.to_numpy(), "actual": actual.to_numpy(), "predicted": predicted})
    try:
        work.artifacts.mkdir(parents=True, exist_ok=True)
        table.to_parquet(work.artifacts / OUT_OF_FOLD_FILE, index=False)
    except OSError as error:
        raise RecordsError(
            f"The prices of the training rows could not be written: {error.strerror or error}.",
            where=str(work.artifacts),
            remedy="Free some disk space or correct the folder's permissions, then start it again.",
        ) from error


def has_out_of_fold(work: WorkFolder) -> bool:
    """Whether they lie on this host."""
    return (work.artifacts / OUT_OF_FOLD_FILE).is_file()


def read_out_of_fold(work: WorkFolder, row_ids: pd.Index) -> np.ndarray:
    """Those of these rows, 1990 USD, shape (n,)."""
    import pandas as pd

    kept = pd.read_parquet(work.artifacts / OUT_OF_FOLD_FILE).set_index("row_id")
    return kept["predicted"].loc[row_ids].to_numpy(dtype=float)
