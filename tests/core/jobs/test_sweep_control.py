"""What a person does with a sweep, while a worker does something with it at the same moment."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from core.domain.settings import Settings
from core.domain.sweep_plans import SweepPlan
from core.domain.sweeps import Sweep, SweepState, TrialState
from core.jobs.conductor import Conductor
from core.jobs.engine import JobQueue
from core.jobs.sweep_control import cancel_sweep, pause_sweep, resume_sweep, start_sweep
from core.tracking.runs import get_run
from core.tracking.store import Store, open_store
from core.workflows.training_state import Connect


@pytest.fixture
def connect(settings: Settings) -> Connect:
    return functools.cache(lambda: open_store(settings))


@pytest.fixture
def conductor(queue: JobQueue, connect: Connect) -> Conductor:
    return Conductor(queue, connect)


def test_a_sweep_that_ends_while_it_is_resumed_does_not_say_running_for_ever(
    queue: JobQueue, conductor: Conductor, connect: Connect, settings: Settings
) -> None:
    plan = SweepPlan.search(settings.default_spec("ridge"), trials=1)
    sweep_id = start_sweep(queue, connect, plan, actor="tester")
    conductor.look()
    (trial,) = queue.sweeps.get(sweep_id).trials
    pause_sweep(queue, connect, sweep_id)
    queue.sweeps.end_trial(sweep_id, replace(trial, state=TrialState.COMPLETE, cv_rmse=50_000.0))

    def after_a_worker_s_round() -> Store:
        conductor.look()
        return connect()

    resumed = resume_sweep(queue, after_a_worker_s_round, sweep_id)
    assert resumed.state is SweepState.FINISHED
    assert not queue.sweeps.open()
    assert _status(connect(), resumed) == "FINISHED"


def test_a_sweep_cancelled_before_its_run_is_open_does_not_say_running_for_ever(
    queue: JobQueue, conductor: Conductor, connect: Connect, settings: Settings
) -> None:
    def after_a_cancel() -> Store:
        for sweep in queue.sweeps.under_way():
            cancel_sweep(queue, sweep.sweep_id)
            conductor.look()
        return connect()

    plan = SweepPlan.search(settings.default_spec("ridge"), trials=3)
    sweep = queue.sweeps.get(start_sweep(queue, after_a_cancel, plan, actor="tester"))
    assert sweep.state is SweepState.CANCELLED
    assert _status(connect(), sweep) == "KILLED"


def _status(store: Store, sweep: Sweep) -> str:
    assert sweep.run_id is not None
    return get_run(store, sweep.run_id).status
