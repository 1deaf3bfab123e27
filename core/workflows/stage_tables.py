"""Tables the stages leave behind: the engineered rows, and what `dvc plots` draws."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pandas as pd

from core.domain.errors import RecordsError
from core.domain.files import draft_of
from core.tracking.runs import IMPORTANCE_FILE, PREDICTIONS_FILE
from core.workflows.training_state import Fitted, WorkFolder

CURVE_TABLE: Final = "learning_curve.csv"
HELD_OUT_TABLE: Final = "held_out.csv"
IMPORTANCE_TABLE: Final = "importance.csv"


def write_stage_plots(folder: Path, work: WorkFolder, fitted: Fitted) -> None:
    """What `dvc plots` draws of a training, to ``folder``, in place of that of the training before.

    Three tables: how the error fell, what each held-out row was priced at, and what the model leans on. The curve is
    (trees or iterations, RMSE on the held-out rows) and has no rows for a family that fits in one go.

    Raises:
        RecordsError: a table cannot be written.
    """
    shares = json.loads((work.artifacts / IMPORTANCE_FILE).read_text(encoding="utf-8"))["shares"]
    tables = {
        CURVE_TABLE: pd.DataFrame(fitted.curve, columns=["step", "rmse"]),
        HELD_OUT_TABLE: pd.read_parquet(work.artifacts / PREDICTIONS_FILE),
        IMPORTANCE_TABLE: pd.DataFrame({"column": list(shares), "share": list(shares.values())}),
    }
    for name, table in tables.items():
        write_table(table, folder / name)


def write_table(table: pd.DataFrame, target: Path) -> None:
    """A table as CSV, whole or not at all.

    Raises:
        RecordsError: it cannot be written.
    """
    try:
        with draft_of(target) as draft:
            table.to_csv(draft, index=False)
    except OSError as error:
        raise RecordsError(
            f"A table of this stage cannot be written: {error.strerror or error}.",
            where=str(target),
            remedy="Free some disk space or correct the folder's permissions.",
        ) from error
