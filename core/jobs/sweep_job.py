"""A trial as a durable workflow, on the same queue as the trainings."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from core.domain.jobs import Progress, TrialRequest
from core.domain.sweeps import Trial, TrialState
from core.jobs.conductor import Conductor
from core.jobs.desk import Desk, Workplace
from core.jobs.engine import TRIAL_WORKFLOW
from core.jobs.training_job import MOST_RESUMES, RunStep
from core.search.pruning import should_prune
from core.workflows.training_state import OpenedRun
from core.workflows.trials import Judged, abandon_trial, has_predictions, judge_trial, open_trial, record_trial


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
    desk.publish(Progress("opening the run"))

    def opened() -> dict[str, Any]:
        desk.run = open_trial(request, connect, sweeps.get(request.sweep_id).run_id)
        return asdict(desk.run)

    def give_up(steps: tuple[tuple[int, float], ...]) -> bool:
        sweep = sweeps.get(request.sweep_id)
        return should_prune(sweep.plan, sweep.trials, steps)

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

    desk.run = OpenedRun(**run_step({"name": "open_run"}, opened))
    judged = run_step({"name": "judge"}, lambda: judging().as_payload())
    desk.publish(Progress("recording"))
    return TrialState(run_step({"name": "record"}, recorded))
