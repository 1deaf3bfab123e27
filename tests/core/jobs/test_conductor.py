"""The conductor without a worker: what it makes of rows that others change at the same time."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from core.domain.jobs import JobState
from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, TrialState
from core.jobs.conductor import Conductor
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import cancel_sweep, pause_sweep, start_sweep
from core.tracking.runs import get_run
from core.tracking.store import Store, open_store
from core.workflows.sweeping import End, Start
from core.workflows.training_state import Connect


@pytest.fixture
def connect(settings: Settings) -> Connect:
    """MLflow switched off: these tests are about the rows, and its database takes seconds to make."""
    off = settings.model_copy(update={"training": settings.training.model_copy(update={"enable_mlflow": False})})
    return lambda: open_store(off)


@pytest.fixture
def conductor(queue: JobQueue, connect: Connect) -> Conductor:
    return Conductor(queue, connect)


def _started(queue: JobQueue, connect: Connect, settings: Settings, trials: int = 3) -> Sweep:
    plan = SweepPlan.search(settings.default_spec("ridge"), trials=trials)
    return queue.sweeps.get(start_sweep(queue, connect, plan, actor="tester"))


def test_a_sweep_that_cannot_be_read_holds_up_no_other(
    queue: JobQueue, conductor: Conductor, connect: Connect, settings: Settings
) -> None:
    broken = _started(queue, connect, settings)
    with queue.sweeps.begin() as connection:
        connection.execute(
            sa.text("UPDATE lab_sweeps SET plan = replace(plan, 'tpe', 'divination') WHERE sweep_id = :id"),
            {"id": broken.sweep_id},
        )
    healthy = _started(queue, connect, settings)
    conductor.look()
    assert len(queue.sweeps.get(healthy.sweep_id).trials) == 1
    assert [sweep.sweep_id for sweep in queue.sweeps.newest()] == [healthy.sweep_id]
    assert {head.sweep_id for head in queue.sweeps.heads()} == {healthy.sweep_id, broken.sweep_id}


def test_a_pause_that_comes_just_before_the_end_is_kept_and_can_be_resumed(
    queue: JobQueue, conductor: Conductor, connect: Connect, settings: Settings
) -> None:
    running = _started(queue, connect, settings)
    pause_sweep(queue, connect, running.sweep_id)
    after = conductor._do(running, End(SweepState.FINISHED))
    assert after.state is SweepState.PAUSED
    queue.sweeps.close(running.sweep_id)
    assert [sweep.sweep_id for sweep in queue.sweeps.open()] == [running.sweep_id], "it goes on, so it stays open"


def test_a_trial_put_on_the_queue_while_its_sweep_is_cancelled_is_stopped(
    queue: JobQueue, conductor: Conductor, connect: Connect, settings: Settings
) -> None:
    seen_running = _started(queue, connect, settings)
    cancel_sweep(queue, seen_running.sweep_id)
    conductor._do(seen_running, Start(0))  # another worker had looked a moment before the cancel
    (trial,) = queue.sweeps.get(seen_running.sweep_id).trials
    assert queue.states([trial.job_id]) == {trial.job_id: JobState.QUEUED}
    for _ in range(2):
        conductor.look()
    assert queue.states([trial.job_id]) == {trial.job_id: JobState.CANCELLED}
    conductor.look()
    sweep = queue.sweeps.get(seen_running.sweep_id)
    assert (sweep.state, sweep.trials[0].state) == (SweepState.CANCELLED, TrialState.CANCELLED)
    assert not queue.sweeps.open()


def test_two_conductors_start_each_trial_once(queue: JobQueue, connect: Connect, settings: Settings) -> None:
    sweep = _started(queue, connect, settings)
    one, other = Conductor(queue, connect), Conductor(queue, connect)
    for conductor in (one, other):
        conductor._do(sweep, Start(0))
    found = queue.sweeps.get(sweep.sweep_id)
    assert [trial.number for trial in found.trials] == [0]
    assert len(queue.list_jobs(trials=True)) == 1


def test_a_sweep_waits_for_its_run_before_any_worker_sees_it_running(queue: JobQueue, settings: Settings) -> None:
    states = []

    def opened() -> Store:
        states.extend(sweep.state for sweep in queue.sweeps.newest())
        return open_store(settings)

    plan = SweepPlan.search(settings.default_spec("ridge"), trials=3)
    sweep = queue.sweeps.get(start_sweep(queue, opened, plan, actor="tester"))
    assert states == [SweepState.PAUSED]
    assert sweep.state is SweepState.RUNNING
    assert get_run(open_store(settings), str(sweep.run_id)).status == "RUNNING"
