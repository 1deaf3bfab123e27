"""One training as a whole deed, in parts that a durable job can stop and go on between.

``open_run`` (MLflow says RUNNING), ``fit`` (model, predictions and plots lie in a work folder), ``record``
(all of it is logged and registered), or ``abandon``. Each part may be repeated after a crash: a job opens
one run, and a run is registered once.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.data.download import ProgressReport as DownloadReport
from core.data.ingest import DataIngestor
from core.data.split import split_rows
from core.domain.errors import LabError, RecordsError, TrainingCancelled
from core.domain.jobs import Progress, TrainingRequest
from core.domain.provenance import JOB_TAG
from core.domain.runs import RunStatus, TrainingOutcome
from core.domain.settings import PROJECT_ROOT, Settings
from core.evaluation.evaluate import ModelEvaluator, write_report
from core.models.packaged import model_file_name, write_model
from core.models.trainer import ModelTrainer, Report, ShouldStop
from core.tracking.lineage import Lineage, code_version
from core.tracking.local_registry import open_registry
from core.tracking.registry import note_local_version, register_version, version_of_run, withdraw_version
from core.tracking.runs import find_run_of_job
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker
from core.workflows.artifacts import write_artifacts
from core.workflows.stage_log import PipelineLogger

STAGE: Final = "train_model"
_LOCALLY: Final = "Recorded in the local registry only."
_log = logging.getLogger(__name__)

Connect = Callable[[], Store]
"""Opens MLflow's store, or raises StoreUnavailable: training then goes on without it."""


@dataclass(frozen=True, slots=True)
class OpenedRun:
    """The MLflow run of a job; ``run_id`` is None and ``note`` says why when there is none."""

    run_id: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What ``fit`` left: files in the work folder, figures here. JSON values, so that it outlives a process."""

    saved_name: str
    sha256: str
    metrics: Mapping[str, float]
    threshold_checks: Mapping[str, bool]
    curve: tuple[tuple[int, float], ...]
    lineage: Lineage

    def as_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Fitted:
        curve = tuple((int(step), float(rmse)) for step, rmse in payload["curve"])
        return cls(**{**payload, "curve": curve, "lineage": Lineage(**payload["lineage"])})


def train_now(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> TrainingOutcome:
    """All parts in this process, without a queue: what a pipeline stage does.

    Raises:
        TrainingCancelled: ``should_stop`` said so; the run is KILLED.
        LabError: the training failed; the run is FAILED and says why.
    """
    job_id = f"inline-{time.time_ns()}"
    run = open_run(request, connect, job_id)
    with ClosingRun(settings, connect, job_id, run):
        fitted = fit(settings, request, connect, job_id, run, report=report, should_stop=should_stop)
        return record(settings, request, connect, job_id, run, fitted)


def open_run(request: TrainingRequest, connect: Connect, job_id: str) -> OpenedRun:
    """Open this job's MLflow run, or find the one it opened before a crash."""
    run_id: str | None = None
    try:
        store = connect()
        tracker = MLflowTracker(store=store)
        earlier = find_run_of_job(store, job_id)
        if earlier is None:
            run_id = tracker.start_run(
                request.run_name, {JOB_TAG: job_id, "mlflow.user": request.actor, "mlflow.source.type": "JOB"}
            )
        else:
            run_id = earlier.run_id
            tracker.continue_run(run_id)
        # Once more after a crash as well: it may have come between the run and its params.
        tracker.log_params(request.spec.as_params())
    except RecordsError as error:
        return OpenedRun(run_id, f"{_LOCALLY} {error.what}")
    return OpenedRun(run_id)


def fit(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    job_id: str,
    run: OpenedRun,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> Fitted:
    """Read, split, fit on the training rows, score the held-out rows, and write it all to the work folder.

    Raises:
        DataError: the rows cannot be used.
        TrainingCancelled: ``should_stop`` said so.
    """
    log = PipelineLogger(STAGE, settings)
    log.stage_start()
    publish = report or (lambda progress: None)
    publish(Progress("reading the data"))
    dataset = DataIngestor(settings, report=_download_progress(publish)).ingest()
    split = split_rows(dataset.rows, test_size=settings.data.test_size, random_state=settings.data.random_state)
    lineage = Lineage(
        data_sha256=dataset.sha256,
        data_source=str(dataset.source),
        data_address=str(dataset.path),
        rows=len(dataset.rows),
        split=split.name,
        code_version=code_version(PROJECT_ROOT),
    )
    _tag(connect, run, lineage)
    log.info(f"{request.run_name}: {request.spec.as_params()}")
    log.info(f"{len(dataset.rows):,} rows ({dataset.source}), SHA-256 {dataset.sha256}, split {split.name}")

    trainer = ModelTrainer(settings, request.spec)
    held_out = (split.X_test, split.y_test)
    trainer.train(split.X_train, split.y_train, watched=held_out, report=publish, should_stop=should_stop)
    publish(Progress("scoring the held-out rows"))
    predicted = trainer.predict(split.X_test)
    evaluation = ModelEvaluator(settings).judge(split.y_test, predicted)
    metrics = {
        **evaluation.scores.as_metrics(),
        "fit_seconds": trainer.fit_seconds,
        "train_rows": len(split.X_train),
        "held_out_rows": len(split.X_test),
    }
    for name, value in metrics.items():
        log.metric(name, value)

    publish(Progress("writing the model"))
    work = WorkFolder(settings, job_id)
    write_artifacts(work.artifacts, request.run_name, trainer.importance, split.y_test, predicted)
    sha256 = write_model(trainer.pipeline, work.model)
    return Fitted(
        saved_name=model_file_name(request.spec.family),
        sha256=sha256,
        metrics=metrics,
        threshold_checks=evaluation.threshold_checks,
        curve=trainer.curve,
        lineage=lineage,
    )


def record(
    settings: Settings, request: TrainingRequest, connect: Connect, job_id: str, run: OpenedRun, fitted: Fitted
) -> TrainingOutcome:
    """Log and register what ``fit`` left, in MLflow and in registry.json, and end the run.

    MLflow refusing or being away does not lose the model: it is registered locally, and the outcome says so.
    """
    work = WorkFolder(settings, job_id)
    notes = [run.note] if run.note else []
    version: str | None = None
    if run.run_id is not None:
        try:
            version = _record_in_mlflow(settings, request, connect(), work, run.run_id, fitted)
        except RecordsError as error:
            notes.append(f"{_LOCALLY} {error.what}")
    local_version = _record_locally(settings, request, connect, work, run.run_id, version, fitted)
    # From here on the model is registered: what fails now is told, and takes nothing back.
    if run.run_id is not None and version is not None:
        try:
            note_local_version(connect(), version, local_version, fitted.saved_name)
            _end(settings, connect, run.run_id, RunStatus.FINISHED)
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
        _log_ending(settings, outcome)
    except RecordsError as error:
        outcome = replace(outcome, notes=(*outcome.notes, error.what))
    work.remove()
    return outcome


def abandon(settings: Settings, connect: Connect, job_id: str, run: OpenedRun, error: BaseException) -> None:
    """Close the run of a training that did not end well, and remove what it wrote.

    A cancel may come after the model was registered: then it is taken back from both registries, so that
    "cancelled" always means that nothing is left.
    """
    cancelled = isinstance(error, TrainingCancelled)
    reason = error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}".removesuffix(": ")
    status = RunStatus.KILLED if cancelled else RunStatus.FAILED
    run_id = run.run_id
    WorkFolder(settings, job_id).remove()
    steps: list[Callable[[], None]] = []
    if cancelled:
        steps.append(lambda: open_registry(settings, connect).withdraw(job_id, run_id))
    if cancelled and run_id is not None:
        steps.append(lambda: withdraw_version(connect(), run_id))
    if run_id is not None:
        steps.append(lambda: _end(settings, connect, run_id, status, reason))
    troubles = []
    for step in steps:  # one that fails does not keep the others from being done
        try:
            step()
        except RecordsError as trouble:
            troubles.append(f"the run could not be closed: {trouble.what}")
    log = PipelineLogger(STAGE, settings)
    for line in (reason, *troubles):
        log.info(line)
    log.stage_end("cancelled" if cancelled else "failed")


class ClosingRun:
    """Whatever error leaves the block, the run behind it does not say RUNNING for ever."""

    def __init__(self, settings: Settings, connect: Connect, job_id: str, run: OpenedRun) -> None:
        self._abandon = partial(abandon, settings, connect, job_id, run)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            self._abandon(error)


class WorkFolder:
    """Where a job keeps what is not recorded yet. Gone when the job has ended, however it ended."""

    def __init__(self, settings: Settings, job_id: str) -> None:
        self.job_id = job_id
        self.root = settings.paths.job_files / job_id
        self.model = self.root / "model.joblib"
        self.artifacts = self.root / "artifacts"

    def remove(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)


def _tag(connect: Connect, run: OpenedRun, lineage: Lineage) -> None:
    """Say on the run what it is made of as soon as that is known: a failed run is told apart too."""
    if run.run_id is None:
        return
    try:
        tracker = MLflowTracker(store=connect())
        tracker.continue_run(run.run_id)
        tracker.set_tags(lineage.as_tags())
    except RecordsError as error:
        _log.warning("the run's lineage could not be tagged yet: %s", error)


def _download_progress(publish: Report) -> DownloadReport:
    def told(what: str, done: int, total: int) -> None:
        publish(Progress(what, done, total, "bytes") if total else Progress(what))

    return told


def _end(settings: Settings, connect: Connect, run_id: str, status: RunStatus, reason: str = "") -> None:
    tracker = MLflowTracker(settings, connect())
    tracker.continue_run(run_id)
    tracker.end_run(status, reason)


def _log_ending(settings: Settings, outcome: TrainingOutcome) -> None:
    log = PipelineLogger(STAGE, settings)
    version = f" and MLflow version {outcome.version}" if outcome.version else ""
    log.info(f"{outcome.run_name} is registered as {outcome.local_version}{version}")
    for note in outcome.notes:
        log.info(note)
    log.stage_end()


def _record_in_mlflow(
    settings: Settings, request: TrainingRequest, store: Store, work: WorkFolder, run_id: str, fitted: Fitted
) -> str:
    """Log everything and register the version; a version that a crashed attempt registered is kept."""
    registered = version_of_run(store, run_id)
    if registered is not None:
        return registered.version
    tracker = MLflowTracker(settings, store)
    tracker.continue_run(run_id)
    tracker.log_lineage(fitted.lineage)
    tracker.log_metrics(fitted.metrics)
    tracker.log_curve("held_out_rmse", fitted.curve)
    tracker.log_files(work.artifacts)
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


def _model_file(settings: Settings, work: WorkFolder, fitted: Fitted) -> Path:
    """The model file: in the work folder, or in its place when a crashed attempt moved it there."""
    saved = settings.paths.saved_models / fitted.saved_name
    return saved if saved.exists() else work.model
