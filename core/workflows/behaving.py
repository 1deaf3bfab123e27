"""The rules of behaviour as a training keeps them: checked after the fit, written beside the run's other files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from core.data.split import Split
from core.domain.errors import RecordsError
from core.evaluation.behaviour import BehaviourCheck, check_behaviour
from core.models.steps import one_openmp_thread

BEHAVIOUR_FILE: Final = "behaviour.json"


def look_at_behaviour(pipeline: Any, split: Split, rmse: float) -> tuple[BehaviourCheck, ...]:
    """Every rule, asked of the fitted Pipeline itself on rows it was fitted on.

    Not of its quick route nor through a trainer: both put columns in order, and would hide a model that cannot.

    Args:
        rmse: on the held-out rows, 1990 USD.
    """
    with one_openmp_thread():
        return check_behaviour(pipeline.predict, split.X_train, split.y_train.to_numpy(dtype=float), rmse=rmse)


def broken_rules(checks: Sequence[BehaviourCheck]) -> tuple[str, ...]:
    """Those that are broken with their figures, a sentence each."""
    return tuple(f"{str(check.rule).capitalize()}: {check.detail}" for check in checks if not check.passed)


def write_behaviour(folder: Path, checks: Sequence[BehaviourCheck]) -> None:
    """Write all checks below ``folder``.

    Raises:
        RecordsError: the file cannot be written.
    """
    text = json.dumps([check.as_report() for check in checks], indent=2, ensure_ascii=False)
    try:
        (folder / BEHAVIOUR_FILE).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise RecordsError(
            f"What the model does could not be written down: {error.strerror or error}.",
            where=str(folder),
            remedy="Free some disk space or correct the folder's permissions, then train again.",
        ) from error
