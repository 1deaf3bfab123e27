"""Where rows come from and who asked: the words that runs, versions and screens share."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from getpass import getuser
from typing import Final


class DataSource(StrEnum):
    """Where rows came from; the value of a run's tag ``data.source``."""

    FILE = "file"
    DOWNLOAD = "download"
    DEMO = "demo"


DATA_SHA256_TAG: Final = "data.sha256"
DATA_SOURCE_TAG: Final = "data.source"
DATA_ROWS_TAG: Final = "data.rows"
DATA_NAME_TAG: Final = "data.name"
"""On a run that was trained on data of somebody's own: what they are called."""

SPLIT_TAG: Final = "split"
CODE_TAG: Final = "code.version"
DVC_REVISION_TAG: Final = "dvc.revision"
"""On a run that a DVC stage made: the commit it was made on, with ``+changes`` when files differed from it."""

DVC_CHANGES_TAG: Final = "dvc.changes"
"""Which files those were."""

JOB_TAG: Final = "job.id"
FAILURE_TAG: Final = "failure"
INTERVALS_TAG: Final = "intervals.sha256"
"""On a version whose range was measured: the digest of its ``intervals.json``."""

SWEEP_TAG: Final = "sweep.id"
TRIAL_TAG: Final = "sweep.trial"
TRIAL_STATE_TAG: Final = "trial.state"
NOTE_TAG: Final = "mlflow.note.content"
"""MLflow's own name for the description of a run."""


def is_demo(tags: Mapping[str, str]) -> bool:
    """Whether the tags of a run or version say that its rows were invented."""
    return tags.get(DATA_SOURCE_TAG) == DataSource.DEMO


def why_not_compared(tags: Mapping[str, str], others: Mapping[str, str], other: str) -> str:
    """Why two runs' scores have no difference worth a figure; empty when they were scored on the same rows.

    Args:
        other: how the second run is named in the sentence, e.g. ``version 3``.
    """
    if tags.get(DATA_SHA256_TAG) != others.get(DATA_SHA256_TAG):
        return f"{other.capitalize()} was trained on other data, so the scores are not compared."
    if tags.get(SPLIT_TAG) != others.get(SPLIT_TAG):
        return f"{other.capitalize()} was scored on other held-out rows, so the scores are not compared."
    return ""


def current_user() -> str:
    """Who runs this process: on a laptop, whoever started the app; ``unknown`` where the system has no name for it."""
    try:
        return getuser()
    except (KeyError, OSError, ImportError):
        return "unknown"
