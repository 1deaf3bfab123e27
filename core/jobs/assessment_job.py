"""Measuring a version's range and spatial score as a durable workflow, on a queue that steps back for trainings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from core.domain.assessment import ASSESSMENT_PREFIX, Assessment, AssessmentRequest
from core.domain.jobs import TRAINING_PREFIX, Progress
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import ASSESSMENT_WORKFLOW
from core.jobs.training_job import MOST_RESUMES, RunStep
from core.workflows.assessed_version import find_version, refuse_nothing
from core.workflows.assessing import CrossFitted, abandon_range, cross_fit, record_range
from core.workflows.out_of_fold import has_out_of_fold
from core.workflows.spatial import with_spatial_score
from core.workflows.training_state import OpenedRun, WorkFolder

PAUSE_SECONDS: Final = 0.25
WAITING: Final = "waiting for a training to end"


def register_assessments(place: Workplace) -> None:
    """Make the assessing workflow known to this process's engine. Call it before the engine launches."""
    from dbos import DBOS

    @DBOS.workflow(name=ASSESSMENT_WORKFLOW, max_recovery_attempts=MOST_RESUMES)
    def assess(payload: dict[str, Any]) -> dict[str, object]:
        job_id = str(DBOS.workflow_id)
        desk = Desk(place, job_id, partial(abandon_assessment, place, job_id))
        with desk:
            return _assess(desk, AssessmentRequest.from_payload(payload), DBOS.run_step)


def _assess(desk: Desk, request: AssessmentRequest, run_step: RunStep) -> dict[str, object]:
    settings, connect, version = desk.place.settings, desk.place.connect, request.version
    work = WorkFolder(settings, desk.job_id)
    desk.publish(Progress("starting"))

    def fitting() -> CrossFitted:
        desk.run = OpenedRun(find_version(settings, connect, version).run_id)
        return cross_fit(settings, connect, version, work, report=desk.publish, should_stop=_StepsBack(desk))

    def recorded() -> dict[str, object]:
        # Its prices lie on the host that fitted: when that is gone, they are made here once more.
        ready = CrossFitted(**fitted) if has_out_of_fold(work) else fitting()
        done = record_range(settings, connect, version, work, ready, report=desk.publish, should_stop=desk.should_stop)
        return done.as_report()

    def part_of_it(name: str, part: Callable[[], dict[str, Any]]) -> Mapping[str, Any]:
        # Each part by itself: a worker that is killed loses one fit of the blocks, not all.
        return dict(run_step({"name": name}, part))

    refuse_nothing(settings)
    done = None
    if settings.evaluation.range_folds and not request.only_spatial:
        fitted = run_step({"name": "cross_fit"}, lambda: fitting().as_payload())
        done = Assessment.from_report(run_step({"name": "record"}, recorded))
        # Only now: a step that is repeated finds what it needs.
        work.remove()
    if settings.evaluation.spatial_folds or done is None:
        done = with_spatial_score(
            settings,
            connect,
            version,
            done,
            report=desk.publish,
            should_stop=_StepsBack(desk),
            step=part_of_it,
        )
    return done.as_report()


def abandon_assessment(place: Workplace, job_id: str, run: OpenedRun, error: BaseException) -> tuple[str, ...]:
    """Remove what an assessment had not recorded. The version and its run stay as they are."""
    abandon_range(place.settings, WorkFolder(place.settings, job_id), error)
    return ()


def is_assessment(job_id: str) -> bool:
    """Whether the job measures a range."""
    return job_id.startswith(ASSESSMENT_PREFIX)


class _StepsBack:
    """Asked between steps whether to stop; does not answer while this worker has a training in hand.

    Nobody waits for a range as for a training, and two fits side by side each take twice as long.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __call__(self) -> bool:
        while self._is_in_the_way() and not self._desk.should_stop():
            self._desk.publish(Progress(WAITING))
            time.sleep(PAUSE_SECONDS)
        return self._desk.should_stop()

    def _is_in_the_way(self) -> bool:
        return any(job_id.startswith(TRAINING_PREFIX) for job_id in tuple(self._desk.place.in_hand))
