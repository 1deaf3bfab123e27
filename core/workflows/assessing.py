"""Measuring how wide a version's ranges must be, in parts that a durable job can stop and go on between.

``cross_fit`` prices every training row by a model that was not fitted on it and leaves the prices in a work folder;
``record_range`` makes the ranges from those errors, checks them on the held-out rows, and records both. Each part may
be repeated after a crash and then writes the same. The version stays registered whatever becomes of it. The spatial
score follows: see :mod:`core.workflows.spatial`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from core.domain.assessment import Assessment
from core.domain.errors import (
    AssessmentCancelled,
    InvalidSettings,
    LabError,
    StoreUnavailable,
    TrainingCancelled,
)
from core.domain.jobs import Progress
from core.domain.runs import TrainingOutcome
from core.domain.settings import Settings
from core.evaluation.evaluate import write_report
from core.models.cross_validation import cross_validate
from core.models.trainer import Report, ShouldStop
from core.tracking.intervals import INTERVALS_FILE, encoded, record_intervals, record_intervals_locally
from core.tracking.local_registry import open_registry
from core.workflows.assessed_version import (
    AssessedVersion,
    find_version,
    held_out_prices,
    refuse_nothing,
    refuse_other_rows,
)
from core.workflows.chosen_data import settings_on
from core.workflows.inline_jobs import new_inline_job
from core.workflows.out_of_fold import keep_out_of_fold, read_out_of_fold
from core.workflows.rows import read_rows
from core.workflows.spatial import with_spatial_score
from core.workflows.stage_log import PipelineLogger
from core.workflows.training_state import LOCALLY, Connect, WorkFolder

if TYPE_CHECKING:
    from core.evaluation.intervals import IntervalModel

STAGE: Final = "assess_range"
FIRST_SHARE: Final = 0.1
"""Of one fold: before so much of it is done nobody says how long the rest takes."""

CALIBRATING: Final = "making the ranges"
RECORDING: Final = "recording"


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """What ``cross_fit`` left: prices in the work folder, figures here. JSON values, so that it outlives a process.

    ``rmse`` is in 1990 USD over all training rows; ``seconds`` is what the fits took.
    """

    folds: int
    rmse: float
    seconds: float

    def as_payload(self) -> dict[str, Any]:
        return {"folds": self.folds, "rmse": self.rmse, "seconds": self.seconds}


def assess(
    settings: Settings,
    connect: Connect,
    version: str,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> Assessment:
    """Range and spatial score in this process, without a queue, as far as the settings ask for them.

    A range that is recorded stays, whatever becomes of the spatial score: a note says why there is none.

    Args:
        version: MLflow's number, an alias, or a ``v_…`` of the local registry.

    Raises:
        AssessmentCancelled: ``should_stop`` said so before anything was recorded.
        InvalidSettings: neither is asked for, or rows would be split in another way than the version's were.
        InvalidData: the data file is another one than the version's.
        NotFound: there is no such version. RecordsError: it cannot be read or recorded.
    """
    refuse_nothing(settings)
    publish = report or (lambda progress: None)
    stop = should_stop or (lambda: False)
    done = _ranged(settings, connect, version, publish, stop) if settings.evaluation.range_folds else None
    if not settings.evaluation.spatial_folds and done is not None:
        return done
    try:
        return with_spatial_score(settings, connect, version, done, report=publish, should_stop=stop)
    except AssessmentCancelled as error:
        if done is None:
            raise
        return replace(done, notes=(*done.notes, f"Its spatial score was not measured. {error.what}"))


def _ranged(settings: Settings, connect: Connect, version: str, publish: Report, stop: ShouldStop) -> Assessment:
    work = WorkFolder(settings, new_inline_job())
    try:
        fitted = cross_fit(settings, connect, version, work, report=publish, should_stop=stop)
        done = record_range(settings, connect, version, work, fitted, report=publish, should_stop=stop)
    except LabError as error:
        abandon_range(settings, work, error)
        raise
    finally:
        work.remove()
    return done


def with_range(
    settings: Settings,
    connect: Connect,
    outcome: TrainingOutcome,
    *,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> TrainingOutcome:
    """A training's outcome with the range of what it registered, as the settings ask for one.

    A range that cannot be measured takes nothing back: a note says why there is none.
    """
    if not settings.evaluation.assesses:
        return outcome
    version = outcome.version or outcome.local_version
    try:
        done = assess(settings, connect, version, report=report, should_stop=should_stop)
        whole = outcome.with_assessment(done)
        write_report(whole.as_report(), settings.paths.evaluation_report)
    except LabError as error:
        what = "range" if settings.evaluation.range_folds else "spatial score"
        return replace(outcome, notes=(*outcome.notes, f"Its {what} was not measured. {error.what}"))
    return whole


def cross_fit(
    settings: Settings, connect: Connect, version: str, work: WorkFolder, *, report: Report, should_stop: ShouldStop
) -> CrossFitted:
    """Price each training row of the version by a model of its settings that was not fitted on it. Raises as assess."""
    folds = settings.evaluation.range_folds
    if folds == 0:
        raise InvalidSettings(
            "Ranges are not measured: evaluation.range_folds is 0.",
            where="evaluation.range_folds",
            remedy="Set it to 5, the usual number of parts, and measure the range again.",
        )
    log = PipelineLogger(STAGE, settings)
    log.stage_start()
    found = find_version(settings, connect, version)
    log.info(f"{found.run_name}, version {found.name}: {found.spec.as_params()} in {folds} parts")
    rows = read_rows(settings_on(settings, found.data_sha256), report)
    log.info(rows.sentence)
    refuse_other_rows(found, rows)
    X, y = rows.split.X_train, rows.split.y_train
    size = found.spec.size or 1
    # The parts of whole blocks that follow are counted from the start, or the bar would run twice.
    total = (folds + settings.evaluation.spatial_folds) * size

    def told(progress: Progress) -> None:
        fold = max(1, math.ceil(progress.done / size))
        # The first trees wait for their columns: by their pace alone it would take ten times as long.
        known = progress.done >= FIRST_SHARE * size
        remaining = progress.elapsed / progress.done * (total - progress.done) if known else None
        # The curve is of the folds, and would be taken for the score on the held-out rows.
        report(replace(progress, phase=f"fold {fold} of {folds}", total=total, remaining=remaining, curve=()))

    try:
        judged = cross_validate(found.spec, X, y, config=settings, folds=folds, report=told, should_stop=should_stop)
    except TrainingCancelled as error:
        raise AssessmentCancelled from error
    if judged.predicted is None or judged.cv_rmse is None:
        raise AssessmentCancelled  # nobody is asked to give one up
    keep_out_of_fold(work, y, judged.predicted)
    return CrossFitted(folds, judged.cv_rmse, judged.seconds)


def record_range(
    settings: Settings,
    connect: Connect,
    version: str,
    work: WorkFolder,
    fitted: CrossFitted,
    *,
    report: Report,
    should_stop: ShouldStop,
) -> Assessment:
    """Make the ranges, check them on the held-out rows, and record both. Raises as assess.

    MLflow being away does not lose them: they are kept beside the local model file, and a note says so.
    """
    from core.evaluation.calibration import calibrate

    found = find_version(settings, connect, version)
    report(Progress(CALIBRATING))
    rows = read_rows(settings_on(settings, found.data_sha256), lambda progress: None)
    refuse_other_rows(found, rows)
    split = rows.split
    out_of_fold = read_out_of_fold(work, split.X_train.index)
    held_out = held_out_prices(settings, connect, found, split)
    intervals = calibrate(split.X_train, split.y_train, out_of_fold, split.X_test, split.y_test, held_out)
    if should_stop():
        raise AssessmentCancelled
    report(Progress(RECORDING))
    metrics = {**_figures(intervals), "out_of_fold_rmse": fitted.rmse}
    content = encoded(intervals)
    (work.artifacts / INTERVALS_FILE).write_bytes(content)
    notes = _record(settings, connect, found, work, content, metrics)
    log = PipelineLogger(STAGE, settings)
    for name, value in metrics.items():
        log.metric(name, value)
    for line in notes:
        log.info(line)
    log.stage_end()
    return Assessment(
        version=found.name,
        run_name=found.run_name,
        run_id=found.run_id,
        folds=fitted.folds,
        metrics=metrics,
        sha256=hashlib.sha256(content).hexdigest(),
        seconds=fitted.seconds,
        notes=notes,
    )


def abandon_range(settings: Settings, work: WorkFolder, error: BaseException) -> None:
    """Remove what was not recorded, and say in the log why. The version stays as it is."""
    work.remove()
    log = PipelineLogger(STAGE, settings)
    log.info(error.what if isinstance(error, LabError) else f"{type(error).__name__}: {error}".removesuffix(": "))
    log.stage_end("cancelled" if isinstance(error, AssessmentCancelled | TrainingCancelled) else "failed")


def _record(
    settings: Settings,
    connect: Connect,
    found: AssessedVersion,
    work: WorkFolder,
    content: bytes,
    metrics: Mapping[str, float],
) -> tuple[str, ...]:
    """Record locally and in MLflow, where the version stands there; what could not be done, a sentence each."""
    if found.entry is not None:
        record_intervals_locally(open_registry(settings, connect), found.entry, content, metrics)
    if found.version is None:
        return (found.note,) if found.note else ()
    try:
        record_intervals(connect(), found.version, work.artifacts, metrics)
    except StoreUnavailable as error:
        if found.entry is None:
            raise
        return (f"{LOCALLY} {error.what}",)
    return ()


def _figures(intervals: IntervalModel) -> dict[str, float]:
    """What the ranges came to on the held-out rows; what could not be measured is left out."""
    known = {
        "coverage": intervals.coverage_90,
        "coverage_80": intervals.coverage_80,
        "interval_width": intervals.mean_width_90,
    }
    return {name: value for name, value in known.items() if value is not None}
