"""One trial of a sweep as a deed: judged by cross-validation of the training rows, and recorded as a nested run.

The held-out rows are split off before anything is looked at, and a trial never sees them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from core.domain.errors import LabError, RecordsError, TrainingCancelled
from core.domain.jobs import TrialRequest
from core.domain.provenance import SWEEP_TAG, TRIAL_STATE_TAG, TRIAL_TAG
from core.domain.runs import RunStatus
from core.domain.settings import Settings
from core.domain.sweeps import Trial, TrialState
from core.models.cross_validation import GiveUp, Judgement, cross_validate
from core.models.trainer import Report, ShouldStop
from core.tracking.lineage import Lineage
from core.tracking.tracker import MLflowTracker
from core.workflows.opening import open_run
from core.workflows.out_of_fold import keep_out_of_fold
from core.workflows.rows import read_rows, tag_run
from core.workflows.training_state import Connect, OpenedRun, WorkFolder

_log = logging.getLogger(__name__)

PARENT_TAG: Final = "mlflow.parentRunId"
"""MLflow's own mark of a nested run."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What judging left: figures here, predictions in the work folder. JSON values, so that it outlives a process."""

    state: TrialState
    cv_rmse: float | None
    fold_rmse: tuple[float, ...]
    steps: tuple[tuple[int, float], ...]
    seconds: float
    lineage: Lineage

    def as_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Judged:
        return cls(
            state=TrialState(payload["state"]),
            cv_rmse=payload["cv_rmse"],
            fold_rmse=tuple(payload["fold_rmse"]),
            steps=tuple((int(step), float(rmse)) for step, rmse in payload["steps"]),
            seconds=payload["seconds"],
            lineage=Lineage(**payload["lineage"]),
        )


def open_trial(request: TrialRequest, connect: Connect, parent: str | None) -> OpenedRun:
    """Open the trial's run, nested under the sweep's where there is one."""
    tags = {SWEEP_TAG: request.sweep_id, TRIAL_TAG: str(request.number + 1)}
    return open_run(request, connect, request.job_id, tags | ({PARENT_TAG: parent} if parent else {}))


def judge_trial(
    settings: Settings,
    request: TrialRequest,
    connect: Connect,
    run: OpenedRun,
    *,
    report: Report,
    should_stop: ShouldStop,
    give_up: GiveUp,
) -> Judged:
    """Cross-validate the spec on the training rows.

    Raises:
        DataError: the rows cannot be used.
        TrainingCancelled: ``should_stop`` said so.
    """
    rows = read_rows(settings, report, request.data_sha256)
    tag_run(connect, run, rows.lineage)
    X, y = rows.split.X_train, rows.split.y_train
    judgement = cross_validate(
        request.spec, X, y, config=settings, report=report, should_stop=should_stop, give_up=give_up
    )
    if judgement.predicted is not None:
        keep_out_of_fold(WorkFolder(settings, request.job_id), y, judgement.predicted)
    return _judged(judgement, rows.lineage)


def has_predictions(settings: Settings, request: TrialRequest, judged: Judged) -> bool:
    """Whether what a complete trial left lies on this host; one given up leaves nothing."""
    return judged.cv_rmse is None or WorkFolder(settings, request.job_id).artifacts.exists()


def record_trial(settings: Settings, request: TrialRequest, connect: Connect, run: OpenedRun, judged: Judged) -> Trial:
    """Log what the trial found and end its run; its files stay until the caller removes them.

    MLflow being away does not lose the trial: the sweep keeps it.
    """
    work = WorkFolder(settings, request.job_id)
    trial = Trial(
        number=request.number,
        spec=request.spec,
        state=judged.state,
        job_id=request.job_id,
        run_id=run.run_id,
        cv_rmse=judged.cv_rmse,
        fold_rmse=judged.fold_rmse,
        steps=judged.steps,
        seconds=judged.seconds,
        reason=run.note,
    )
    if run.run_id is not None:
        try:
            _record_in_mlflow(settings, connect, run.run_id, work, trial, judged.lineage)
        except RecordsError as error:
            trial = replace(trial, reason=f"MLflow does not hold this trial. {error.what}")
            _give_up_run(settings, connect, run.run_id, trial)
    return trial


def abandon_trial(
    settings: Settings, connect: Connect, job_id: str, run: OpenedRun, error: BaseException
) -> tuple[str, ...]:
    """Close the run of a trial that did not end well. Returns what could not be done, a sentence each."""
    WorkFolder(settings, job_id).remove()
    if run.run_id is None:
        return ()
    cancelled = isinstance(error, TrainingCancelled)
    try:
        tracker = MLflowTracker(settings, connect())
        tracker.continue_run(run.run_id)
        tracker.set_tags({TRIAL_STATE_TAG: TrialState.CANCELLED if cancelled else TrialState.FAILED})
        tracker.end_run(RunStatus.KILLED if cancelled else RunStatus.FAILED, reason_of(error))
    except RecordsError as trouble:
        return (f"the run could not be closed: {trouble.what}",)
    return ()


def reason_of(error: BaseException) -> str:
    """Why it ended, in one sentence."""
    return error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}".removesuffix(": ")


def _judged(judgement: Judgement, lineage: Lineage) -> Judged:
    state = TrialState.COMPLETE if judgement.is_complete else TrialState.PRUNED
    return Judged(state, judgement.cv_rmse, judgement.fold_rmse, judgement.steps, judgement.seconds, lineage)


def _record_in_mlflow(
    settings: Settings, connect: Connect, run_id: str, work: WorkFolder, trial: Trial, lineage: Lineage
) -> None:
    tracker = MLflowTracker(settings, connect())
    tracker.continue_run(run_id)
    tracker.log_params(trial.spec.as_params())  # again: MLflow may have been away when the run was opened
    tracker.log_lineage(lineage)
    tracker.set_tags({TRIAL_STATE_TAG: trial.state})
    metrics = {"cv_seconds": trial.seconds or 0.0}
    if trial.cv_rmse is not None:
        metrics |= {"cv_rmse": trial.cv_rmse, "cv_rmse_std": float(np.std(trial.fold_rmse))}
        metrics |= {f"cv_rmse_fold_{fold}": rmse for fold, rmse in enumerate(trial.fold_rmse, start=1)}
    tracker.log_metrics(metrics)
    if trial.steps:
        tracker.log_curve("cv_rmse_so_far", trial.steps)
    if work.artifacts.exists():
        tracker.log_files(work.artifacts)
    tracker.end_run(RunStatus.FINISHED)


def _give_up_run(settings: Settings, connect: Connect, run_id: str, trial: Trial) -> None:
    """A run that lacks something of its trial ends as FAILED; where MLflow is wholly away, the doctor ends it."""
    try:
        MLflowTracker(settings, connect(), run_id).end_run(RunStatus.FAILED, trial.reason)
    except RecordsError as error:
        _log.warning("the run of trial %d could not be closed: %s", trial.number + 1, error)
