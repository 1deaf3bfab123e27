"""One training as a whole deed, in parts that a durable job can stop and go on between.

``open_run`` (MLflow says RUNNING), ``fit`` (model, predictions and plots lie in a work folder), then
``recording.record`` (all of it is logged and registered) or ``recording.abandon``. Each part may be repeated
after a crash: a job opens one run, and a run is registered once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from core.domain.jobs import Progress, TrainingRequest
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.evaluation.evaluate import ModelEvaluator
from core.evaluation.fairness import uncapped_study
from core.models.checkpoint import TreeCheckpoints
from core.models.packaged import model_file_name, write_model
from core.models.trainer import ModelTrainer, Report, ShouldStop
from core.workflows.artifacts import write_artifacts
from core.workflows.assessing import with_range
from core.workflows.behaving import broken_rules, look_at_behaviour, write_behaviour
from core.workflows.inline_jobs import new_inline_job
from core.workflows.opening import open_run
from core.workflows.recording import ClosingRun, record
from core.workflows.rows import read_rows, tag_run
from core.workflows.stage_log import PipelineLogger
from core.workflows.training_state import STAGE, Connect, Fitted, Note, OpenedRun, WorkFolder


def train_now(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
    look: Callable[[WorkFolder, Fitted], None] | None = None,
) -> TrainingOutcome:
    """All parts in this process, without a queue, and then the range: what a pipeline stage does.

    Args:
        look: shown what the fit left before it is recorded, for the work folder is gone afterwards.

    Raises:
        TrainingCancelled: ``should_stop`` said so; the run is KILLED.
        LabError: the training failed; the run is FAILED and says why.
    """
    job_id = new_inline_job()
    run = open_run(request, connect, job_id)
    with ClosingRun(settings, connect, job_id, run):
        fitted = fit(settings, request, connect, job_id, run, report=report, should_stop=should_stop)
        if look is not None:
            look(WorkFolder(settings, job_id), fitted)
        outcome = record(settings, request, connect, job_id, run, fitted)
    return with_range(settings, connect, outcome, report=report, should_stop=should_stop)


def fit(
    settings: Settings,
    request: TrainingRequest,
    connect: Connect,
    job_id: str,
    run: OpenedRun,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
    checkpoints: TreeCheckpoints | None = None,
    note: Note | None = None,
) -> Fitted:
    """Read, split, fit on the training rows, score the held-out rows, and write it all to the work folder.

    Args:
        checkpoints: where a forest leaves its trees while it grows, and finds those of an attempt that was cut off.
        note: told each line of the log.

    Raises:
        DataError: the rows cannot be used.
        TrainingCancelled: ``should_stop`` said so.
    """
    log = PipelineLogger(STAGE, settings, echo=note)
    log.stage_start()
    publish = report or (lambda progress: None)
    rows = read_rows(settings, publish, request.data_sha256)
    tag_run(connect, run, rows.lineage)
    log.info(f"{request.run_name}: {request.spec.as_params()}")
    log.info(rows.sentence)

    split = rows.split
    trainer = ModelTrainer(settings, request.spec)
    held_out = (split.X_test, split.y_test)
    trainer.train(
        split.X_train,
        split.y_train,
        watched=held_out,
        report=publish,
        should_stop=should_stop,
        checkpoints=checkpoints,
    )
    work = WorkFolder(settings, job_id)
    publish(Progress("writing the model"))
    # Compressing a forest needs no Python, so it goes on beside the scores and the plots.
    with ThreadPoolExecutor(1, "model-writer") as writer:
        writing = writer.submit(write_model, trainer.pipeline, work.model)
        predicted = trainer.predict(split.X_test)
        evaluation = ModelEvaluator(settings).judge(split.y_test, predicted)
        write_artifacts(work.artifacts, request.run_name, trainer.importance, split.y_test, predicted)
        checks = look_at_behaviour(trainer.pipeline, split, evaluation.scores.rmse)
        write_behaviour(work.artifacts, checks)
        written = writing.result()
    metrics = {
        **evaluation.scores.as_metrics(),
        **uncapped_study(split.y_test, predicted).as_metrics(),
        "fit_seconds": trainer.fit_seconds,
        "model_mb": written.megabytes,
        "train_rows": len(split.X_train),
        "held_out_rows": len(split.X_test),
    }
    if trainer.restored_trees:
        # fit_seconds is the last attempt's alone, so what it restored has to stand beside it.
        metrics["restored_trees"] = trainer.restored_trees
        log.info(f"{trainer.restored_trees} trees came from checkpoints")
    for name, value in metrics.items():
        log.metric(name, value)
    for check in checks:
        log.info(f"{check.rule}: {'passed' if check.passed else 'failed'}. {check.detail}")

    return Fitted(
        saved_name=model_file_name(request.spec.family),
        sha256=written.sha256,
        metrics=metrics,
        threshold_checks=evaluation.threshold_checks,
        curve=trainer.curve,
        lineage=rows.lineage,
        unsound=broken_rules(checks),
    )
