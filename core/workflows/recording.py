"""How a training ends: recorded and registered, or abandoned without a trace but its run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from core.domain.errors import LabError, RecordsError, TrainingCancelled, UnsoundModel
from core.domain.jobs import TrainingRequest
from core.domain.provenance import JOB_TAG
from core.domain.runs import RunStatus, TrainingOutcome
from core.domain.settings import Settings
from core.evaluation.evaluate import write_report
from core.models.trainer import ShouldStop
from core.tracking.leftovers import fail_models_of
from core.tracking.local_registry import open_registry
from core.tracking.registry import note_local_version, register_version, version_of_run, withdraw_version
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker
from core.workflows.stage_log import PipelineLogger
from core.workflows.training_state import LOCALLY, STAGE, Connect, Fitted, Note, OpenedRun, WorkFolder

_log = logging.getLogger(__name__)


def has_model(settings: Settings, job_id: str, fitted: Fitted) -> bool:
    """Whether what ``fit`` left lies on this host."""
    return _model_file(settings, WorkFolder(settings, job_id), fitted).is_file()


def record(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    job_id: str,
    run: OpenedRun,
    fitted: Fitted,
    *,
    note: Note | None = None,
    should_stop: ShouldStop | None = None,
) -> TrainingOutcome:
    """Log and register what ``fit`` left, in MLflow and in registry.json, and end the run.

    MLflow refusing or being away does not lose the model: it is registered locally, and the outcome says so.

    Raises:
        TrainingCancelled: ``should_stop`` said so before the model was entered in registry.json.
        UnsoundModel: it breaks a rule of behaviour. Its run has everything but a model, and nothing is registered.
    """
    is_stopped = should_stop or (lambda: False)
    work = WorkFolder(settings, job_id)
    if fitted.unsound:
        _refuse_unsound(settings, request, connect, work, run, fitted)
    version: str | None = None
    missing = run.note
    if run.run_id is not None:
        try:
            version = _record_in_mlflow(settings, request, connect(), work, run.run_id, fitted)
            missing = ""
        except RecordsError as error:
            missing = f"{LOCALLY} {error.what}"
    if is_stopped():
        # Cancelled, or another worker's by now: then its files are gone, and that is no failure of MLflow's.
        raise TrainingCancelled
    notes = [missing] if missing else []
    local_version = _record_locally(settings, request, connect, work, run.run_id, version, fitted)
    # From here on the model is registered: what fails now is told, and takes nothing back.
    if run.run_id is not None:
        try:
            if version is None:
                _end(settings, connect, run.run_id, RunStatus.FAILED, missing)
            else:
                _end(settings, connect, run.run_id, RunStatus.FINISHED)
                note_local_version(connect(), version, local_version, fitted.saved_name)
        except RecordsError as error:
            notes.append(f"The run could not be closed: {error.what}")
    outcome = TrainingOutcome(
        run_name=request.run_name,
        family=request.spec.family.value,
        params=request.spec.as_params(),
        metrics=fitted.metrics,
        threshold_checks=fitted.threshold_checks,
        run_id=run.run_id,
        version=version,
        local_version=local_version,
        notes=tuple(dict.fromkeys(notes)),
    )
    try:
        write_report(outcome.as_report(), settings.paths.evaluation_report)
        _log_ending(settings, outcome, note)
    except RecordsError as error:
        outcome = replace(outcome, notes=(*outcome.notes, error.what))
    work.remove()
    return outcome


def abandon(settings: Settings, connect: Connect, job_id: str, run: OpenedRun, error: BaseException) -> tuple[str, ...]:
    """Close the run of a training that did not end well, and remove what it wrote.

    A cancel or a failure may come after the model was registered: then it is taken back from both registries,
    so that "cancelled" and "failed" always mean that nothing is left to price houses.

    Returns:
        What could not be done, a sentence each; none when nothing is left behind.
    """
    cancelled = isinstance(error, TrainingCancelled)
    reason = error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}".removesuffix(": ")
    status = RunStatus.KILLED if cancelled else RunStatus.FAILED
    run_id = run.run_id
    WorkFolder(settings, job_id).remove()
    steps: list[Callable[[], None]] = [lambda: open_registry(settings, connect).withdraw(job_id, run_id)]
    if run_id is not None:
        steps.append(lambda: withdraw_version(connect(), run_id))
        # Its upload may have been cut off, by a full disk say: MLflow would show it as being written for ever.
        steps.append(lambda: fail_models_of(connect(), run_id))
        steps.append(lambda: _end(settings, connect, run_id, status, reason))
    troubles = []
    for step in steps:  # one that fails does not keep the others from being done
        try:
            step()
        except RecordsError as trouble:
            troubles.append(f"the run could not be closed: {trouble.what}")
    log = PipelineLogger(STAGE, settings)
    try:
        for line in (reason, *troubles):
            log.info(line)
        log.stage_end("cancelled" if cancelled else "failed")
    except RecordsError as trouble:
        # On a full disk the reason why it failed must not be lost to the log that has no room for it.
        _log.warning("%s; not in the stage's log: %s", reason, trouble)
    return tuple(troubles)


class ClosingRun:
    """Whatever error leaves the block, the run behind it does not say RUNNING for ever."""

    def __init__(self, settings: Settings, connect: Connect, job_id: str, run: OpenedRun) -> None:
        self._abandon = partial(abandon, settings, connect, job_id, run)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._abandon(error)


def _end(settings: Settings, connect: Connect, run_id: str, status: RunStatus, reason: str = "") -> None:
    tracker = MLflowTracker(settings, connect())
    tracker.continue_run(run_id)
    tracker.end_run(status, reason)


def _log_ending(settings: Settings, outcome: TrainingOutcome, note: Note | None) -> None:
    log = PipelineLogger(STAGE, settings, echo=note)
    version = f" and MLflow version {outcome.version}" if outcome.version else ""
    log.info(f"{outcome.run_name} is registered as {outcome.local_version}{version}")
    for line in outcome.notes:
        log.info(line)
    log.stage_end()


def _refuse_unsound(
    settings: Settings, request: TrainingRequest, connect: Connect, work: WorkFolder, run: OpenedRun, fitted: Fitted
) -> NoReturn:
    """Log what is known of a model that breaks a rule, so that somebody can find out why, and refuse it."""
    if run.run_id is not None:
        with suppress(RecordsError):  # the refusal is told whether MLflow keeps the figures or not
            _log_figures(settings, request, connect(), work, run.run_id, fitted)
    raise UnsoundModel(
        f"The model is not registered, for it breaks a rule that every price model keeps. {' '.join(fitted.unsound)}",
        remedy="Look at its run: rows, features or settings are not what they seem. Then train again.",
    )


def _log_figures(
    settings: Settings, request: TrainingRequest, store: Store, work: WorkFolder, run_id: str, fitted: Fitted
) -> MLflowTracker:
    """All of a run but the model; returns its tracker."""
    tracker = MLflowTracker(settings, store)
    tracker.continue_run(run_id)
    tracker.log_params(request.spec.as_params())  # again: MLflow may have been away when the run was opened
    tracker.log_lineage(fitted.lineage)
    tracker.log_metrics(fitted.metrics)
    tracker.log_curve("held_out_rmse", fitted.curve)
    tracker.log_files(work.artifacts)
    return tracker


def _record_in_mlflow(
    settings: Settings, request: TrainingRequest, store: Store, work: WorkFolder, run_id: str, fitted: Fitted
) -> str:
    """Log everything and register the version; a version that a crashed attempt registered is kept."""
    registered = version_of_run(store, run_id)
    if registered is not None:
        return registered.version
    tracker = _log_figures(settings, request, store, work, run_id, fitted)
    model_id = tracker.log_model(_model_file(settings, work, fitted), family=request.spec.family.value)
    return register_version(
        store,
        run_id=run_id,
        model_id=model_id,
        sha256=fitted.sha256,
        family=request.spec.family.value,
        tags={**fitted.lineage.as_tags(), JOB_TAG: work.job_id},
    ).version


def _record_locally(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    work: WorkFolder,
    run_id: str | None,
    version: str | None,
    fitted: Fitted,
) -> str:
    """Move the model to its place and enter it in registry.json."""
    saved = settings.paths.saved_models / fitted.saved_name
    source = _model_file(settings, work, fitted)
    if source != saved:
        try:
            saved.parent.mkdir(parents=True, exist_ok=True)
            source.replace(saved)
        except OSError as error:
            raise RecordsError(
                f"The model could not be kept: {error.strerror or error}.",
                where=str(saved),
                remedy="Free some disk space or correct the folder's permissions, then train again.",
            ) from error
    try:
        return open_registry(settings, connect).register_model(
            saved,
            fitted.metrics,
            family=request.spec.family.value,
            params=request.spec.as_params(),
            tags={**fitted.lineage.as_tags(), JOB_TAG: work.job_id},
            run_id=run_id,
            mlflow_version=version,
            sha256=fitted.sha256,
        )
    except RecordsError:
        saved.unlink(missing_ok=True)  # no entry names it, so nothing would ever find it again
        raise


def _model_file(settings: Settings, work: WorkFolder, fitted: Fitted) -> Path:
    """The model file: in the work folder, or in its place when a crashed attempt moved it there."""
    saved = settings.paths.saved_models / fitted.saved_name
    return saved if saved.exists() else work.model
