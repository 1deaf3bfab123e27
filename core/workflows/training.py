"""One training as a whole deed, in parts that a durable job can stop and go on between.

``open_run`` (MLflow says RUNNING), ``fit`` (model, predictions and plots lie in a work folder), then
``recording.record`` (all of it is logged and registered) or ``recording.abandon``. Each part may be repeated
after a crash: a job opens one run, and a run is registered once.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor

from core.data.download import ProgressReport as DownloadReport
from core.data.ingest import DataIngestor
from core.data.split import split_rows
from core.domain.errors import RecordsError
from core.domain.jobs import Progress, TrainingRequest
from core.domain.provenance import JOB_TAG
from core.domain.runs import TrainingOutcome
from core.domain.settings import PROJECT_ROOT, Settings
from core.evaluation.evaluate import ModelEvaluator
from core.models.packaged import model_file_name, write_model
from core.models.trainer import ModelTrainer, Report, ShouldStop
from core.tracking.lineage import Lineage, code_version
from core.tracking.runs import find_run_of_job
from core.tracking.tracker import MLflowTracker
from core.workflows.artifacts import write_artifacts
from core.workflows.recording import ClosingRun, record
from core.workflows.stage_log import PipelineLogger
from core.workflows.training_state import LOCALLY, STAGE, Connect, Fitted, OpenedRun, WorkFolder

_log = logging.getLogger(__name__)


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
        return OpenedRun(run_id, f"{LOCALLY} {error.what}")
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
    work = WorkFolder(settings, job_id)
    publish(Progress("writing the model"))
    # Compressing a forest needs no Python, so it goes on beside the scores and the plots.
    with ThreadPoolExecutor(1, "model-writer") as writer:
        writing = writer.submit(write_model, trainer.pipeline, work.model)
        predicted = trainer.predict(split.X_test)
        evaluation = ModelEvaluator(settings).judge(split.y_test, predicted)
        write_artifacts(work.artifacts, request.run_name, trainer.importance, split.y_test, predicted)
        written = writing.result()
    metrics = {
        **evaluation.scores.as_metrics(),
        "fit_seconds": trainer.fit_seconds,
        "model_mb": written.megabytes,
        "train_rows": len(split.X_train),
        "held_out_rows": len(split.X_test),
    }
    for name, value in metrics.items():
        log.metric(name, value)

    return Fitted(
        saved_name=model_file_name(request.spec.family),
        sha256=written.sha256,
        metrics=metrics,
        threshold_checks=evaluation.threshold_checks,
        curve=trainer.curve,
        lineage=lineage,
    )


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
