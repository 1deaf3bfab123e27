"""A trial as a durable workflow, on the same queue as the trainings."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict
from functools import partial
from typing import Any, Final

from core.domain.errors import QueueUnavailable
from core.domain.jobs import Progress, TrialRequest
from core.domain.sweeps import Trial, TrialState
from core.jobs.conductor import Conductor
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import TRIAL_WORKFLOW
from core.jobs.training_job import MOST_RESUMES, PATIENCE, RunStep
from core.search.pruning import should_prune
from core.workflows.training_state import OpenedRun, WorkFolder
from core.workflows.trials import Judged, abandon_trial, has_predictions, judge_trial, open_trial, record_trial

PRUNING_COST: Final = 10
"""After asking whether it is hopeless a trial goes on for so many times as long: the answer weighs all before it."""

_log = logging.getLogger(__name__)


def register_trials(place: Workplace, conductor: Conductor) -> None:
    """Make the trial workflow known to this process's engine. Call it before the engine launches."""
    from dbos import DBOS

    @DBOS.workflow(name=TRIAL_WORKFLOW, max_recovery_attempts=MOST_RESUMES)
    def trial(payload: dict[str, Any]) -> dict[str, object]:
        request = TrialRequest.from_payload(payload)
        desk = Desk(place, request.job_id, partial(abandon_trial, place.settings, place.connect, request.job_id))
        with desk:
            ended = _trial(desk, request, DBOS.run_step)
        # The next trial need not wait for the conductor's next round.
        conductor.advance(request.sweep_id)
        return {"state": ended}


def _trial(desk: Desk, request: TrialRequest, run_step: RunStep) -> TrialState:
    settings, connect, sweeps = desk.place.settings, desk.place.connect, desk.place.queue.sweeps
    not_before = 0.0
    desk.publish(Progress("opening the run"))

    def opened() -> dict[str, Any]:
        desk.run = open_trial(request, connect, sweeps.get(request.sweep_id).run_id)
        return asdict(desk.run)

    def give_up(steps: tuple[tuple[int, float], ...]) -> bool:
        nonlocal not_before
        began = time.monotonic()
        if began < not_before:
            return False
        try:
            sweep = sweeps.get(request.sweep_id)
        except QueueUnavailable as error:
            _log.warning("a trial goes on unjudged for now: %s", error)
            return False
        answer = should_prune(sweep.plan, sweep.trials, steps)
        now = time.monotonic()
        not_before = now + PRUNING_COST * (now - began)
        return answer

    def judging() -> Judged:
        return judge_trial(
            settings, request, connect, desk.run, report=desk.publish, should_stop=desk.should_stop, give_up=give_up
        )

    def recorded() -> str:
        # Its predictions lie on the host that judged it: when that is gone, it is judged here once more.
        ready = Judged.from_payload(judged)
        whole = ready if has_predictions(settings, request, ready) else judging()
        ended: Trial = record_trial(settings, request, connect, desk.run, whole)
        sweeps.end_trial(request.sweep_id, ended)
        return ended.state.value

    desk.run = OpenedRun(**run_step({"name": "open_run", **PATIENCE}, opened))
    judged = run_step({"name": "judge"}, lambda: judging().as_payload())
    desk.publish(Progress("recording"))
    ended = TrialState(run_step({"name": "record", **PATIENCE}, recorded))
    # Only now: a step that is repeated finds what it needs.
    WorkFolder(settings, request.job_id).remove()
    return ended
