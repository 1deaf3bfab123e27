"""One training as a whole deed, in parts that a durable job can stop and go on between.

``open_run`` (MLflow says RUNNING), ``fit`` (model, predictions and plots lie in a work folder), ``record``
(all of it is logged and registered), or ``abandon``. Each part may be repeated after a crash: a job opens
one run, and a run is registered once.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from core.data.ingest import DataIngestor
from core.data.split import split_rows
from core.domain.errors import LabError, RecordsError, StoreUnavailable, TrainingCancelled
from core.domain.jobs import Progress, TrainingRequest
from core.domain.runs import RunStatus, TrainingOutcome
from core.domain.settings import PROJECT_ROOT, Settings
from core.evaluation.evaluate import ModelEvaluator, write_report
from core.models.packaged import write_model
from core.models.trainer import ModelTrainer, Report, ShouldStop
from core.tracking.lineage import Lineage, code_version
from core.tracking.local_registry import ModelRegistry
from core.tracking.rebuild import entries_from_mlflow
from core.tracking.registry import note_local_version, register_version, version_of_run
from core.tracking.runs import find_run_of_job
from core.tracking.store import Store
from core.tracking.tracker import MLflowTracker
from core.workflows.artifacts import write_artifacts
from core.workflows.stage_log import PipelineLogger

STAGE: Final = "train_model"

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
    lineage: Mapping[str, Any]

    def as_payload(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Fitted:
        return cls(**{**payload, "curve": tuple((int(step), float(rmse)) for step, rmse in payload["curve"])})


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
    with closing_run(settings, connect, job_id, run):
        fitted = fit(settings, request, job_id, report=report, should_stop=should_stop)
        return record(settings, request, connect, job_id, run, fitted)


def open_run(request: TrainingRequest, connect: Connect, job_id: str) -> OpenedRun:
    """Open this job's MLflow run, or find the one it opened before a crash."""
    try:
        store = connect()
        tracker = MLflowTracker(store=store)
        earlier = find_run_of_job(store, job_id)
        if earlier is not None:
            tracker.continue_run(earlier.run_id)
            return OpenedRun(earlier.run_id)
        run_id = tracker.start_run(
            request.run_name, {"job.id": job_id, "mlflow.user": request.actor, "mlflow.source.type": "JOB"}
        )
        tracker.log_params(request.spec.as_params())
    except StoreUnavailable as error:
        return OpenedRun(None, f"Recorded in the local registry only. {error.what}")
    return OpenedRun(run_id)


def fit(
    settings: Settings,
    request: TrainingRequest,
    job_id: str,
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
    dataset = DataIngestor(settings).ingest()
    split = split_rows(dataset.rows, test_size=settings.data.test_size, random_state=settings.data.random_state)
    log.info(f"{request.run_name}: {request.spec.as_params()}")
    log.info(f"{len(dataset.rows):,} rows ({dataset.source}), SHA-256 {dataset.sha256}, split {split.name}")

    trainer = ModelTrainer(settings, request.spec)
    held_out = (split.X_test, split.y_test)
    trainer.train(split.X_train, split.y_train, watched=held_out, report=publish, should_stop=should_stop)
    publish(Progress("scoring the held-out rows", curve=trainer.curve))
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

    publish(Progress("writing the model", curve=trainer.curve))
    lineage = Lineage(
        data_sha256=dataset.sha256,
        data_source=str(dataset.source),
        data_address=str(dataset.path),
        rows=len(dataset.rows),
        split=split.name,
        code_version=code_version(PROJECT_ROOT),
    )
    work = WorkFolder(settings, job_id)
    write_artifacts(work.artifacts, request.run_name, trainer.importance, split.y_test, predicted)
    return Fitted(
        saved_name=f"model_{request.spec.family.value}_{datetime.now(UTC):%Y%m%d_%H%M%S_%f}.joblib",
        sha256=write_model(trainer.pipeline, work.model),
        metrics=metrics,
        threshold_checks=evaluation.threshold_checks,
        curve=trainer.curve,
        lineage=asdict(lineage),
    )


def record(
    settings: Settings, request: TrainingRequest, connect: Connect, job_id: str, run: OpenedRun, fitted: Fitted
) -> TrainingOutcome:
    """Log and register what ``fit`` left, in MLflow and in registry.json, and end the run.

    MLflow going out of reach does not lose the model: it is registered locally, and the outcome says so.
    """
    log = PipelineLogger(STAGE, settings)
    work = WorkFolder(settings, job_id)
    notes = [run.note] if run.note else []
    store: Store | None = None
    version: str | None = None
    if run.run_id is not None:
        try:
            store = connect()
            version = _record_in_mlflow(settings, request, store, work, run.run_id, fitted)
        except StoreUnavailable as error:
            store = None
            notes.append(f"Recorded in the local registry only. {error.what}")
    local_version = _record_locally(settings, request, store, work, run.run_id, version, fitted)
    if store is not None and run.run_id is not None and version is not None:
        note_local_version(store, version, local_version, fitted.saved_name)
        tracker = MLflowTracker(settings, store)
        tracker.continue_run(run.run_id)
        tracker.end_run()
    outcome = TrainingOutcome(
        run_name=request.run_name,
        family=request.spec.family.value,
        params=request.spec.as_params(),
        metrics=fitted.metrics,
        threshold_checks=fitted.threshold_checks,
        run_id=run.run_id,
        version=version,
        local_version=local_version,
        notes=tuple(notes),
    )
    write_report(outcome.as_report(), settings.paths.evaluation_report)
    log.info(f"registered as {local_version}" + (f" and MLflow version {version}" if version else ""))
    for note in notes:
        log.info(note)
    log.stage_end()
    work.remove()
    return outcome


def abandon(settings: Settings, connect: Connect, job_id: str, run: OpenedRun, error: BaseException) -> None:
    """Close the run of a training that did not end well, and remove what it wrote."""
    cancelled = isinstance(error, TrainingCancelled)
    reason = error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
    log = PipelineLogger(STAGE, settings)
    log.info(reason)
    log.stage_end("cancelled" if cancelled else "failed")
    if run.run_id is not None:
        try:
            tracker = MLflowTracker(settings, connect())
            tracker.continue_run(run.run_id)
            tracker.end_run(RunStatus.KILLED if cancelled else RunStatus.FAILED, reason)
        except StoreUnavailable as unreachable:
            log.info(f"the run could not be closed: {unreachable.what}")
    WorkFolder(settings, job_id).remove()


class closing_run:  # noqa: N801 - reads as a phrase at the `with`
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
        self.root = settings.paths.job_files / job_id
        self.model = self.root / "model.joblib"
        self.artifacts = self.root / "artifacts"

    def remove(self) -> None:
        if self.root.exists():
            shutil.rmtree(self.root)


def _record_in_mlflow(
    settings: Settings, request: TrainingRequest, store: Store, work: WorkFolder, run_id: str, fitted: Fitted
) -> str:
    """Log everything and register the version; a version that a crashed attempt registered is kept."""
    registered = version_of_run(store, run_id)
    if registered is not None:
        return registered.version
    lineage = Lineage(**fitted.lineage)
    tracker = MLflowTracker(settings, store)
    tracker.continue_run(run_id)
    tracker.log_lineage(lineage)
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
        tags=lineage.as_tags(),
    ).version


def _record_locally(
    settings: Settings,
    request: TrainingRequest,
    store: Store | None,
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
    registry = ModelRegistry(settings, rebuild=None if store is None else lambda: entries_from_mlflow(settings, store))
    return registry.register_model(
        saved,
        fitted.metrics,
        family=request.spec.family.value,
        params=request.spec.as_params(),
        tags=Lineage(**fitted.lineage).as_tags(),
        run_id=run_id,
        mlflow_version=version,
        sha256=fitted.sha256,
    )


def _model_file(settings: Settings, work: WorkFolder, fitted: Fitted) -> Path:
    """The model file: in the work folder, or in its place when a crashed attempt moved it there."""
    saved = settings.paths.saved_models / fitted.saved_name
    return saved if saved.exists() else work.model
