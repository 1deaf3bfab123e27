"""Scoring a version's settings on whole blocks of the map: what its errors are where it knows no neighbours.

Each part is fitted and scored by itself and leaves four figures, so a durable job keeps part after part and goes on
where it was cut off. Only training rows are fitted on and scored: the held-out rows stay untouched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from core.data.blocks import block_parts, spatial_blocks
from core.domain.assessment import Assessment
from core.domain.errors import AssessmentCancelled, InvalidSettings, LabError, StoreUnavailable, TrainingCancelled
from core.domain.jobs import Progress
from core.domain.settings import Settings
from core.models.trainer import ModelTrainer, Report, ShouldStop
from core.tracking.local_registry import open_registry
from core.tracking.tracker import MLflowTracker
from core.workflows.assessed_version import AssessedVersion, find_version, refuse_other_rows
from core.workflows.chosen_data import settings_on
from core.workflows.rows import read_rows
from core.workflows.stage_log import PipelineLogger
from core.workflows.training_state import LOCALLY, Connect

STAGE: Final = "score_blocks"
BLOCKS: Final = "blocks of the map"
"""How the phase of a progress begins while parts of whole blocks are fitted."""

FIRST_SHARE: Final = 0.1
"""Of one part: before so much of it is done nobody says how long the rest takes."""

Step = Callable[[str, Callable[[], dict[str, Any]]], Mapping[str, Any]]
"""Does a part once, under its name, and keeps what it returned: JSON values."""


@dataclass(frozen=True, slots=True)
class PartScore:
    """One part of whole blocks: its rows, the sums of their squared and absolute errors (1990 USD), and its seconds."""

    rows: int
    squared: float
    absolute: float
    seconds: float


def at_once(name: str, part: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
    """A :data:`Step` that keeps nothing: for a process without a queue."""
    return part()


def with_spatial_score(
    settings: Settings,
    connect: Connect,
    version: str,
    done: Assessment | None,
    *,
    report: Report,
    should_stop: ShouldStop,
    step: Step = at_once,
) -> Assessment:
    """An assessment with the spatial score of the version; a new one where ``done`` is None.

    A score that cannot be had takes nothing back of what was measured before: a note says why there is none.

    Args:
        version: MLflow's number, an alias, or a ``v_…`` of the local registry.

    Raises:
        AssessmentCancelled: ``should_stop`` said so.
        LabError: it cannot be had, and nothing else was measured.
    """
    try:
        return _scored(settings, connect, version, done, report, should_stop, step)
    except AssessmentCancelled:
        raise
    except LabError as error:
        log = PipelineLogger(STAGE, settings)
        log.info(error.what)
        log.stage_end("failed")
        if done is None:
            raise
        return replace(done, notes=(*done.notes, f"Its spatial score was not measured. {error.what}"))


def _scored(
    settings: Settings,
    connect: Connect,
    version: str,
    done: Assessment | None,
    report: Report,
    should_stop: ShouldStop,
    step: Step,
) -> Assessment:
    folds = settings.evaluation.spatial_folds
    if folds == 0:
        raise InvalidSettings(
            "Spatial scores are not measured: evaluation.spatial_folds is 0.",
            where="evaluation.spatial_folds",
            remedy="Set it to 5, the usual number of parts, and measure again.",
        )
    log = PipelineLogger(STAGE, settings)
    log.stage_start()
    before = (done.folds, done.seconds) if done else (0, 0.0)
    scores: list[PartScore] = []
    for number in range(folds):

        def fitted(number: int = number) -> dict[str, Any]:
            spent = sum(score.seconds for score in scores)
            return asdict(_score_part(settings, connect, version, number, spent, before, report, should_stop))

        scores.append(PartScore(**step(f"blocks_{number + 1}_of_{folds}", fitted)))

    def recorded() -> dict[str, Any]:
        return {"notes": list(_record(settings, connect, version, _metrics(scores)))}

    notes = tuple(step("record_blocks", recorded)["notes"])
    for name, value in _metrics(scores).items():
        log.metric(name, value)
    log.stage_end()
    seconds = sum(score.seconds for score in scores)
    whole = done or _nothing_yet(find_version(settings, connect, version))
    return replace(
        whole,
        metrics={**whole.metrics, **_metrics(scores)},
        seconds=whole.seconds + seconds,
        notes=tuple(dict.fromkeys((*whole.notes, *notes))),
        spatial_folds=folds,
    )


def _score_part(
    settings: Settings,
    connect: Connect,
    version: str,
    number: int,
    spent: float,
    before: tuple[int, float],
    report: Report,
    should_stop: ShouldStop,
) -> PartScore:
    """Fit on all other blocks and score those of part ``number``, from 0.

    Args:
        spent: seconds that went into the parts before it. before: parts drawn at random that were fitted before those,
            and their seconds.
    """
    folds = settings.evaluation.spatial_folds
    found = find_version(settings, connect, version)
    rows = read_rows(settings_on(settings, found.data_sha256), lambda progress: None)
    refuse_other_rows(found, rows)
    X, y = rows.split.X_train, rows.split.y_train
    blocks = spatial_blocks(X["longitude"], X["latitude"])
    inside, outside = block_parts(blocks, folds, settings.data.random_state)[number]
    size = found.spec.size or 1

    def told(progress: Progress) -> None:
        done, elapsed = number * size + progress.done, spent + progress.elapsed
        remaining = elapsed / done * (folds * size - done) if done >= FIRST_SHARE * size else None
        # The curve is of a part, and would be taken for the score on the held-out rows.
        report(
            replace(
                progress,
                phase=f"{BLOCKS}, part {number + 1} of {folds}",
                done=before[0] * size + done,
                total=(before[0] + folds) * size,
                elapsed=before[1] + elapsed,
                remaining=remaining,
                curve=(),
            )
        )

    trainer = ModelTrainer(settings, found.spec)
    try:
        trainer.train(X.iloc[inside], y.iloc[inside], report=told, should_stop=should_stop)
    except TrainingCancelled as error:
        raise AssessmentCancelled from error
    off = trainer.predict(X.iloc[outside]) - y.iloc[outside].to_numpy(dtype=float)
    return PartScore(len(outside), float(off @ off), float(np.abs(off).sum()), trainer.fit_seconds)


def _metrics(scores: Sequence[PartScore]) -> dict[str, float]:
    """Over all rows at once: a part of few rows weighs little."""
    rows = sum(score.rows for score in scores)
    return {
        "spatial_rmse": math.sqrt(sum(score.squared for score in scores) / rows),
        "spatial_mae": sum(score.absolute for score in scores) / rows,
        "spatial_folds": float(len(scores)),
    }


def _record(settings: Settings, connect: Connect, version: str, metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Add the figures to both registries; what could not be done, a sentence each. Twice writes the same."""
    found = find_version(settings, connect, version)
    if found.entry is not None:
        open_registry(settings, connect).add_metrics(found.entry.version, metrics)
    if found.version is None or found.run_id is None:
        return (found.note,) if found.note else ()
    try:
        MLflowTracker(settings, connect(), run_id=found.run_id).log_metrics(metrics)
    except StoreUnavailable as error:
        if found.entry is None:
            raise
        return (f"{LOCALLY} {error.what}",)
    return ()


def _nothing_yet(found: AssessedVersion) -> Assessment:
    return Assessment(found.name, found.run_name, found.run_id, folds=0, metrics={}, sha256="", seconds=0.0)
