"""One run as its own view shows it, read from MLflow at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.errors import NotFound
from core.domain.provenance import (
    CODE_TAG,
    DATA_ROWS_TAG,
    DATA_SHA256_TAG,
    DATA_SOURCE_TAG,
    FAILURE_TAG,
    JOB_TAG,
    SPLIT_TAG,
    SWEEP_TAG,
    TRIAL_TAG,
)
from core.domain.runs import ModelVersion, Run
from core.tracking.registry import champion, version_of_run
from core.tracking.run_aliases import RunAliases
from core.tracking.run_files import RunFile, list_files, read_curves
from core.tracking.runs import get_run, read_importance, read_predictions
from core.tracking.store import Store
from core.workflows.views import HeldOut

PARENT_TAG: Final = "mlflow.parentRunId"
_LINEAGE: Final = (
    ("Data SHA-256", DATA_SHA256_TAG),
    ("Data source", DATA_SOURCE_TAG),
    ("Rows", DATA_ROWS_TAG),
    ("Split", SPLIT_TAG),
    ("Code", CODE_TAG),
    ("Started by", "mlflow.user"),
    ("Program", "mlflow.source.name"),
    ("Job", JOB_TAG),
    ("Sweep", SWEEP_TAG),
    ("Trial", TRIAL_TAG),
)


@dataclass(frozen=True, slots=True)
class OtherRun:
    """A run to set beside this one, and how it is called."""

    run_id: str
    label: str


@dataclass(frozen=True, slots=True)
class RunDetail:
    """One run with what MLflow holds around it.

    ``version`` is what it was registered as, None for most; ``parent`` the sweep it is a trial of, or whatever run
    another program nested it in. ``lineage`` holds (title, text); ``curves`` (step, value) by metric, of those logged
    at more than one step; ``failure`` what ended it; ``champion`` the run in production, if that is another one.
    """

    run: Run
    version: ModelVersion | None
    aliases: tuple[str, ...]
    parent: Run | None
    champion: OtherRun | None
    lineage: tuple[tuple[str, str], ...]
    curves: Mapping[str, tuple[tuple[int, float], ...]]
    files: tuple[RunFile, ...]

    @property
    def failure(self) -> str:
        return self.run.tags.get(FAILURE_TAG, "")


def read_detail(store: Store, run_id: str) -> RunDetail:
    """All of one run.

    Raises:
        NotFound: there is none of that id.
        StoreUnavailable: the store does not answer.
    """
    run = get_run(store, run_id)
    serving = champion(store)
    lines = [(title, run.tags[tag]) for title, tag in _LINEAGE if run.tags.get(tag)]
    parent = _parent(store, run)
    return RunDetail(
        run=run,
        version=version_of_run(store, run_id),
        aliases=RunAliases(store).read().get(run_id, ()),
        parent=parent,
        champion=OtherRun(serving.run_id, serving.label) if serving and serving.run_id != run_id else None,
        lineage=(*lines, *([("Parent run", parent.name)] if parent else [])),
        curves=read_curves(store, run),
        files=list_files(store, run_id),
    )


def read_held_out(store: Store, run_id: str) -> HeldOut:
    """What the plots of a run need.

    Raises:
        NotFound: the run logged no predictions, or no importance.
        StoreUnavailable: the store does not answer.
    """
    row_ids, actual, predicted = read_predictions(store, run_id)
    method, importance = read_importance(store, run_id)
    return HeldOut(row_ids, actual, predicted, method, tuple(importance.items()))


def _parent(store: Store, run: Run) -> Run | None:
    parent_id = run.tags.get(PARENT_TAG)
    try:
        return get_run(store, parent_id) if parent_id else None
    except NotFound:
        return None
